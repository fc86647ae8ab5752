/** The one patient in hand: the only thing on this tablet that is not sealed, and soon gone. */

import { joined } from "../audio/wav.ts";
import type { Tablet } from "../store/database.ts";
import type { Visit } from "../visit/visit.ts";

/** What is kept of the patient in hand. */
export interface Draft {
  readonly visit: Visit;
  readonly userId: string;
  readonly changedAt: number;
}

/** A second of the take under way. */
export interface KeptChunk {
  readonly takeId: string;
  readonly samples: Int16Array<ArrayBuffer>;
}

/** A draft nobody came back to. */
export const FORGOTTEN_AFTER_MS = 12 * 3_600_000;

const KEY = "in-hand";

/** Where the patient in hand is kept. */
export class Drafts {
  readonly #tablet: Tablet;
  readonly #now: () => number;

  constructor(tablet: Tablet, now: () => number) {
    this.#tablet = tablet;
    this.#now = now;
  }

  /** Keep the visit as it is now. */
  async keep(visit: Visit, userId: string): Promise<void> {
    // Runes wrap what they hold: what is stored is plain.
    const plain = JSON.parse(JSON.stringify(visit)) as Visit;
    const writing = (await this.#tablet.open()).transaction("drafts", "readwrite", { durability: "strict" });
    const draft: Draft = { visit: plain, userId, changedAt: this.#now() };
    await Promise.all([writing.store.put(draft, KEY), writing.done]);
  }

  /** Return the visit that was left; one that is too old is erased instead. */
  async left(): Promise<Draft | null> {
    const draft = (await (await this.#tablet.open()).get("drafts", KEY)) ?? null;
    if (draft !== null && this.#now() - draft.changedAt > FORGOTTEN_AFTER_MS) {
      await this.erase();
      return null;
    }
    return draft;
  }

  /** Erase it, with the samples of any take under way. */
  async erase(): Promise<void> {
    const writing = (await this.#tablet.open()).transaction(["drafts", "chunks"], "readwrite", {
      durability: "strict",
    });
    await Promise.all([
      writing.objectStore("drafts").clear(),
      writing.objectStore("chunks").clear(),
      writing.done,
    ]);
  }

  /** Keep samples of the take under way, as they come. */
  async keepSamples(takeId: string, pieces: readonly Int16Array<ArrayBuffer>[]): Promise<void> {
    await (await this.#tablet.open()).add("chunks", { takeId, samples: joined(pieces) });
  }

  /** Return what was kept of a take, in order. */
  async samples(takeId: string): Promise<Int16Array<ArrayBuffer>> {
    const chunks = await (await this.#tablet.open()).getAll("chunks");
    return joined(chunks.filter((chunk) => chunk.takeId === takeId).map(({ samples }) => samples));
  }

  /** Erase the samples of every take: what was kept is sealed, what was not is not wanted. */
  async eraseSamples(): Promise<void> {
    await (await this.#tablet.open()).clear("chunks");
  }
}
