/** Asks the box: same origin, its cookies, one header, and errors by their code. */

import type {
  Box,
  EnrolledTablet,
  Heartbeat,
  Hospital,
  Inference,
  Model,
  OutboxKey,
  Page,
  Receipt,
  Result,
  SignIn,
} from "./types.ts";
import type { upload } from "./upload.ts";

/** The box said no, and why. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  readonly fields: readonly string[];
  readonly retryAfterS: number | null;

  constructor(status: number, code: string, fields: readonly string[], retryAfterS: number | null) {
    super(code);
    this.status = status;
    this.code = code;
    this.fields = fields;
    this.retryAfterS = retryAfterS;
  }
}

/** Nobody answered, or not in time. */
export class Unreachable extends Error {}

/** What the client needs of the world. */
export interface Wire {
  readonly fetch: typeof fetch;
  readonly upload: typeof upload;
  readonly version: string;
  /** Told whenever nobody answered. */
  readonly onunreachable?: () => void;
}

const TIMEOUT_MS = 15_000;
/** A minute of sound is 6 MB: on slow Wi-Fi that takes longer than an answer in words. */
const RECORDING_TIMEOUT_MS = 120_000;

/** What may be asked. */
export class Api {
  readonly #wire: Wire;

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  /** What the box is. */
  box(): Promise<Box> {
    return this.#json("GET", "/v1/box");
  }

  /** Sign in; the box sets its cookies. */
  signIn(username: string, password: string): Promise<SignIn> {
    const body = new URLSearchParams({ username, password, client: "pwa" });
    return this.#json("POST", "/v1/users/auth", { body });
  }

  /** Renew the cookies; may be repeated when no answer came. */
  refresh(): Promise<SignIn> {
    return this.#json("POST", "/v1/users/auth/refresh");
  }

  /** End the sign-in. */
  async signOut(): Promise<void> {
    await this.#answer("DELETE", "/v1/users/auth");
  }

  /** The bytes of the protocol new work begins under. */
  async protocol(): Promise<Uint8Array<ArrayBuffer>> {
    const answer = await this.#answer("GET", "/v1/protocols/current");
    return new Uint8Array(await whole(answer.arrayBuffer()));
  }

  /** The hospitals with their rules. */
  async hospitals(): Promise<readonly Hospital[]> {
    const { hospitals } = await this.#json<{ hospitals: Hospital[] }>("GET", "/v1/hospitals/");
    return hospitals;
  }

  /** The models, the default first. */
  async models(): Promise<readonly Model[]> {
    const { models } = await this.#json<{ models: Model[] }>("GET", "/v1/models/");
    return models;
  }

  /** What items are sealed to. */
  outboxKey(): Promise<OutboxKey> {
    return this.#json("GET", "/v1/outbox-key");
  }

  /** Bring one sealed item, telling how far it got, from 0 to 1; may be repeated. */
  async putEnvelope(
    id: string,
    sealed: Uint8Array<ArrayBuffer>,
    onprogress: (share: number) => void,
  ): Promise<Receipt> {
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", sealed));
    const headers = {
      ...this.#headers,
      "Content-Type": "application/octet-stream",
      "Content-Digest": `sha-256=:${btoa(String.fromCharCode(...digest))}:`,
    };
    const path = `/v1/envelopes/${id}`;
    const answer = await this.#good(this.#wire.upload({ method: "PUT", path, headers, body: sealed, onprogress }));
    return whole(answer.json() as Promise<Receipt>);
  }

  /** Which of these items the box does not hold. */
  async missing(items: readonly { id: string; sha256: string }[]): Promise<readonly string[]> {
    const { missing } = await this.#sent<{ missing: string[] }>("/v1/envelopes/missing", { items });
    return missing;
  }

  /** Enrol this tablet by a one-time code; the box sets its cookie. */
  enrol(code: string): Promise<EnrolledTablet> {
    return this.#sent("/v1/tablets/", { code });
  }

  /** Say how this tablet stands. */
  heartbeat(state: {
    readonly app_version: string;
    readonly waiting: number;
    readonly oldest_at: string | null;
    readonly storage_pct: number | null;
    readonly highest_seq: number;
  }): Promise<Heartbeat> {
    return this.#sent("/v1/tablets/me/heartbeat", state);
  }

  /** A page of one's own inferences. */
  inferences(userId: string, query: Readonly<Record<string, string>>): Promise<Page> {
    return this.#json("GET", `/v1/users/${userId}/inferences?${new URLSearchParams(query)}`);
  }

  /** The last 72 hours of a hospital. */
  shift(hospitalId: string, query: Readonly<Record<string, string>>): Promise<Page> {
    return this.#json("GET", `/v1/hospitals/${hospitalId}/inferences?${new URLSearchParams(query)}`);
  }

  /** One's own inference, without its result. */
  inference(userId: string, id: string): Promise<Inference> {
    return this.#json("GET", `/v1/users/${userId}/inferences/${id}`);
  }

  /** One's own inference with its result; its first opening is remembered. */
  result(userId: string, id: string): Promise<{ inference: Inference; result: Result }> {
    return this.#json("GET", `/v1/users/${userId}/inferences/${id}/result`);
  }

  /** Say that one disagrees with the result of one's own inference; may be repeated. */
  async disagree(userId: string, id: string): Promise<void> {
    await this.#answer("PUT", `/v1/users/${userId}/inferences/${id}/disagreement`);
  }

  /** A recording of one's own, to be played; opening it is on record. */
  async recording(userId: string, inferenceId: string, id: string): Promise<Blob> {
    const path = `/v1/users/${userId}/inferences/${inferenceId}/recordings/${id}`;
    return whole((await this.#answer("GET", path, { withinMs: RECORDING_TIMEOUT_MS })).blob());
  }

  async #sent<Answer>(path: string, document: unknown): Promise<Answer> {
    return this.#json("POST", path, {
      body: JSON.stringify(document),
      headers: { "Content-Type": "application/json" },
    });
  }

  async #json<Answer>(method: string, path: string, sent: Sent = {}): Promise<Answer> {
    return whole((await this.#answer(method, path, sent)).json() as Promise<Answer>);
  }

  #answer(method: string, path: string, sent: Sent = {}): Promise<Response> {
    return this.#good(
      this.#wire.fetch(path, {
        method,
        body: sent.body ?? null,
        headers: { ...this.#headers, ...sent.headers },
        credentials: "same-origin",
        cache: "no-store",
        redirect: "error",
        signal: AbortSignal.timeout(sent.withinMs ?? TIMEOUT_MS),
      }),
    );
  }

  /** Return an answer that says yes; throw what it says otherwise, or that none came. */
  async #good(asked: Promise<Response>): Promise<Response> {
    let answer: Response;
    try {
      answer = await asked;
    } catch (error) {
      this.#wire.onunreachable?.();
      throw new Unreachable("no answer", { cause: error });
    }
    if (!answer.ok) throw await refusalOf(answer);
    return answer;
  }

  get #headers(): Readonly<Record<string, string>> {
    return { "X-SPIRA-Client": `pwa/${this.#wire.version}` };
  }
}

interface Sent {
  readonly body?: BodyInit;
  readonly headers?: Readonly<Record<string, string>>;
  /** Of the whole answer; 15 s unless told. */
  readonly withinMs?: number;
}

/** Return a body that arrived to its end; one that broke off is no answer. */
async function whole<Body>(body: Promise<Body>): Promise<Body> {
  try {
    return await body;
  } catch (error) {
    throw new Unreachable("the answer broke off", { cause: error });
  }
}

async function refusalOf(answer: Response): Promise<Refusal> {
  const retryAfter = Number.parseInt(answer.headers.get("retry-after") ?? "", 10);
  const retryAfterS = Number.isNaN(retryAfter) ? null : retryAfter;
  try {
    const said = (await answer.json()) as { code?: unknown; errors?: { field?: unknown }[] };
    const fields = (said.errors ?? []).map(({ field }) => String(field));
    return new Refusal(answer.status, String(said.code ?? ""), fields, retryAfterS);
  } catch {
    // Something between us and the box answered in its own words.
    return new Refusal(answer.status, "", [], retryAfterS);
  }
}
