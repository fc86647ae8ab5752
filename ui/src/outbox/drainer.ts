/** Brings sealed items home: one at a time, by one tab, for as long as it takes. */

import { Refusal, Unreachable } from "../api/client.ts";
import type { Heartbeat, Receipt } from "../api/types.ts";
import { KeyChanged } from "../sealing/seal.ts";
import type { Item, Outbox } from "./outbox.ts";

/** What the drainer asks of the box. */
export interface Courier {
  putEnvelope(
    id: string,
    sealed: Uint8Array<ArrayBuffer>,
    onprogress: (share: number) => void,
  ): Promise<Receipt>;
  missing(items: readonly { id: string; sha256: string }[]): Promise<readonly string[]>;
  heartbeat(state: {
    app_version: string;
    waiting: number;
    oldest_at: string | null;
    storage_pct: number | null;
    highest_seq: number;
  }): Promise<Heartbeat>;
}

/** How the last attempt went; the screen tells it in words. */
export type Outcome =
  | { readonly kind: "idle" }
  | { readonly kind: "sending"; readonly id: string; readonly share: number }
  | { readonly kind: "unreachable" }
  | { readonly kind: "other-key" }
  | { readonly kind: "refused"; readonly status: number; readonly code: string; readonly retryAfterS: number | null };

/** What the drainer needs of the world. */
export interface World {
  readonly now: () => number;
  readonly random: () => number;
  readonly version: string;
  /**
   * Compare the box's key with the one that everything here is sealed to.
   *
   * @throws KeyChanged where it is another: it could open nothing, and is perhaps another box.
   */
  recognise(): Promise<unknown>;
  /** Run this unless another tab does so already. */
  alone(run: () => Promise<void>): Promise<void>;
  /** Call this after so many milliseconds; return what takes it back. */
  later(ms: number, run: () => void): () => void;
  storagePct(): Promise<number | null>;
  tell(outcome: Outcome): void;
  /** Hear what the box said last. */
  heard(beat: Heartbeat): void;
}

const BEAT_MS = 60_000;
/** Of what the browser lets the app keep; beyond, copies of what is safe go. */
const FULL_PCT = 70;
const FIRST_WAIT_MS = 2_000;
const LONGEST_WAIT_MS = 120_000;
const N_COMPARED_AT_ONCE = 500;
const GONE = 410;
/** Nobody is signed in, too much at once, not ready, full: nothing else would be taken either. */
const HOLDING_UP: ReadonlySet<number> = new Set([401, 429, 503, 507]);
/** The box will not take it as it is, today or tomorrow. */
const PARKING: ReadonlySet<number> = new Set([400, 403, 404, 409, 411, 413, 415, 422]);
/** Damaged on its way: what lies here is whole, and goes again. */
const DAMAGED_ON_ITS_WAY = "digest-mismatch";
/** The box stumbles over this item; others may be well. */
const STUMBLED = 500;
/** Its recordings are not there: they go first, then it again. */
const RECORDINGS_MISSING = "recordings-missing";
/** The browser lost what it was to keep; a person has to know. */
const BYTES_LOST = "bytes-lost";

/** The one that drains. */
export class Drainer {
  readonly #outbox: Outbox;
  readonly #courier: Courier;
  readonly #world: World;
  #cancel: (() => void) | null = null;
  #nFailures = 0;
  /** Until then the box asked to be left alone. */
  #notBefore = 0;
  /** Inferences whose recordings went again since the last success. */
  readonly #retried = new Set<string>();
  #running: Promise<void> | null = null;
  #again = false;
  #isStopped = false;

  constructor(outbox: Outbox, courier: Courier, world: World) {
    this.#outbox = outbox;
    this.#courier = courier;
    this.#world = world;
  }

  /** Go now, whatever was planned: something was saved, the page is seen, a network came. */
  async now(): Promise<void> {
    if (this.#leftAloneMs() === 0) await this.#go();
  }

  /** Plan nothing more. */
  stop(): void {
    this.#isStopped = true;
    this.#cancel?.();
  }

  async #go(): Promise<void> {
    if (this.#isStopped) return;
    this.#again = true;
    this.#running ??= this.#run();
    await this.#running;
  }

  async #run(): Promise<void> {
    this.#cancel?.();
    try {
      while (this.#again) {
        this.#again = false;
        await this.#world.alone(() => this.#once());
      }
    } catch (error) {
      // Whatever happened: work that waits is tried again.
      this.#nFailures += 1;
      throw error;
    } finally {
      this.#running = null;
      if (!this.#isStopped) this.#cancel = this.#world.later(this.#waitMs(), () => void this.#go());
    }
  }

  async #once(): Promise<void> {
    try {
      await this.#world.recognise();
      const refusal = await this.#beatUnlessRefused();
      const stumbled = await this.#drain();
      if (((await this.#world.storagePct()) ?? 0) > FULL_PCT) await this.#outbox.lighten();
      const trouble = stumbled ?? refusal;
      if (trouble !== null) throw trouble;
      this.#nFailures = 0;
      this.#world.tell({ kind: "idle" });
    } catch (error) {
      const outcome = outcomeOf(error);
      this.#nFailures += 1;
      const retryAfterS = outcome.kind === "refused" ? (outcome.retryAfterS ?? 0) : 0;
      this.#notBefore = this.#world.now() + Math.min(LONGEST_WAIT_MS, 1000 * retryAfterS);
      this.#world.tell(outcome);
    }
  }

  /** Delivery does not depend on a heartbeat that the box refuses: return why it did. */
  async #beatUnlessRefused(): Promise<Refusal | null> {
    try {
      await this.#beat();
      return null;
    } catch (error) {
      if (!(error instanceof Refusal) || HOLDING_UP.has(error.status)) throw error;
      return error;
    }
  }

  /** Learn how far the box got; compare where it may be an older copy of itself. */
  async #beat(): Promise<void> {
    const { nItems, oldestAt, highestSeq } = await this.#outbox.outlook();
    const beat = await this.#courier.heartbeat({
      app_version: this.#world.version,
      waiting: nItems,
      oldest_at: oldestAt === null ? null : new Date(oldestAt).toISOString(),
      storage_pct: await this.#world.storagePct(),
      highest_seq: highestSeq,
    });
    this.#world.heard(beat);
    if (await this.#outbox.mustCompare(beat)) {
      const kept = (await this.#outbox.all()).filter(({ state }) => state === "safe");
      const missing = new Set<string>();
      for (let at = 0; at < kept.length; at += N_COMPARED_AT_ONCE) {
        const asked = kept.slice(at, at + N_COMPARED_AT_ONCE).map(({ id, sha256 }) => ({ id, sha256 }));
        for (const id of await this.#courier.missing(asked)) missing.add(id);
      }
      await this.#outbox.compare(beat, missing);
    } else if (highestSeq === 0) {
      await this.#outbox.compare(beat, new Set());
    }
    await this.#outbox.prune(beat.backed_up_through_seq);
  }

  /** Send everything; return what the box stumbled over, whose patients come again later. */
  async #drain(): Promise<Refusal | null> {
    const later = new Set<string>();
    let stumbled: Refusal | null = null;
    for (let item = await this.#outbox.next(later); item !== null; item = await this.#outbox.next(later)) {
      try {
        await this.#send(item);
      } catch (error) {
        if (!(error instanceof Refusal) || error.status !== STUMBLED) throw error;
        stumbled = error;
        later.add(item.visit);
      }
    }
    return stumbled;
  }

  /** Send one item; afterwards it is safe, parked or forgotten, or something was thrown. */
  async #send(item: Item): Promise<void> {
    try {
      await this.#bring(item.id);
      this.#retried.delete(item.id);
      return;
    } catch (error) {
      if (error instanceof RangeError) {
        await this.#outbox.park(item.id, "receipt");
        return;
      }
      if (!(error instanceof Refusal)) throw error;
      if (error.status === GONE) {
        await this.#outbox.forget(item.id);
        return;
      }
      if (error.code === RECORDINGS_MISSING) return this.#sendRecordingsAgain(item);
      // Without a code it was not the box that answered.
      if (!PARKING.has(error.status) || error.code === "" || error.code === DAMAGED_ON_ITS_WAY) throw error;
      await this.#outbox.park(item.id, error.code, error.fields);
    }
  }

  /** The box lost recordings it had: they go again before their inference; if that is no help, it is parked. */
  async #sendRecordingsAgain(item: Item): Promise<void> {
    if (this.#retried.has(item.id)) {
      await this.#outbox.park(item.id, RECORDINGS_MISSING);
      return;
    }
    this.#retried.add(item.id);
    const kept = (await this.#outbox.ofVisit(item.visit)).filter(({ kind }) => kind === "recording");
    for (const recording of kept.filter(({ state }) => state === "safe" || state === "waiting")) {
      await this.#bring(recording.id);
    }
  }

  async #bring(id: string): Promise<void> {
    const sealed = await this.#outbox.sealedOf(id);
    if (sealed === null) return this.#outbox.park(id, BYTES_LOST);
    const tell = (share: number): void => this.#world.tell({ kind: "sending", id, share });
    tell(0);
    await this.#outbox.settle(id, await this.#courier.putEnvelope(id, sealed, tell));
  }

  /** A minute after success; after failures twice as long each time, with jitter. */
  #waitMs(): number {
    const doubled = FIRST_WAIT_MS * 2 ** Math.min(10, this.#nFailures - 1);
    const wait = this.#nFailures === 0 ? BEAT_MS : Math.min(LONGEST_WAIT_MS, doubled);
    return Math.max(this.#leftAloneMs(), wait * (0.75 + this.#world.random() / 2));
  }

  /** How long the box still asks to be left alone; not at all where the clock was set back. */
  #leftAloneMs(): number {
    const ms = this.#notBefore - this.#world.now();
    return ms > LONGEST_WAIT_MS ? 0 : Math.max(0, ms);
  }
}

/** Return how an attempt went that ended so; throw what is no answer of a box or its absence. */
export function outcomeOf(error: unknown): Outcome {
  if (error instanceof Refusal) {
    const { status, code, retryAfterS } = error;
    return { kind: "refused", status, code, retryAfterS };
  }
  if (error instanceof Unreachable) return { kind: "unreachable" };
  if (error instanceof KeyChanged) return { kind: "other-key" };
  throw error;
}
