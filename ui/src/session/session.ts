/** Who is signed in at this tablet, for how long, and with whom the box agrees. */

import type { Api } from "../api/client.ts";
import { Refusal, Unreachable } from "../api/client.ts";
import type { SignIn } from "../api/types.ts";
import type { Tablet } from "../store/database.ts";
import type { PinCheck } from "./pin.ts";
import { PIN_SHAPE, pinCheckOf, tryPin } from "./pin.ts";

/** Somebody who signed in at this tablet before. */
export interface Person {
  readonly id: string;
  readonly username: string;
}

/** A sign-in as this tablet keeps it. */
export interface Session extends Person {
  readonly hospitals: readonly string[];
  readonly authorPass: string;
  /** Nothing goes on beyond, with or without the box. */
  readonly endsAt: number;
  /** The box says that its cookies are over: sign in again, nothing is lost. */
  readonly isOver: boolean;
}

/** Only nurses work at a tablet. */
export class NotANurse extends Error {}

/** A shift without the box; the box itself goes on for sixteen hours. */
export const SHIFT_MS = 12 * 3_600_000;

const SESSION = "session";
/** Somebody signed out here, and the box does not know it yet. */
const SIGN_OUT_DUE = "sign-out-due";
const PEOPLE = "people";
const PINS = "pins";
const N_PEOPLE = 8;

/** The sign-ins of this tablet. */
export class Sessions {
  readonly #api: Api;
  readonly #tablet: Tablet;
  readonly #now: () => number;
  #lastTry: Promise<boolean> = Promise.resolve(false);

  constructor(api: Api, tablet: Tablet, now: () => number) {
    this.#api = api;
    this.#tablet = tablet;
    this.#now = now;
  }

  /** Return who is signed in; null when nobody is, or the shift is over. */
  async current(): Promise<Session | null> {
    const kept = await this.#tablet.value<Session | null>(SESSION, null);
    return kept !== null && this.#now() < kept.endsAt ? kept : null;
  }

  /** Return who signed in here before, the last one first. */
  people(): Promise<readonly Person[]> {
    return this.#tablet.value<readonly Person[]>(PEOPLE, []);
  }

  /**
   * Sign in at the box.
   *
   * @throws NotANurse, Refusal, Unreachable.
   */
  async signIn(username: string, password: string): Promise<Session> {
    const wasDue = await this.#tablet.value<boolean>(SIGN_OUT_DUE, false);
    await this.#tablet.setValue(SIGN_OUT_DUE, false); // the cookies of the one before are replaced
    const told = await this.#signedIn(username, password, wasDue);
    if (told.role !== "nurse") {
      await this.#api.signOut();
      throw new NotANurse(told.role);
    }
    const others = (await this.people()).filter(({ id }) => id !== told.id);
    const person = { id: told.id, username: told.username };
    await this.#tablet.setValue(PEOPLE, [person, ...others].slice(0, N_PEOPLE));
    await this.#refill(told.id);
    return this.#keep(told);
  }

  /**
   * Renew the cookies of who is signed in. A lost answer is no end; a clear no of the box is one.
   *
   * @throws Unreachable, and Refusal but for the box's 401.
   */
  async renew(): Promise<Session | null> {
    const kept = await this.current();
    if (kept === null) return null;
    try {
      const told = await this.#api.refresh();
      return (await this.#isStill(kept)) && told.id === kept.id ? await this.#keep(told, kept.endsAt) : this.current();
    } catch (error) {
      if (!(error instanceof Refusal) || error.status !== 401 || error.code === "") throw error;
      if (!(await this.#isStill(kept))) return this.current();
      const over = { ...kept, isOver: true };
      await this.#tablet.setValue(SESSION, over);
      return over;
    }
  }

  /** Sign out here at once, and at the box if it can be reached; what waits stays. */
  async signOut(): Promise<void> {
    await this.#tablet.setValue(SESSION, null);
    await this.#tablet.setValue(SIGN_OUT_DUE, true);
    try {
      await this.finishSignOut();
    } catch (error) {
      if (!(error instanceof Unreachable) && !(error instanceof Refusal)) throw error; // at the next contact
    }
  }

  /**
   * Tell the box of a sign-out that it could not be told of.
   *
   * @throws Unreachable, and Refusal but for the box's 401: it stays due.
   */
  async finishSignOut(): Promise<void> {
    if (!(await this.#tablet.value<boolean>(SIGN_OUT_DUE, false))) return;
    try {
      await this.#api.refresh();
      // Whoever signed in meanwhile is not signed out.
      if (!(await this.#tablet.value<boolean>(SIGN_OUT_DUE, false))) return;
      await this.#api.signOut();
    } catch (error) {
      if (!(error instanceof Refusal) || error.status !== 401 || error.code === "") throw error;
    }
    await this.#tablet.setValue(SIGN_OUT_DUE, false);
  }

  /** Return how many tries the PIN of somebody has left; null where none was chosen. */
  async triesLeft(userId: string): Promise<number | null> {
    return (await this.#pins())[userId]?.nLeft ?? null;
  }

  /** Keep a PIN for this tablet. */
  async choosePin(userId: string, pin: string): Promise<void> {
    await this.#setPin(userId, await pinCheckOf(pin));
  }

  /** Return whether the PIN is right; the try is counted before anybody learns it. What can be no PIN is no try. */
  async unlock(userId: string, pin: string): Promise<boolean> {
    if (!PIN_SHAPE.test(pin)) return false;
    // One after the other: two at once would be counted as one.
    const trying = this.#lastTry.then(() => this.#tried(userId, pin));
    this.#lastTry = trying.catch(() => false);
    return trying;
  }

  async #tried(userId: string, pin: string): Promise<boolean> {
    const kept = (await this.#pins())[userId];
    if (kept === undefined) return false;
    const tried = await tryPin(kept, pin);
    await this.#setPin(userId, tried.kept);
    return tried.isRight;
  }

  async #signedIn(username: string, password: string, wasDue: boolean): Promise<SignIn> {
    try {
      return await this.#api.signIn(username, password);
    } catch (error) {
      await this.#tablet.setValue(SIGN_OUT_DUE, wasDue);
      throw error;
    }
  }

  /** Return whether this sign-in is still the one: an answer may come after a sign-out, or another's sign-in. */
  async #isStill(kept: Session): Promise<boolean> {
    const now = await this.current();
    return now !== null && now.id === kept.id && now.endsAt === kept.endsAt;
  }

  async #keep(told: SignIn, endsAt: number = this.#now() + SHIFT_MS): Promise<Session> {
    const session: Session = {
      id: told.id,
      username: told.username,
      hospitals: told.hospitals,
      authorPass: told.author_pass,
      endsAt,
      isOver: false,
    };
    await this.#tablet.setValue(SESSION, session);
    return session;
  }

  /** A password gives the PIN its tries back. */
  async #refill(userId: string): Promise<void> {
    const kept = (await this.#pins())[userId];
    if (kept !== undefined) await this.#setPin(userId, { ...kept, nLeft: 5 });
  }

  #pins(): Promise<Readonly<Record<string, PinCheck>>> {
    return this.#tablet.value<Readonly<Record<string, PinCheck>>>(PINS, {});
  }

  async #setPin(userId: string, check: PinCheck): Promise<void> {
    await this.#tablet.setValue(PINS, { ...(await this.#pins()), [userId]: check });
  }
}
