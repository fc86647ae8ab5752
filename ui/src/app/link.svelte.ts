/** The link to the box: what the app asks and hears of it, and the bringing home of what waits. */

import { Refusal, Unreachable } from "../api/client.ts";
import type { Outcome } from "../outbox/drainer.ts";
import { Drainer, outcomeOf } from "../outbox/drainer.ts";
import { alone, later, storagePct } from "../outbox/browser.ts";
import { KeyChanged } from "../sealing/seal.ts";
import type { Connection } from "../session/connection.ts";
import { afterAttempt } from "../session/connection.ts";
import type { Session } from "../session/session.ts";
import type { App } from "./app.svelte.ts";

const ASK_AGAIN_AFTER_MS = 30_000;

/** Says how the box is reached; whoever asks it tells here how that went. */
export class Link {
  connection = $state.raw<Connection>({ kind: "unknown" });
  /** What is on its way now, and how much of it has left, from 0 to 1. */
  sending = $state.raw<{ readonly id: string; readonly share: number } | null>(null);
  keyChanged = $state(false);
  clockOffsetS: number | null = null;
  readonly drainer: Drainer;
  readonly #app: App;
  #askedAt = 0;

  constructor(app: App) {
    this.#app = app;
    this.drainer = new Drainer(app.outbox, app.api, {
      now: Date.now,
      random: Math.random,
      version: app.version,
      recognise: () => this.#byKey(app.box.recognise()),
      alone,
      later,
      storagePct,
      tell: (outcome) => this.told(outcome),
      heard: ({ tablet }) => void app.setEnrolled(tablet),
    });
  }

  /** Renew the session and what is known of the box, and bring home what waits. */
  async refresh(): Promise<void> {
    const app = this.#app;
    if (app.isElsewhere) return;
    if (app.cannotOpen) return this.drainer.now();
    if (!app.isReady) return;
    try {
      if (app.session === null) await app.sessions.finishSignOut();
      if (app.session !== null && !app.isLocked) app.session = this.#orOver(await app.sessions.renew());
      await this.#learn();
    } catch (error) {
      this.told(outcomeOf(error));
    }
    const isOver = app.session?.isOver === true;
    // An enrolled tablet delivers by itself, locked or with nobody signed in.
    if (app.enrolled !== null || (app.session !== null && !isOver)) await this.drainer.now();
    if (isOver) this.connection = { kind: "session-over" };
    await app.look();
  }

  /** Take the box's other key for good; false where what was typed is not how its fingerprint begins. */
  async acceptKey(typed: string): Promise<boolean> {
    const app = this.#app;
    if (!(await app.box.acceptKey(typed))) return false;
    app.known = await app.box.recall();
    if (app.known !== null) await app.outbox.eraseUnreadable(app.known.key.fingerprint);
    this.keyChanged = false;
    void this.refresh();
    return true;
  }

  /** Hear how an attempt to reach the box went. */
  told(outcome: Outcome): void {
    const isSame = outcome.kind === "sending" && outcome.id === this.sending?.id;
    this.sending = outcome.kind === "sending" ? outcome : null;
    if (isSame) return; // bytes moved, and nothing else
    this.connection = afterAttempt(this.connection, outcome, Date.now());
    const mayAsk = Date.now() - this.#askedAt > ASK_AGAIN_AFTER_MS;
    if (this.connection.kind === "session-over" && this.#app.session !== null && mayAsk) void this.#askBox();
    void this.#app.look();
  }

  /** Learn what a shift needs. */
  async #learn(): Promise<void> {
    const app = this.#app;
    const { clockOffsetS } = await app.box.learn();
    this.clockOffsetS = clockOffsetS;
    if (app.session === null || app.session.isOver || app.isLocked) return;
    app.known = await this.#byKey(app.box.learnAll());
  }

  /** Hear of the box whether its key is the one this tablet knows. */
  async #byKey<Answer>(asked: Promise<Answer>): Promise<Answer> {
    try {
      const answer = await asked;
      this.keyChanged = false;
      return answer;
    } catch (error) {
      if (error instanceof KeyChanged) this.keyChanged = true;
      throw error;
    }
  }

  /** At the end of a shift, whoever has a patient in hand signs in over the page, which stays. */
  #orOver(renewed: Session | null): Session | null {
    const { isBusy, keepTaken, draft, session } = this.#app;
    const isInHand = isBusy || keepTaken !== null || draft !== null;
    // Signed out meanwhile: then nobody is there.
    if (renewed !== null || session === null || !isInHand) return renewed;
    return { ...session, isOver: true };
  }

  /** A 401 may mean fifteen idle minutes: the box is asked to go on before anybody signs in again. */
  async #askBox(): Promise<void> {
    const app = this.#app;
    this.#askedAt = Date.now();
    try {
      app.session = this.#orOver(await app.sessions.renew());
    } catch (error) {
      if (!(error instanceof Refusal) && !(error instanceof Unreachable)) throw error;
      return;
    }
    if (app.session?.isOver === false) {
      this.connection = { kind: "unknown" };
      void this.drainer.now();
    }
  }
}
