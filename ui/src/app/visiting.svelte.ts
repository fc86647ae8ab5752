/** The patient in hand, as the screens work on it: each change is kept before the next tap. */

import * as answering from "../visit/answering.ts";
import * as identity from "../visit/identity.ts";
import * as steps from "../visit/steps.ts";
import * as takes from "../visit/takes.ts";
import type { KeptTake, Visit } from "../visit/visit.ts";
import { begin } from "../visit/visit.ts";
import type { App } from "./app.svelte.ts";
import type { Taken } from "./taking.svelte.ts";
import type { Answer, Protocol } from "../protocol/protocol.ts";
import { sha256Hex } from "../protocol/protocol.ts";
import type { RghRule } from "../protocol/rgh.ts";
import type { FormContext } from "../protocol/form.ts";
import { localInstant } from "../protocol/answers.ts";
import { formContext, inferenceDocument } from "../visit/document.ts";
import { seal } from "../sealing/seal.ts";

const SEEN = "seen-rgh";
const N_SEEN = 200;
const SEEN_FOR_MS = 72 * 3_600_000;

/**
 * What this tablet remembers of an RGH for three days, by its digest: enough to ask.
 *
 * Who has the tablet's whole storage can try all RGHs against it.
 */
interface Seen {
  readonly digest: string;
  readonly traits: string;
  readonly at: number;
}

/** One visit from the form to "sent". */
export class Visiting {
  visit = $state.raw<Visit>() as Visit;
  hasConflict = $state(false);
  /** Recordings that were made are not there any more. */
  lacksTakes = false;
  #isErased = false;
  #writing: Promise<unknown> = Promise.resolve();
  readonly #app: App;
  readonly protocol: Protocol;

  constructor(app: App, protocol: Protocol, visit: Visit) {
    this.#app = app;
    this.protocol = protocol;
    this.visit = visit;
  }

  /** Begin with a new patient; the hospital is the one of last time. */
  static async begin(app: App, protocol: Protocol): Promise<Visiting> {
    const hospitals = app.known?.hospitals ?? [];
    const last = await app.tablet.value<string | null>("hospital", null);
    const names = hospitals.map(({ name }) => name);
    const own = hospitals.filter(({ id }) => app.session?.hospitals.includes(id)).map(({ name }) => name);
    const only = own.length === 1 ? own[0] : names.length === 1 ? names[0] : undefined;
    const local = last !== null && names.includes(last) ? last : only;
    const form = local === undefined ? {} : { local };
    const visit = begin(crypto.randomUUID(), localInstant(new Date()), protocol, form);
    const visiting = new Visiting(app, protocol, visit);
    await visiting.keep();
    return visiting;
  }

  /**
   * Go on with the patient in hand; null where this tablet does not know the protocol that it began under.
   *
   * What was recorded to a key that the box lost is gone: its role is recorded again.
   */
  static async resume(app: App, current: Protocol, visit: Visit): Promise<Visiting | null> {
    // A visit ends under the protocol it began under, whatever the box learnt meanwhile.
    const own = visit.protocolId === current.id ? current : await app.box.protocolOf(visit.protocolId);
    if (own === null) return null;
    const ids = new Set((await app.outbox.ofVisit(visit.id)).map(({ id }) => id));
    const resumed = new Visiting(app, own, visit);
    resumed.lacksTakes = visit.takes.some(({ id }) => !ids.has(id));
    await resumed.change(identity.interrupted(steps.withTakes(visit, own, ids)));
    resumed.hasConflict = await resumed.#conflicts();
    return resumed;
  }

  /** The moment and lists that answers are held against. */
  get context(): FormContext {
    const hospitals = (this.#app.known?.hospitals ?? []).map(({ name }) => name);
    return formContext(this.visit, this.protocol, hospitals, new Date());
  }

  /** The rule of the hospital chosen. */
  get rule(): RghRule | null {
    const local = this.visit.form["local"];
    return this.#app.known?.hospitals.find(({ name }) => name === local)?.rgh_rule ?? null;
  }

  /** Change the visit, and keep it so. */
  async change(to: Visit): Promise<void> {
    this.visit = to;
    await this.keep();
  }

  /** Answer a field. */
  async answer(field: string, value: Answer | null): Promise<void> {
    const normal = field === "rgh" && typeof value === "string" ? value.toUpperCase().replace(/[\s-]/g, "") : value;
    await this.change(answering.measured(this.visit, this.protocol, field, normal, new Date().toISOString()));
    if (field === "local" && typeof value === "string") await this.#app.tablet.setValue("hospital", value);
    if (["rgh", "gender", "age"].includes(field)) this.hasConflict = await this.#conflicts();
  }

  /** Erase the patient: what is being written is waited for, and nothing comes after it. */
  async erase(): Promise<void> {
    this.#isErased = true;
    await this.#writing;
    await this.#app.eraseDraft();
  }

  /** Leave this patient for another one. */
  async leave(): Promise<void> {
    await this.change(identity.leave(this.visit, this.protocol));
    this.hasConflict = await this.#conflicts();
  }

  /** Keep the visit as it is now. */
  async keep(): Promise<void> {
    const { session } = this.#app;
    if (session === null || this.#isErased) return;
    // Before it is written: a visit that ends meanwhile is not brought back by a slow write.
    this.#app.draft = { visit: this.visit, userId: session.id, changedAt: Date.now() };
    try {
      await this.#withRoom(() => this.#app.drafts.keep(this.visit, session.id));
    } catch (error) {
      // It goes on in memory, and is told as what it is.
      if (!isFull(error)) throw error;
      this.#app.failure = this.#app.t.recording.full;
    }
  }

  /** Seal a take and keep it; its clear samples are gone afterwards. */
  async keepTake(role: string, prompt: string, taken: Taken): Promise<void> {
    const sha256 = await sha256Hex(taken.wav);
    await this.#hold(taken.id, "recording", role, taken.wav, sha256);
    const take: Omit<KeptTake, "take" | "chosen"> = {
      id: taken.id,
      role,
      startedAt: taken.startedAt.toISOString(),
      stopReason: taken.stopReason,
      promptSha256: await sha256Hex(new TextEncoder().encode(prompt)),
      gaps: taken.nGaps,
      capture: taken.capture,
      verdict: taken.verdict,
      reasons: taken.reasons,
      roomDb: taken.roomDb,
      nBytes: taken.wav.length,
      sha256,
    };
    await this.change(takes.takeKept(this.visit, take));
    await this.#app.drafts.eraseSamples(this.visit.id);
  }

  /**
   * Seal the form, let everything go, and forget the clear draft.
   *
   * @throws a failure that `isFull` knows, where there is no room: nothing went.
   */
  async send(): Promise<void> {
    const { known, link, version } = this.#app;
    if (known === null) throw new RangeError("a visit without a box");
    const document = inferenceDocument(this.visit, this.protocol, {
      purpose: known.box.mode,
      modelId: this.#modelId(),
      clockOffsetS: link.clockOffsetS,
      version,
      tabletId: this.#app.enrolled?.id ?? null,
    });
    const payload = new TextEncoder().encode(JSON.stringify(document));
    await this.#hold(this.visit.id, "inference", null, payload, await sha256Hex(payload));
    await this.#rememberIfRoom();
    await this.#withRoom(() => this.#app.outbox.release(this.visit.id));
    this.visit = steps.sent(this.visit);
    this.#app.sent = this;
    const userId = this.#app.draft?.userId ?? this.#app.session?.id ?? "";
    this.#app.draft = null;
    await this.#app.drafts.erase(userId);
    await this.#app.look();
    void this.#app.link.drainer.now();
  }

  /** The model that was chosen, where the box still has it answer; null: its default. */
  #modelId(): string | null {
    const { modelId } = this.visit;
    const isReady = this.#app.known?.models.some(({ id, ready }) => id === modelId && ready) === true;
    return isReady ? (modelId ?? null) : null;
  }

  async #hold(
    id: string,
    kind: "recording" | "inference",
    role: string | null,
    payload: Uint8Array<ArrayBuffer>,
    sha256: string,
  ): Promise<void> {
    const { session, known } = this.#app;
    if (session === null || known === null) throw new RangeError("nobody is signed in");
    const common = { kind, id, user_id: session.id, author_pass: session.authorPass, sha256 };
    const head = role === null ? common : { ...common, role, protocol: this.protocol.id };
    const sealed = await seal(head, payload, known.key);
    const item = { id, visit: this.visit.id, kind, role, sha256, sealed };
    await this.#withRoom(() => this.#app.outbox.hold(item));
  }

  /** Write this, unless the visit was erased; erase() waits for it. */
  #withRoom(work: () => Promise<void>): Promise<void> {
    if (this.#isErased) return Promise.resolve();
    const written = this.#written(work);
    this.#writing = Promise.allSettled([this.#writing, written]);
    return written;
  }

  /** Do this; where the tablet is full, once more without copies of what the box holds. */
  async #written(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!isFull(error)) throw error;
      await this.#app.outbox.lighten();
      await work();
    }
  }

  async #conflicts(): Promise<boolean> {
    const { digest, traits } = await this.#seen();
    if (traits === "" || digest === "") return false;
    const known = (await this.#seenLately()).find((one) => one.digest === digest);
    return known !== undefined && known.traits !== "" && known.traits !== traits;
  }

  async #seenLately(): Promise<readonly Seen[]> {
    const kept = await this.#app.tablet.value<readonly Seen[]>(SEEN, []);
    return kept.filter(({ at }) => Date.now() - at < SEEN_FOR_MS);
  }

  /** Nobody is kept from sending because an RGH could not be remembered. */
  async #rememberIfRoom(): Promise<void> {
    try {
      await this.#remember();
    } catch (error) {
      if (!isFull(error)) throw error;
    }
  }

  async #remember(): Promise<void> {
    const seen = await this.#seen();
    const others = (await this.#seenLately()).filter(({ digest }) => digest !== seen.digest);
    await this.#app.tablet.setValue(SEEN, [seen, ...others].slice(0, N_SEEN));
  }

  /** By this tablet's own secret, which does not leave its browser. */
  async #seen(): Promise<Seen> {
    const { rgh, gender, age } = this.visit.form;
    const at = Date.now();
    if (typeof rgh !== "string" || rgh === "") return { digest: "", traits: "", at };
    let secret = await this.#app.tablet.value<CryptoKey | null>("seen-key", null);
    if (secret === null) {
      secret = await crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
      await this.#app.tablet.setValue("seen-key", secret);
    }
    const sign = async (text: string): Promise<string> =>
      sha256Hex(new Uint8Array(await crypto.subtle.sign("HMAC", secret, new TextEncoder().encode(text))));
    // Who left one blank said nothing that could contradict another.
    const isTold = gender !== undefined && gender !== null && age !== undefined && age !== null;
    return { digest: await sign(rgh), traits: isTold ? await sign(`${String(gender)} ${String(age)}`) : "", at };
  }
}

/** Return whether the browser has no room left for the app. */
export function isFull(error: unknown): boolean {
  return error instanceof DOMException && error.name === "QuotaExceededError";
}
