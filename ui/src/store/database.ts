/** What this tablet keeps (IndexedDB), its versions, and a connection that comes back. */

import type { DBSchema, IDBPDatabase, IDBPObjectStore, StoreNames } from "idb";
import { openDB } from "idb";

import type { Draft, KeptChunk } from "../drafts/drafts.ts";
import type { Item } from "../outbox/outbox.ts";

const NAME = "spira";
const VERSION = 1;

interface Schema extends DBSchema {
  /** Sealed items, by id. */
  items: { key: string; value: Item; indexes: { visit: string } };
  /** The one patient in hand of each nurse. */
  drafts: { key: string; value: Draft };
  /** Samples of the take under way, as they come. */
  chunks: { key: number; value: KeptChunk };
  /** Everything small: who signed in here, copies of lists, the box's key. */
  values: { key: string; value: unknown };
}

export type Store = keyof Pick<Schema, "items" | "drafts" | "chunks" | "values">;
export type Database = IDBPDatabase<Schema>;
/** The store of samples, within a transaction that changes it. */
export type Chunks = IDBPObjectStore<Schema, ArrayLike<StoreNames<Schema>>, "chunks", "readwrite">;

/** The tablet's database; opened anew when the browser closed it (Safari does so in the background). */
export class Tablet {
  #opened: Promise<Database> | null = null;
  readonly #name: string;

  constructor(name: string = NAME) {
    this.#name = name;
  }

  /** Return the open database. */
  open(): Promise<Database> {
    if (this.#opened === null) {
      const opening = this.#openAnew();
      this.#opened = opening;
      // One that failed is not kept: the next who asks tries again.
      opening.catch(() => {
        if (this.#opened === opening) this.#opened = null;
      });
    }
    return this.#opened;
  }

  #openAnew(): Promise<Database> {
    return openDB<Schema>(this.#name, VERSION, {
      upgrade: (database, from) => migrate(database, from),
      terminated: () => {
        this.#opened = null;
      },
      blocking: (_current, _blocked, event) => {
        // A newer version of the app waits in another tab: it goes first.
        (event.target as IDBDatabase | null)?.close();
        this.#opened = null;
      },
    });
  }

  /** Return a small value; the fallback where there is none. */
  async value<Value>(key: string, fallback: Value): Promise<Value> {
    const found = await (await this.open()).get("values", key);
    return found === undefined ? fallback : (found as Value);
  }

  /** Keep a small value. */
  async setValue(key: string, value: unknown): Promise<void> {
    const writing = (await this.open()).transaction("values", "readwrite", { durability: "strict" });
    await Promise.all([writing.store.put(value, key), writing.done]);
  }
}

function migrate(database: Database, from: number): void {
  if (from < 1) {
    database.createObjectStore("items", { keyPath: "id" }).createIndex("visit", "visit");
    database.createObjectStore("drafts");
    database.createObjectStore("chunks", { autoIncrement: true });
    database.createObjectStore("values");
  }
}
