/** Takes one recording: a fresh stream, the sound as the microphone gives it, and the truth about it. */

import type { RecordingTask } from "../protocol/protocol.ts";
import type { Piece } from "./capture.worklet.ts";
import type { Fault, StopReason } from "./take-rules.ts";
import { TakeRules } from "./take-rules.ts";
import { MAX_RATE_HZ, MIN_RATE_HZ } from "./wav.ts";

/** What the browser said of its own processing (API.md, `capture`); null where it was silent. */
export interface Capture {
  readonly echo_cancellation: boolean | null;
  readonly noise_suppression: boolean | null;
  readonly auto_gain_control: boolean | null;
  readonly voice_isolation: boolean | null;
  readonly sample_rate_hz: number;
  readonly device: string | null;
  readonly user_agent: string | null;
}

/** How a take ended. */
export type Ending =
  | { readonly kind: "ended"; readonly reason: StopReason }
  | { readonly kind: "failed"; readonly fault: Fault };

/** What is told while a take is under way. */
export interface TakeListener {
  /** Every 50 ms: levels from 0 to 1, seconds so far. */
  onLevel(rms: number, peak: number, seconds: number): void;
  /** About once a second, and at the end: the samples since the last time. */
  onSamples(samples: Int16Array<ArrayBuffer>[]): void;
  /** Once, at the end. */
  onEnd(ending: Ending): void;
}

/** A take that is under way. */
export interface Take {
  readonly sampleRateHz: number;
  readonly capture: Capture;
  readonly startedAt: Date;
  /** How often samples were missing so far. */
  readonly nGaps: number;
  /** End it in order; `onEnd` follows. */
  stop(by: "professional" | "patient"): void;
}

/** Why no take could begin. */
export type MicrophoneCode = "denied" | "none" | "busy" | "rate-unusable" | "unsupported";

/** The microphone cannot be had, or not as it must be. */
export class MicrophoneUnavailable extends Error {
  readonly code: MicrophoneCode;
  constructor(code: MicrophoneCode, cause?: unknown) {
    super(code, { cause });
    this.code = code;
  }
}

/** What the recorder needs of the browser. */
export interface Browser {
  readonly mediaDevices: MediaDevices | undefined;
  readonly document: Document;
  readonly userAgent: string;
  newContext(options: AudioContextOptions): AudioContext;
  /** Load the worklet into a context and return its node, one channel in, none out. */
  newCaptureNode(context: AudioContext): Promise<AudioWorkletNode>;
  now(): Date;
  /** A clock that nobody sets. */
  monotonicMs(): number;
}

const SAMPLES_EVERY_S = 1;
const OPENED_AT_HZ = 48_000;
const LOOK_EVERY_MS = 250;
/** A page that was busy looks late and hears late: only what is missing at the next look too is. */
const LOOKS_BEFORE_STALLED = 2;
/** While a microphone opens (200 ms) there are zeros and a leap of frames: no part of the take. */
const PIECES_OF_OPENING = 4;

const CONSTRAINTS = {
  channelCount: 1,
  echoCancellation: false,
  noiseSuppression: false,
  autoGainControl: false,
  voiceIsolation: false,
} as MediaTrackConstraints; // voiceIsolation is newer than the types

/** Return whether the browser changed the sound although it was told not to. */
export function isProcessed(capture: Capture): boolean {
  return [
    capture.echo_cancellation,
    capture.noise_suppression,
    capture.auto_gain_control,
    capture.voice_isolation,
  ].includes(true);
}

/**
 * Begin a take; to be called within the tap that asks for it.
 *
 * @throws MicrophoneUnavailable before anything was recorded.
 */
export async function startTake(
  task: RecordingTask,
  listener: TakeListener,
  browser: Browser,
): Promise<Take> {
  // Made before anything is waited for: some browsers let only the tap itself start it.
  const context = browser.newContext({ latencyHint: "interactive" });
  const opened: { context: AudioContext; stream: MediaStream | null } = { context, stream: null };
  try {
    opened.stream = await openMicrophone(browser);
    refuseNarrowBand(opened.stream);
    opened.context = await usableContext(context, browser);
    await opened.context.resume();
    const node = await browser.newCaptureNode(opened.context);
    return new RunningTake(task, listener, browser, opened.context, opened.stream, node);
  } catch (error) {
    opened.stream?.getTracks().forEach((track) => track.stop());
    await close(opened.context);
    if (error instanceof MicrophoneUnavailable) throw error;
    throw new MicrophoneUnavailable("unsupported", error);
  }
}

async function openMicrophone(browser: Browser): Promise<MediaStream> {
  if (browser.mediaDevices === undefined) throw new MicrophoneUnavailable("unsupported");
  try {
    return await browser.mediaDevices.getUserMedia({ audio: CONSTRAINTS });
  } catch (error) {
    const name = error instanceof Error ? error.name : "";
    const codes: Readonly<Record<string, MicrophoneCode>> = {
      NotAllowedError: "denied",
      SecurityError: "denied",
      NotFoundError: "none",
      OverconstrainedError: "none",
    };
    throw new MicrophoneUnavailable(codes[name] ?? "busy", error);
  }
}

/** A headset of telephone quality says its rate: no context brings back what it left out. */
function refuseNarrowBand(stream: MediaStream): void {
  const rateHz = stream.getAudioTracks()[0]?.getSettings().sampleRate ?? MIN_RATE_HZ;
  if (rateHz < MIN_RATE_HZ) throw new MicrophoneUnavailable("rate-unusable");
}

/** Return a context at the device's own rate, or at 48 kHz where the box would not take that. */
async function usableContext(context: AudioContext, browser: Browser): Promise<AudioContext> {
  if (context.sampleRate >= MIN_RATE_HZ && context.sampleRate <= MAX_RATE_HZ) return context;
  await close(context);
  const usable = browser.newContext({ latencyHint: "interactive", sampleRate: OPENED_AT_HZ });
  if (usable.sampleRate >= MIN_RATE_HZ && usable.sampleRate <= MAX_RATE_HZ) return usable;
  await close(usable);
  throw new MicrophoneUnavailable("rate-unusable");
}

async function close(context: AudioContext): Promise<void> {
  if (context.state !== "closed") await context.close();
}

class RunningTake implements Take {
  readonly sampleRateHz: number;
  readonly capture: Capture;
  readonly startedAt: Date;
  readonly #listener: TakeListener;
  readonly #browser: Browser;
  readonly #context: AudioContext;
  readonly #stream: MediaStream;
  readonly #rules: TakeRules;
  readonly #undo: (() => void)[] = [];
  #waiting: Int16Array<ArrayBuffer>[] = [];
  #nWaiting = 0;
  #nOpening = PIECES_OF_OPENING;
  #beganMs: number;
  #isOver = false;

  constructor(
    task: RecordingTask,
    listener: TakeListener,
    browser: Browser,
    context: AudioContext,
    stream: MediaStream,
    node: AudioWorkletNode,
  ) {
    this.#listener = listener;
    this.#browser = browser;
    this.#context = context;
    this.#stream = stream;
    this.sampleRateHz = context.sampleRate;
    this.capture = captureOf(stream, context.sampleRate, browser.userAgent);
    this.startedAt = browser.now();
    this.#beganMs = browser.monotonicMs();
    this.#rules = new TakeRules(task, context.sampleRate);
    this.#connect(node);
    this.#watch();
  }

  get nGaps(): number {
    return this.#rules.nGaps;
  }

  stop(by: "professional" | "patient"): void {
    this.#end({ kind: "ended", reason: by });
  }

  #connect(node: AudioWorkletNode): void {
    const source = this.#context.createMediaStreamSource(this.#stream);
    node.port.onmessage = (event: MessageEvent<Piece>) => this.#hear(event.data);
    source.connect(node);
    this.#undo.push(() => {
      node.port.onmessage = null;
      source.disconnect();
    });
  }

  #watch(): void {
    const { document } = this.#browser;
    for (const track of this.#stream.getAudioTracks()) {
      this.#on(track, "ended", () => this.#fail("unplugged"));
      this.#on(track, "mute", () => this.#fail("muted"));
    }
    this.#on(this.#context, "statechange", () => {
      if (this.#context.state !== "running") this.#fail("suspended");
    });
    this.#on(document, "visibilitychange", () => {
      if (document.visibilityState === "hidden") this.#fail("hidden");
    });
    let nStalled = 0;
    const look = setInterval(() => {
      const isBehind = this.#rules.hasStalled((this.#browser.monotonicMs() - this.#beganMs) / 1000);
      nStalled = isBehind ? nStalled + 1 : 0;
      if (nStalled >= LOOKS_BEFORE_STALLED) this.#fail("stalled");
    }, LOOK_EVERY_MS);
    this.#undo.push(() => clearInterval(look));
  }

  #on(target: EventTarget, event: string, act: () => void): void {
    target.addEventListener(event, act);
    this.#undo.push(() => target.removeEventListener(event, act));
  }

  #hear(piece: Piece): void {
    if (this.#isOver) return;
    // Hidden while the microphone was being opened: no event says so any more.
    if (this.#browser.document.visibilityState === "hidden") return this.#fail("hidden");
    if (this.#nOpening > 0) {
      this.#nOpening -= 1;
      this.#beganMs = this.#browser.monotonicMs();
      return;
    }
    const heard = this.#rules.hear(piece);
    this.#waiting.push(piece.samples);
    this.#nWaiting += piece.samples.length;
    if (this.#nWaiting >= SAMPLES_EVERY_S * this.sampleRateHz) this.#hand();
    this.#listener.onLevel(piece.rms, piece.peak, this.#rules.seconds);
    if (heard.kind === "ends") this.#end({ kind: "ended", reason: heard.reason });
    if (heard.kind === "fails") this.#fail(heard.fault);
  }

  #hand(): void {
    const samples = this.#waiting;
    this.#waiting = [];
    this.#nWaiting = 0;
    if (samples.length > 0) this.#listener.onSamples(samples);
  }

  #fail(fault: Fault): void {
    this.#end({ kind: "failed", fault });
  }

  #end(ending: Ending): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const undo of this.#undo) undo();
    this.#hand();
    // A stream that is used twice gives silence on some devices: it ends with its take.
    for (const track of this.#stream.getTracks()) track.stop();
    void close(this.#context);
    this.#listener.onEnd(ending);
  }
}

function captureOf(stream: MediaStream, rateHz: number, userAgent: string): Capture {
  const track = stream.getAudioTracks()[0];
  const settings = (track?.getSettings() ?? {}) as MediaTrackSettings & { voiceIsolation?: boolean };
  const bit = (value: boolean | string | undefined): boolean | null =>
    value === undefined ? null : value === true || typeof value === "string";
  return {
    echo_cancellation: bit(settings.echoCancellation),
    noise_suppression: bit(settings.noiseSuppression),
    auto_gain_control: bit(settings.autoGainControl),
    voice_isolation: bit(settings.voiceIsolation),
    sample_rate_hz: rateHz,
    device: track?.label.slice(0, 512) || null,
    user_agent: userAgent.slice(0, 512) || null,
  };
}
