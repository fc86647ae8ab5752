/**
 * Runs where the sound arrives: turns it into 16-bit samples, counts its frames, and posts a piece
 * every 50 ms. A piece says at which frame it begins, so that what is missing is seen.
 */

/** What is posted: `frame` is the context's frame of the first sample; levels are 0 to 1. */
export interface Piece {
  readonly frame: number;
  readonly samples: Int16Array<ArrayBuffer>;
  readonly rms: number;
  readonly peak: number;
}

declare const currentFrame: number;
declare const sampleRate: number;
declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void;
declare abstract class AudioWorkletProcessor {
  readonly port: MessagePort;
  abstract process(inputs: Float32Array[][]): boolean;
}

const PIECE_LENGTH = Math.round(sampleRate * 0.05);
const FULL_SCALE = 32_768;

class CaptureProcessor extends AudioWorkletProcessor {
  #piece = new Int16Array(PIECE_LENGTH);
  #filled = 0;
  #frame = 0;
  #squares = 0;
  #peak = 0;

  override process(inputs: Float32Array[][]): boolean {
    const channel = inputs[0]?.[0];
    if (channel === undefined) return true; // nothing is connected any more: the frames will be missed
    for (let n = 0; n < channel.length; n++) {
      if (this.#filled === 0) this.#frame = currentFrame + n;
      this.#put(channel[n] ?? 0);
      if (this.#filled === PIECE_LENGTH) this.#post();
    }
    return true;
  }

  #put(x: number): void {
    const level = Math.abs(x);
    this.#squares += x * x;
    if (level > this.#peak) this.#peak = level;
    const sample = Math.round(x * FULL_SCALE);
    this.#piece[this.#filled++] = Math.max(-FULL_SCALE, Math.min(FULL_SCALE - 1, sample));
  }

  #post(): void {
    const samples = this.#piece;
    const rms = Math.sqrt(this.#squares / PIECE_LENGTH);
    const piece: Piece = { frame: this.#frame, samples, rms, peak: this.#peak };
    this.port.postMessage(piece, [samples.buffer]);
    this.#piece = new Int16Array(PIECE_LENGTH); // the old one is handed over, and empty here
    this.#filled = 0;
    this.#squares = 0;
    this.#peak = 0;
  }
}

registerProcessor("capture", CaptureProcessor);
