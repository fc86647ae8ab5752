/** Sealed items on their way to the box, and the copies kept until a backup holds them. */

import type { Heartbeat, Receipt } from "../api/types.ts";
import { base64Of, isSealedTo } from "../sealing/seal.ts";
import type { Tablet } from "../store/database.ts";

/** Where an item stands. `held` waits for its visit to be sent; `parked` waits for a person. */
export type ItemState = "held" | "waiting" | "safe" | "parked";

/** What is known of a sealed item, whose bytes lie apart; nothing in it names a patient. */
export interface Item {
  readonly id: string;
  /** The inference it belongs to. */
  readonly visit: string;
  readonly kind: "recording" | "inference";
  readonly role: string | null;
  readonly sha256: string;
  readonly nBytes: number;
  readonly createdAt: number;
  readonly state: ItemState;
  readonly receipt: Receipt | null;
  readonly safeAt: number | null;
  /** Why it is parked, as the box said it. */
  readonly code: string | null;
  /** What the box found wrong with it. */
  readonly fields?: readonly string[];
}

/** What the tablet knows of all its items. */
export interface Outlook {
  /** Inferences that the box does not hold yet. */
  readonly nVisits: number;
  readonly nItems: number;
  readonly oldestAt: number | null;
  readonly parked: readonly Item[];
  readonly highestSeq: number;
}

/** What a new item comes with. */
export interface NewItem extends Omit<Item, "state" | "receipt" | "safeAt" | "code" | "createdAt" | "nBytes"> {
  readonly sealed: Uint8Array<ArrayBuffer>;
}

export const KEPT_MS = 72 * 3_600_000;
const EPOCH = "epoch";

/** The outbox of this tablet. */
export class Outbox {
  readonly #tablet: Tablet;
  readonly #now: () => number;
  readonly #refused = new Set<string>();

  constructor(tablet: Tablet, now: () => number) {
    this.#tablet = tablet;
    this.#now = now;
  }

  /**
   * Keep an item, held back until its visit is sent.
   *
   * @throws RangeError where it is on its way already: what is there stays.
   */
  async hold({ sealed, ...known }: NewItem): Promise<void> {
    const createdAt = this.#now();
    const nBytes = sealed.length;
    const item: Item = { ...known, nBytes, createdAt, state: "held", receipt: null, safeAt: null, code: null };
    await this.#tablet.use(async (database) => {
      const writing = database.transaction(["items", "sealed"], "readwrite", { durability: "strict" });
      const here = await writing.objectStore("items").get(item.id);
      if (here !== undefined && here.state !== "held") throw new RangeError("it is on its way");
      await Promise.all([
        writing.objectStore("items").put(item),
        writing.objectStore("sealed").put(sealed, item.id),
        writing.done,
      ]);
    });
  }

  /** Return the sealed bytes of an item; null where there is none, or they are lost. */
  async sealedOf(id: string): Promise<Uint8Array<ArrayBuffer> | null> {
    return (await this.#tablet.use((database) => database.get("sealed", id))) ?? null;
  }

  /** Let everything of a visit go: its recordings, then the inference. */
  async release(visit: string): Promise<void> {
    await this.#change(visit, (item) => (item.state === "held" ? { ...item, state: "waiting" } : item));
  }

  /** Erase what is held back of a visit; what was released is on its way, and stays. */
  async erase(visit: string): Promise<void> {
    await this.#forget((items) => items.filter((item) => item.visit === visit && item.state === "held"));
  }

  /** Erase what is held back and sealed to another key than this: nobody could open it any more. */
  async eraseUnreadable(fingerprint: string): Promise<void> {
    const unreadable = new Set<string>();
    for (const { id, state } of await this.all()) {
      const sealed = state === "held" ? await this.sealedOf(id) : null;
      if (sealed !== null && !isSealedTo(fingerprint, sealed)) unreadable.add(id);
    }
    await this.#forget((items) => items.filter(({ id, state }) => state === "held" && unreadable.has(id)));
  }

  /** Return whether a visit was released: what is left of its draft is not to be sent again. */
  async isReleased(visit: string): Promise<boolean> {
    return (await this.ofVisit(visit)).some(({ kind, state }) => kind === "inference" && state !== "held");
  }

  /**
   * Return the next item to send: recordings before their inference, the oldest visit first.
   *
   * @param later visits that are passed over this time.
   */
  async next(later: ReadonlySet<string> = new Set()): Promise<Item | null> {
    const items = await this.all();
    const parked = new Set(items.filter(({ state }) => state === "parked").map(({ visit }) => visit));
    const waiting = items.filter(
      ({ state, kind, visit }) =>
        state === "waiting" && !later.has(visit) && !(kind === "inference" && parked.has(visit)),
    );
    const began = new Map<string, number>();
    for (const { visit, createdAt } of items) {
      began.set(visit, Math.min(began.get(visit) ?? Number.POSITIVE_INFINITY, createdAt));
    }
    const place = (item: Item): readonly [number, number, number] => [
      began.get(item.visit) ?? 0,
      item.kind === "inference" ? 1 : 0,
      item.createdAt,
    ];
    return waiting.sort((a, b) => compared(place(a), place(b)))[0] ?? null;
  }

  /**
   * Take note of the box's receipt; the item is safe now.
   *
   * @throws RangeError where the receipt is of other content: it stays as it was.
   */
  async settle(id: string, receipt: Receipt): Promise<void> {
    const item = await this.get(id);
    if (item === null) return; // erased meanwhile
    if (receipt.sha256 !== item.sha256 || receipt.id !== id) throw new RangeError("another's receipt");
    await this.#put([{ ...item, state: "safe", receipt, safeAt: this.#now() }]);
  }

  /** Set an item aside: the box will not take it as it is. */
  async park(id: string, code: string, fields: readonly string[] = []): Promise<void> {
    const item = await this.get(id);
    if (item !== null) await this.#put([{ ...item, state: "parked", code, fields }]);
  }

  /** Forget an item that the box said a patient refused. */
  async forget(id: string): Promise<void> {
    this.#refused.add(id);
    await this.#forget((items) => items.filter((item) => item.id === id));
  }

  /** What was forgotten so since the app was opened: it is gone, and not safe on the box. */
  get refused(): ReadonlySet<string> {
    return this.#refused;
  }

  /** Try parked items once more. */
  async unpark(): Promise<void> {
    const parked = (await this.all()).filter(({ state }) => state === "parked");
    await this.#put(parked.map((item) => ({ ...item, state: "waiting", code: null, fields: [] })));
  }

  /** Return whether the box may be another copy of itself since we last heard of it. */
  async mustCompare(beat: Heartbeat): Promise<boolean> {
    const { highestSeq } = await this.outlook();
    const known = await this.#tablet.value<string | null>(EPOCH, null);
    return highestSeq > 0 && (known !== beat.epoch || beat.last_seq < highestSeq);
  }

  /** Send again what the box does not hold, and remember that we compared. */
  async compare(beat: Heartbeat, missing: ReadonlySet<string>): Promise<void> {
    const lost = (await this.all()).filter(({ state, id }) => state === "safe" && missing.has(id));
    await this.#put(lost.map((item) => ({ ...item, state: "waiting", receipt: null, safeAt: null })));
    await this.#tablet.setValue(EPOCH, beat.epoch);
  }

  /** Forget copies that a backup holds, or that have been kept long enough. */
  async prune(backedUpThroughSeq: number | null): Promise<void> {
    await this.#forget((items) =>
      items.filter((item) => {
        if (item.state !== "safe" || item.receipt === null || item.safeAt === null) return false;
        const isBackedUp = backedUpThroughSeq !== null && item.receipt.seq <= backedUpThroughSeq;
        return isBackedUp || this.#now() - item.safeAt > KEPT_MS;
      }),
    );
  }

  /** Make room: forget the oldest third of the copies that the box has proved to hold. */
  async lighten(): Promise<void> {
    await this.#forget((items) => {
      const copies = items.filter(({ state }) => state === "safe").sort((a, b) => a.createdAt - b.createdAt);
      return copies.slice(0, Math.ceil(copies.length / 3));
    });
  }

  /** Return all items, oldest first. */
  async all(): Promise<Item[]> {
    const items = await this.#tablet.use((database) => database.getAll("items"));
    return items.sort((a, b) => a.createdAt - b.createdAt);
  }

  /** Return the items of one visit. */
  async ofVisit(visit: string): Promise<Item[]> {
    return this.#tablet.use((database) => database.getAllFromIndex("items", "visit", visit));
  }

  /** Return one item. */
  async get(id: string): Promise<Item | null> {
    return (await this.#tablet.use((database) => database.get("items", id))) ?? null;
  }

  /** Return how things stand. */
  async outlook(): Promise<Outlook> {
    const items = await this.all();
    const open = items.filter(({ state }) => state === "waiting" || state === "parked");
    return {
      nVisits: new Set(open.map(({ visit }) => visit)).size,
      nItems: open.length,
      oldestAt: open[0]?.createdAt ?? null,
      parked: items.filter(({ state }) => state === "parked"),
      highestSeq: Math.max(0, ...items.map(({ receipt }) => receipt?.seq ?? 0)),
    };
  }

  /** Return parked items as a file that only the box can open (`spira envelopes open`). */
  async exported(): Promise<Blob> {
    const { parked } = await this.outlook();
    const visits = new Set(parked.map(({ visit }) => visit));
    const items = (await this.all()).filter(({ visit }) => visits.has(visit));
    const sealed: { id: string; sealed: string }[] = [];
    for (const { id } of items) {
      const bytes = await this.sealedOf(id);
      if (bytes !== null) sealed.push({ id, sealed: base64Of(bytes) });
    }
    const document = { format: "spira-sealed-1", items: sealed };
    return new Blob([JSON.stringify(document)], { type: "application/json" });
  }

  async #put(items: readonly Item[]): Promise<void> {
    if (items.length === 0) return;
    await this.#tablet.use(async (database) => {
      const writing = database.transaction("items", "readwrite", { durability: "strict" });
      await Promise.all([...items.map((item) => writing.store.put(item)), writing.done]);
    });
  }

  /** Delete what is chosen of all items, in the transaction that looks at them. */
  async #forget(choose: (items: readonly Item[]) => readonly Item[]): Promise<void> {
    await this.#tablet.use(async (database) => {
      const writing = database.transaction(["items", "sealed"], "readwrite", { durability: "strict" });
      const [items, sealed] = [writing.objectStore("items"), writing.objectStore("sealed")];
      const gone = choose(await items.getAll());
      await Promise.all([...gone.flatMap(({ id }) => [items.delete(id), sealed.delete(id)]), writing.done]);
    });
  }

  async #change(visit: string, to: (item: Item) => Item): Promise<void> {
    await this.#tablet.use(async (database) => {
      const writing = database.transaction("items", "readwrite", { durability: "strict" });
      const items = await writing.store.index("visit").getAll(visit);
      await Promise.all([...items.map((item) => writing.store.put(to(item))), writing.done]);
    });
  }
}

function compared(a: readonly number[], b: readonly number[]): number {
  for (let n = 0; n < a.length; n++) {
    const difference = (a[n] ?? 0) - (b[n] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
