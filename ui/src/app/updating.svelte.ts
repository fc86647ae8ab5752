/** New versions of the app: looked for, offered, and let in when nobody loses by it. */

import { looker } from "../service-worker/register.ts";

const LOOK_EVERY_MS = 3_600_000;
const FOLLOWS_AFTER_MS = 3_000;

/** What is known of a new version. */
export class Updating {
  /** A new version waits to be let in. */
  isWaiting = $state(false);
  /** The browser does not trust the box's certificate, and keeps no app of it at hand. */
  isUntrusted = $state(false);
  #letIn: (() => void) | null = null;
  #mustOpenAnew = false;
  #isAtWork = false;
  #isElsewhere = false;

  /** Keep the app at hand from now on, and look for new versions. */
  async begin(): Promise<void> {
    const { serviceWorker } = navigator as { readonly serviceWorker?: ServiceWorkerContainer };
    if (serviceWorker === undefined) return; // a box without TLS, at another address than its own
    const look = looker(serviceWorker, {
      onuntrusted: (isUntrusted) => (this.isUntrusted = isUntrusted),
      onwaiting: (letIn) => {
        this.#letIn = letIn;
        this.isWaiting = letIn !== null;
      },
      onchanged: () => {
        this.#mustOpenAnew = true;
        this.#openAnew();
      },
    });
    setInterval(() => void look(), LOOK_EVERY_MS);
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") void look();
    });
    await look();
  }

  /** Say whether this page has a patient in hand; no other page can have one. */
  setAtWork(isAtWork: boolean): void {
    this.#isAtWork = isAtWork;
    this.#openAnew();
  }

  /** Say whether another page has the tablet: that one is opened anew first, and keeps it. */
  setElsewhere(isElsewhere: boolean): void {
    this.#isElsewhere = isElsewhere;
  }

  /** Let the new version in; it is offered where nobody has a patient in hand. */
  letIn(): void {
    this.#letIn?.();
  }

  #openAnew(): void {
    if (!this.#mustOpenAnew || this.#isAtWork) return;
    setTimeout(() => location.reload(), this.#isElsewhere ? FOLLOWS_AFTER_MS : 0);
  }
}
