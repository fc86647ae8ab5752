/** A browser of paper: what the recorder's tests let happen to it. */

import type { Piece } from "./capture.worklet.ts";
import type { Browser } from "./recorder.ts";

/** A microphone's track: its settings are told, and it can be unplugged or muted. */
export class FakeTrack extends EventTarget {
  readonly label = "Built-in Microphone";
  isStopped = false;
  settings: Record<string, unknown> = {
    echoCancellation: false,
    noiseSuppression: false,
    autoGainControl: false,
    sampleRate: 48_000,
  };

  getSettings(): Record<string, unknown> {
    return this.settings;
  }

  stop(): void {
    this.isStopped = true;
  }
}

/** An audio context that can be interrupted. */
export class FakeContext extends EventTarget {
  readonly sampleRate: number;
  state = "suspended";

  constructor(sampleRate: number) {
    super();
    this.sampleRate = sampleRate;
  }

  createMediaStreamSource(): object {
    return { connect: () => undefined, disconnect: () => undefined };
  }

  async resume(): Promise<void> {
    this.become("running");
  }

  async close(): Promise<void> {
    this.become("closed");
  }

  become(state: string): void {
    this.state = state;
    this.dispatchEvent(new Event("statechange"));
  }
}

/** A page that can be hidden. */
export class FakeDocument extends EventTarget {
  visibilityState = "visible";

  become(state: string): void {
    this.visibilityState = state;
    this.dispatchEvent(new Event("visibilitychange"));
  }
}

/** The browser; `rates` are those its contexts have, in the order they are made. */
export class FakeBrowser {
  readonly document = new FakeDocument();
  readonly contexts: FakeContext[] = [];
  readonly tracks: FakeTrack[] = [];
  readonly asked: MediaStreamConstraints[] = [];
  readonly port: { onmessage: ((event: { data: Piece }) => void) | null } = { onmessage: null };
  refusal: Error | null = null;
  worklet: Error | null = null;
  nextSettings: Record<string, unknown> = {};
  elapsedMs = 0;
  readonly #rates: number[];

  constructor(...rates: number[]) {
    this.#rates = rates.length > 0 ? rates : [48_000];
  }

  /** Let pieces of 50 ms arrive, all at one level; return the frame after them. */
  say(level: number, seconds: number, fromFrame: number): number {
    const length = (this.contexts.at(-1)?.sampleRate ?? 0) / 20;
    let frame = fromFrame;
    for (let n = 0; n < Math.round(seconds * 20); n++) {
      this.elapsedMs += 50;
      const samples = new Int16Array(length).fill(Math.round(level * 32_767));
      this.port.onmessage?.({ data: { frame, samples, rms: level, peak: level } });
      frame += length;
    }
    return frame;
  }

  /** Return it as the recorder takes it. */
  asBrowser(): Browser {
    const getUserMedia = async (constraints: MediaStreamConstraints): Promise<unknown> => {
      this.asked.push(constraints);
      if (this.refusal !== null) throw this.refusal;
      const track = new FakeTrack();
      track.settings = { ...track.settings, ...this.nextSettings };
      this.tracks.push(track);
      return { getTracks: () => [track], getAudioTracks: () => [track] };
    };
    return {
      mediaDevices: { getUserMedia } as unknown as MediaDevices,
      document: this.document as unknown as Document,
      userAgent: "Paper/1",
      newContext: (options) => {
        const rate = options.sampleRate ?? this.#rates[0] ?? 0;
        const context = new FakeContext(this.#rates[this.contexts.length] ?? rate);
        this.contexts.push(context);
        return context as unknown as AudioContext;
      },
      newCaptureNode: async () => {
        if (this.worklet !== null) throw this.worklet;
        return { port: this.port } as unknown as AudioWorkletNode;
      },
      now: () => new Date("2026-11-23T14:00:00.000Z"),
      monotonicMs: () => this.elapsedMs,
    };
  }
}
