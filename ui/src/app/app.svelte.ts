/** What the app knows, and what a tap leads to; the screens only show it. */

import { Api } from "../api/client.ts";
import type { EnrolledTablet } from "../api/types.ts";
import { upload } from "../api/upload.ts";
import type { Known } from "../box/known.ts";
import { KnownBox } from "../box/known.ts";
import { Drafts } from "../drafts/drafts.ts";
import type { Draft } from "../drafts/drafts.ts";
import { Outbox } from "../outbox/outbox.ts";
import type { Outlook } from "../outbox/outbox.ts";
import { IdleLock } from "../session/idle.ts";
import type { Person, Session } from "../session/session.ts";
import { Sessions } from "../session/session.ts";
import { Tablet } from "../store/database.ts";
import type { Language, Texts } from "../texts/index.ts";
import { CATALOGUES } from "../texts/index.ts";
import { Link } from "./link.svelte.ts";
import { listen } from "./listening.ts";
import { OnePage } from "./one-page.ts";
import type { ScreenName } from "./screen-names.ts";
import { screenOf } from "./screen-names.ts";
import { Updating } from "./updating.svelte.ts";
import type { Visiting } from "./visiting.svelte.ts";

declare const __APP_VERSION__: string;

/** On a slow phone the first screen needs processor and network for itself. */
const KEEPS_APP_AFTER_MS = 1_000;

/** The one app of this page. */
export class App {
  readonly version = __APP_VERSION__;
  readonly tablet = new Tablet();
  readonly api = new Api({
    fetch: (...sent) => fetch(...sent),
    upload,
    version: __APP_VERSION__,
    onunreachable: () => this.link.told({ kind: "unreachable" }),
  });
  readonly sessions = new Sessions(this.api, this.tablet, Date.now);
  readonly outbox = new Outbox(this.tablet, Date.now);
  readonly drafts = new Drafts(this.tablet, Date.now);
  readonly box = new KnownBox(this.api, this.tablet, Date.now);
  readonly updating = new Updating();
  readonly page = new OnePage(navigator.locks, (isElsewhere) => void this.#moved(isElsewhere));
  readonly link: Link;

  isReady = $state(false);
  /** What this tablet keeps could not be read. */
  cannotOpen = $state(false);
  /** Another page of this tablet works with patients. */
  isElsewhere = $state(false);
  failure = $state.raw<string | null>(null);
  language = $state<Language>("pt-BR");
  session = $state.raw<Session | null>(null);
  people = $state.raw<readonly Person[]>([]);
  mustChoosePin = $state(false);
  isLocked = $state(false);
  isBusy = $state(false);
  screen = $state<ScreenName>("home");
  known = $state.raw<Known | null>(null);
  outlook = $state.raw<Outlook>({ nVisits: 0, nItems: 0, oldestAt: null, parked: [], highestSeq: 0 });
  enrolled = $state.raw<EnrolledTablet | null>(null);
  draft = $state.raw<Draft | null>(null);
  /** The patient who was sent last, while the screen still shows it. */
  sent: Visiting | null = null;
  /** What is left, while it is low; null otherwise, and where the browser does not tell. */
  batteryPct = $state<number | null>(null);
  /** Keeps a take that ended and waits for its verdict to be read, unless there is no room; null when there is none. */
  keepTaken: (() => Promise<boolean>) | null = null;
  /** Until then a patient reads a prompt, and the screen stays. */
  readingUntil = 0;

  readonly idle = new IdleLock(() => void this.lock(), () => this.isBusy || Date.now() < this.readingUntil, Date.now);

  constructor() {
    this.link = new Link(this);
  }

  /** The words of the language. */
  get t(): Texts {
    return CATALOGUES[this.language];
  }

  /** Open the app, as soon as no other page of this tablet has it open. */
  open(): void {
    listen(this);
    this.tablet.wake();
    this.page.wait();
    setTimeout(() => void this.updating.begin(), KEEPS_APP_AFTER_MS);
  }

  /** Leave the tablet to another page, or take it over: then everything is read anew. */
  async #moved(isElsewhere: boolean): Promise<void> {
    this.isElsewhere = isElsewhere;
    this.updating.setElsewhere(isElsewhere);
    [this.isReady, this.cannotOpen] = [false, false];
    if (!isElsewhere) return this.openAnew();
    // Nothing of this page may write over what the other one does.
    [this.session, this.draft, this.sent] = [null, null, null];
    this.language = await this.tablet.value<Language>("language", "pt-BR");
  }

  /** Read what this tablet keeps; where that fails, say so, and bring home what can still be read. */
  async openAnew(): Promise<void> {
    try {
      await this.#load();
    } catch {
      this.cannotOpen = true;
      void this.link.refresh();
    }
  }

  /** Read what this tablet keeps, then look for the box. */
  async #load(): Promise<void> {
    [this.language, this.enrolled, this.people, this.session, this.known] = await Promise.all([
      this.tablet.value<Language>("language", "pt-BR"),
      this.tablet.value<EnrolledTablet | null>("enrolled", null),
      this.sessions.people(),
      this.sessions.current(),
      this.box.recall(),
      this.forgetOld().then(() => this.look()),
    ]);
    document.documentElement.lang = this.language;
    this.draft = await this.#draftLeft();
    const tries = this.session === null ? null : await this.sessions.triesLeft(this.session.id);
    this.isLocked = tries !== null;
    this.mustChoosePin = this.session !== null && tries === null;
    // A page that was closed after sending does not begin with another patient.
    if (screenOf(location.hash) !== "visit" || this.draft !== null) this.screen = screenOf(location.hash);
    else this.go("home");
    [this.isReady, this.cannotOpen, this.failure] = [true, false, null];
    void this.link.refresh();
  }

  /** Go to a screen; addresses hold no more than its name. */
  go(screen: ScreenName): void {
    this.screen = screen;
    if (screen !== "visit") this.sent = null;
    this.failure = null;
    this.#setAddress();
  }

  /** Follow the browser to another address, as its Back leads to; no take is broken off or lost by that. */
  async follow(to: ScreenName): Promise<void> {
    if (to === this.screen) return;
    if (!this.isBusy && (await this.letGo())) this.go(to);
    else this.#setAddress();
  }

  /** Keep the take that waits for its verdict to be read; return whether the screen may be left. */
  async letGo(): Promise<boolean> {
    return this.keepTaken === null || this.keepTaken();
  }

  #setAddress(): void {
    if (screenOf(location.hash) !== this.screen) location.hash = this.screen === "home" ? "" : this.screen;
  }

  /** Speak another language, on this tablet from now on. */
  async speak(language: Language): Promise<void> {
    this.language = language;
    document.documentElement.lang = language;
    await this.tablet.setValue("language", language);
  }

  /** Sign in; what cannot be had now is fetched later. */
  async signIn(username: string, password: string): Promise<void> {
    const before = this.session?.id;
    this.session = await this.sessions.signIn(username, password);
    if (this.session.id !== before) this.go("home");
    this.people = await this.sessions.people();
    this.isLocked = false;
    this.mustChoosePin = (await this.sessions.triesLeft(this.session.id)) === null;
    this.draft = await this.#draftLeft();
    // Browsers say yes to an installed app, or ask; without it they may erase what waits.
    void navigator.storage.persist();
    await this.link.refresh();
  }

  /** Sign out here at once; what waits stays, and so does the patient in hand, for twelve hours. */
  async signOut(): Promise<void> {
    this.session = null;
    this.draft = null;
    this.isLocked = false;
    this.go("home");
    await this.sessions.signOut();
  }

  /** Lock the screen, if there is a way to open it again. */
  async lock(): Promise<void> {
    if (this.session === null || this.isLocked) return;
    // Without a PIN nobody could open it again without the box.
    if ((await this.sessions.triesLeft(this.session.id)) === null) return this.signOut();
    try {
      await this.letGo();
    } finally {
      this.isLocked = true;
    }
  }

  /** Open the lock by the PIN; false where it is wrong. */
  async unlock(pin: string): Promise<boolean> {
    if (this.session === null) return false;
    const isRight = await this.sessions.unlock(this.session.id, pin);
    if (isRight) {
      // A shift that ended behind the lock is over: its page is not shown again.
      this.session = await this.sessions.current();
      this.isLocked = false;
      this.idle.touch();
      void this.link.refresh();
    }
    return isRight;
  }

  /** Enrol this tablet by the code that IT made; then it delivers by itself. */
  async enrol(code: string): Promise<void> {
    await this.setEnrolled(await this.api.enrol(code));
    void this.link.drainer.now();
  }

  /** Look how the outbox stands. */
  async look(): Promise<void> {
    this.outlook = await this.outbox.outlook();
  }

  /** Erase the patient in hand, with everything that was not sent. */
  async eraseDraft(): Promise<void> {
    const { draft } = this;
    this.draft = null;
    if (draft === null) return;
    await this.outbox.erase(draft.visit.id);
    await this.drafts.erase(draft.userId);
  }

  /** Say that something failed that nobody expected; no detail is shown or logged. */
  fail(): void {
    this.failure = this.t.errors.unexpected;
  }

  /** Remember as which the box knows this tablet. */
  async setEnrolled(tablet: EnrolledTablet | null): Promise<void> {
    if (tablet?.id === this.enrolled?.id && tablet?.name === this.enrolled?.name) return;
    this.enrolled = tablet;
    await this.tablet.setValue("enrolled", tablet);
  }

  /** Erase patients in hand that nobody came back to. */
  async forgetOld(): Promise<void> {
    const forgotten = await this.drafts.forgetOld();
    // What was forgotten is not written again by the screen that comes back.
    if (forgotten.some(({ visit }) => visit.id === this.draft?.visit.id)) this.draft = null;
  }

  /** Return the patient in hand; one that was sent as the browser died is in hand no more. */
  async #draftLeft(): Promise<Draft | null> {
    if (this.session === null) return null;
    const left = await this.drafts.left(this.session.id);
    if (left === null || !(await this.outbox.isReleased(left.visit.id))) return left;
    await this.drafts.erase(this.session.id);
    return null;
  }
}
