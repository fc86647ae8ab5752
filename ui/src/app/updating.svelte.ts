/** New versions of the app: looked for, offered, and let in when no page of this tablet loses by it. */

import { AtWork } from "../service-worker/at-work.ts";
import { registerWorker } from "../service-worker/register.ts";

const LOOK_EVERY_MS = 3_600_000;

/** What is known of a new version. */
export class Updating {
  /** A new version waits to be let in. */
  isWaiting = $state(false);
  /** It was to be let in, but another page has a patient in hand. */
  isHeldUp = $state(false);
  #letIn: (() => void) | null = null;
  #mustOpenAnew = false;
  readonly #atWork = new AtWork(navigator.locks);

  /** Keep the app at hand from now on, and look for new versions. */
  async begin(): Promise<void> {
    const { serviceWorker } = navigator as { readonly serviceWorker?: ServiceWorkerContainer };
    if (serviceWorker === undefined) return; // a box without TLS, at another address than its own
    const look = await registerWorker(serviceWorker, {
      onwaiting: (letIn) => {
        this.#letIn = letIn;
        this.isWaiting = letIn !== null;
      },
      onchanged: () => {
        this.#mustOpenAnew = true;
        this.#openAnew();
      },
    });
    look();
    setInterval(look, LOOK_EVERY_MS);
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") look();
    });
  }

  /** Say whether this page has a patient in hand. */
  setAtWork(isAtWork: boolean): void {
    this.#atWork.set(isAtWork);
    this.#openAnew();
  }

  /** Let the new version in, unless some page has a patient in hand. */
  async letIn(): Promise<void> {
    const letIn = this.#letIn;
    if (letIn !== null) this.isHeldUp = !(await this.#atWork.unlessAnyIs(letIn));
  }

  #openAnew(): void {
    if (this.#mustOpenAnew && !this.#atWork.isIt) location.reload();
  }
}
