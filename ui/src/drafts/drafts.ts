/** The one patient in hand: the only thing on this tablet that is not sealed, and soon gone. */

import type { Capture } from "../audio/recorder.ts";
import { joined } from "../audio/wav.ts";
import type { Chunks, Tablet } from "../store/database.ts";
import type { Visit } from "../visit/visit.ts";

/** What is kept of the patient in hand. */
export interface Draft {
  readonly visit: Visit;
  readonly userId: string;
  readonly changedAt: number;
}

/** What is known of a take while it is under way. */
export interface TakeUnderWay {
  readonly id: string;
  readonly role: string;
  readonly sampleRateHz: number;
  readonly startedAt: Date;
  readonly capture: Capture;
  /** How often samples were missing; earlier versions of the app did not keep it. */
  readonly nGaps?: number;
}

/** A second of it. */
export interface KeptChunk {
  /** Whose it is: no take is ever offered to another patient. */
  readonly visit: string;
  readonly take: TakeUnderWay;
  readonly samples: Int16Array<ArrayBuffer>;
}

/** A draft nobody came back to. */
export const FORGOTTEN_AFTER_MS = 12 * 3_600_000;

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
    const draft: Draft = { visit: plain, userId, changedAt: this.#now() };
    await this.#tablet.use(async (database) => {
      const writing = database.transaction("drafts", "readwrite", { durability: "strict" });
      await Promise.all([writing.store.put(draft, userId), writing.done]);
    });
  }

  /** Return the visit that this nurse left. */
  async left(userId: string): Promise<Draft | null> {
    return (await this.#tablet.use((database) => database.get("drafts", userId))) ?? null;
  }

  /** Erase this nurse's patient in hand, with the samples of any take under way. */
  async erase(userId: string): Promise<void> {
    await this.#tablet.use(async (database) => {
      const writing = database.transaction(["drafts", "chunks"], "readwrite", { durability: "strict" });
      const drafts = writing.objectStore("drafts");
      const own = (await drafts.get(userId))?.visit.id;
      const erasing = eraseChunks(writing.objectStore("chunks"), (visit) => visit === own);
      await Promise.all([drafts.delete(userId), erasing, writing.done]);
    });
  }

  /**
   * Erase what nobody came back to for twelve hours; return whose visits those were.
   *
   * With them go samples and sealed takes that wait for no visit in hand: all of it at once, or nothing.
   */
  async forgetOld(): Promise<readonly Draft[]> {
    return this.#tablet.use(async (database) => {
      const stores = ["drafts", "chunks", "items", "sealed"] as const;
      const writing = database.transaction(stores, "readwrite", { durability: "strict" });
      const drafts = writing.objectStore("drafts");
      const all = await drafts.getAll();
      const old = all.filter(({ changedAt }) => this.#now() - changedAt > FORGOTTEN_AFTER_MS);
      const inHand = new Set(all.filter((draft) => !old.includes(draft)).map(({ visit }) => visit.id));
      const held = (await writing.objectStore("items").getAll()).filter(({ state }) => state === "held");
      const orphans = held.filter(({ visit }) => !inHand.has(visit));
      await Promise.all([
        ...old.map(({ userId }) => drafts.delete(userId)),
        ...orphans.flatMap(({ id }) => [writing.objectStore("items").delete(id), writing.objectStore("sealed").delete(id)]),
        eraseChunks(writing.objectStore("chunks"), (visit) => !inHand.has(visit)),
        writing.done,
      ]);
      return old;
    });
  }

  /** Keep samples of the take under way, as they come. */
  async keepSamples(visit: string, take: TakeUnderWay, pieces: readonly Int16Array<ArrayBuffer>[]): Promise<void> {
    const samples = joined(pieces);
    await this.#tablet.use((database) => database.add("chunks", { visit, take, samples }));
  }

  /** Return what there is of a take of this visit that a crash cut off; null where there is none of this role. */
  async cutTake(visit: string, role: string): Promise<KeptChunk | null> {
    const all = await this.#tablet.use((database) => database.getAll("chunks"));
    const chunks = all.filter((one) => one.visit === visit && one.take.role === role);
    const last = chunks.at(-1);
    if (last === undefined) return null;
    const own = chunks.filter(({ take }) => take.id === last.take.id);
    return { ...last, samples: joined(own.map(({ samples }) => samples)) };
  }

  /** Erase the samples of a visit's takes: what was kept is sealed, what was not is not wanted. */
  async eraseSamples(own: string): Promise<void> {
    await this.#tablet.use(async (database) => {
      const writing = database.transaction("chunks", "readwrite");
      await Promise.all([eraseChunks(writing.store, (visit) => visit === own), writing.done]);
    });
  }
}

async function eraseChunks(chunks: Chunks, isGone: (visit: string) => boolean): Promise<void> {
  for (let cursor = await chunks.openCursor(); cursor !== null; cursor = await cursor.continue()) {
    if (isGone(cursor.value.visit)) await cursor.delete();
  }
}
