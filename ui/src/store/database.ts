/** What this tablet keeps (IndexedDB), its versions, and a connection that comes back. */

import type { DBSchema, IDBPDatabase, IDBPObjectStore, IDBPTransaction, StoreNames } from "idb";
import { openDB } from "idb";

import type { Draft, KeptChunk } from "../drafts/drafts.ts";
import type { Item } from "../outbox/outbox.ts";

const NAME = "spira";
const VERSION = 2;

interface Schema extends DBSchema {
  /** What is known of sealed items, by id. */
  items: { key: string; value: Item; indexes: { visit: string } };
  /** Their sealed bytes, by the same id: read only to be sent. */
  sealed: { key: string; value: Uint8Array<ArrayBuffer> };
  /** The one patient in hand of each nurse. */
  drafts: { key: string; value: Draft };
  /** Samples of the take under way, as they come. */
  chunks: { key: number; value: KeptChunk };
  /** Everything small: who signed in here, copies of lists, the box's key. */
  values: { key: string; value: unknown };
}

export type Store = keyof Pick<Schema, "items" | "sealed" | "drafts" | "chunks" | "values">;
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

  /**
   * Do one piece of work with the open database; once more, where the browser had closed it unsaid.
   *
   * @param work may be repeated: it is one transaction, which happens whole or not at all.
   */
  async use<Result>(work: (database: Database) => Promise<Result>): Promise<Result> {
    const opened = this.#open();
    try {
      return await work(await opened);
    } catch (error) {
      if (!isClosed(error)) throw error;
      if (this.#opened === opened) this.#opened = null;
      return work(await this.#open());
    }
  }

  /** Begin to open it, ahead of the first work, which hears of it where that fails. */
  wake(): void {
    void this.#open();
  }

  #open(): Promise<Database> {
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

  /** A browser that keeps nothing for this page throws at once: that, too, is an answer to who asks. */
  async #openAnew(): Promise<Database> {
    return openDB<Schema>(this.#name, VERSION, {
      upgrade: (database, from, _to, changing) => migrate(database, from, changing),
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
    const found = await this.use((database) => database.get("values", key));
    return found === undefined ? fallback : (found as Value);
  }

  /** Keep a small value. */
  async setValue(key: string, value: unknown): Promise<void> {
    await this.use(async (database) => {
      const writing = database.transaction("values", "readwrite", { durability: "strict" });
      await Promise.all([writing.store.put(value, key), writing.done]);
    });
  }
}

type Changing = IDBPTransaction<Schema, StoreNames<Schema>[], "versionchange">;

async function migrate(database: Database, from: number, changing: Changing): Promise<void> {
  if (from < 1) {
    database.createObjectStore("items", { keyPath: "id" }).createIndex("visit", "visit");
    database.createObjectStore("drafts");
    database.createObjectStore("chunks", { autoIncrement: true });
    database.createObjectStore("values");
  }
  if (from < 2) {
    const sealed = database.createObjectStore("sealed");
    const items = changing.objectStore("items");
    for (let cursor = await items.openCursor(); cursor !== null; cursor = await cursor.continue()) {
      const { sealed: bytes, ...item } = cursor.value as Item & { readonly sealed: Uint8Array<ArrayBuffer> };
      await sealed.put(bytes, item.id);
      await cursor.update(item);
    }
  }
}

/** Whether this is how a browser says that it closed the connection (Safari: `UnknownError`). */
function isClosed(error: unknown): boolean {
  return error instanceof DOMException && ["InvalidStateError", "UnknownError"].includes(error.name);
}
