/** What the box said of itself, kept for a shift without it. */

import type { Box, Hospital, Model, OutboxKey } from "../api/types.ts";
import type { Protocol } from "../protocol/protocol.ts";
import { ProtocolUnreadable, readProtocol } from "../protocol/protocol.ts";
import type { BoxKey } from "../sealing/seal.ts";
import { boxKeyOf, KeyChanged } from "../sealing/seal.ts";
import type { Tablet } from "../store/database.ts";

/** What a shift needs to know of the box. */
export interface Known {
  readonly box: Box;
  readonly protocol: Protocol;
  readonly hospitals: readonly Hospital[];
  readonly models: readonly Model[];
  readonly key: BoxKey;
}

/** What is asked of it. */
export interface Source {
  box(): Promise<Box>;
  outboxKey(): Promise<OutboxKey>;
  protocol(): Promise<Uint8Array<ArrayBuffer>>;
  hospitals(): Promise<readonly Hospital[]>;
  models(): Promise<readonly Model[]>;
}

/** Of a fingerprint: 64 bits that somebody typed by hand, seen at another place. */
const N_TYPED = 16;

/** A protocol's document; work that began under it ends under it. */
const documentOf = (protocolId: string): string => `protocol ${protocolId}`;

/** The box as this tablet knows it. */
export class KnownBox {
  readonly #source: Source;
  readonly #tablet: Tablet;
  readonly #now: () => number;

  constructor(source: Source, tablet: Tablet, now: () => number) {
    this.#source = source;
    this.#tablet = tablet;
    this.#now = now;
  }

  /** Return what was learnt before; null where that is not all of it, or damaged: it is learnt again. */
  async recall(): Promise<Known | null> {
    const [box, bytes, hospitals, models, told] = await Promise.all([
      this.#tablet.value<Box | null>("box", null),
      this.#tablet.value<Uint8Array<ArrayBuffer> | null>("protocol", null),
      this.#tablet.value<readonly Hospital[]>("hospitals", []),
      this.#tablet.value<readonly Model[]>("models", []),
      this.#tablet.value<OutboxKey | null>("key", null),
    ]);
    if (box === null || bytes === null || told === null) return null;
    try {
      return { box, protocol: await readProtocol(bytes), hospitals, models, key: await boxKeyOf(told, null) };
    } catch (error) {
      if (error instanceof ProtocolUnreadable || error instanceof KeyChanged) return null;
      throw error;
    }
  }

  /** Learn what the box tells anybody; return by how many seconds this tablet's clock is ahead of its. */
  async learn(): Promise<{ readonly clockOffsetS: number }> {
    const asked = this.#now();
    const box = await this.#source.box();
    const middle = (asked + this.#now()) / 2;
    await this.#tablet.setValue("box", box);
    return { clockOffsetS: Math.round((middle - Date.parse(box.time)) / 100) / 10 };
  }

  /**
   * Return the key that the box tells now: the one this tablet knows, or its first.
   *
   * @throws KeyChanged where it is another box, or has another key.
   */
  async recognise(): Promise<OutboxKey> {
    const told = await this.#source.outboxKey();
    const pinned = await this.#tablet.value<OutboxKey | null>("key", null);
    await boxKeyOf(told, pinned?.fingerprint ?? null);
    return told;
  }

  /**
   * Learn what it tells who is signed in, and keep it.
   *
   * @throws KeyChanged where it is another box, or has another key: nothing was kept.
   */
  async learnAll(): Promise<Known | null> {
    const told = await this.recognise();
    const bytes = await this.#source.protocol();
    const before = await this.#tablet.value<Uint8Array<ArrayBuffer> | null>("protocol", null);
    if (before !== null) await this.#keepEarlier(before);
    const { id } = await readProtocol(bytes);
    await this.#tablet.setValue(documentOf(id), bytes);
    await this.#tablet.setValue("key", told);
    await this.#tablet.setValue("protocol", bytes);
    await this.#tablet.setValue("hospitals", await this.#source.hospitals());
    await this.#tablet.setValue("models", await this.#source.models());
    return this.recall();
  }

  /**
   * Take another key of the box for good; return whether what was typed is how its fingerprint begins.
   *
   * @param typed sixteen characters or more, as IT read them at the box's own console.
   */
  async acceptKey(typed: string): Promise<boolean> {
    const told = await this.#source.outboxKey();
    await boxKeyOf(told, null);
    const beginning = typed.toLowerCase().replace(/[\s-]/g, "");
    if (beginning.length < N_TYPED || !told.fingerprint.startsWith(beginning)) return false;
    await this.#tablet.setValue("key", told);
    return true;
  }

  /** Keep an earlier protocol for the work that began under it; a damaged copy is none. */
  async #keepEarlier(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    try {
      const { id } = await readProtocol(bytes);
      await this.#tablet.setValue(documentOf(id), bytes);
    } catch (error) {
      if (!(error instanceof ProtocolUnreadable)) throw error;
    }
  }

  /** Return a protocol this tablet has learnt, be it the current one or an earlier; null where it never did. */
  async protocolOf(id: string): Promise<Protocol | null> {
    const bytes = await this.#tablet.value<Uint8Array<ArrayBuffer> | null>(documentOf(id), null);
    return bytes === null ? null : readProtocol(bytes);
  }
}
