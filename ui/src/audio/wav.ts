/** WAV files of 16-bit PCM, mono: what the box takes, byte for byte. */

export const MIN_RATE_HZ = 16_000;
export const MAX_RATE_HZ = 96_000;
export const FULL_SCALE = 32_768;

const HEADER_BYTES = 44;
const SAMPLE_BYTES = 2;

/** The samples of a recording at the rate they were taken. */
export interface Pcm {
  readonly samples: Int16Array;
  readonly sampleRateHz: number;
}

/** Return how long a recording is, in seconds. */
export function secondsOf({ samples, sampleRateHz }: Pcm): number {
  return samples.length / sampleRateHz;
}

/** Return the canonical file: 44 bytes of header, then the samples. */
export function writeWav({ samples, sampleRateHz }: Pcm): Uint8Array<ArrayBuffer> {
  const nBytes = samples.length * SAMPLE_BYTES;
  const view = new DataView(new ArrayBuffer(HEADER_BYTES + nBytes));
  const put = (at: number, text: string): void => {
    for (let n = 0; n < text.length; n++) view.setUint8(at + n, text.charCodeAt(n));
  };
  put(0, "RIFF");
  view.setUint32(4, HEADER_BYTES - 8 + nBytes, true);
  put(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true); // PCM
  view.setUint16(22, 1, true); // mono
  view.setUint32(24, sampleRateHz, true);
  view.setUint32(28, sampleRateHz * SAMPLE_BYTES, true);
  view.setUint16(32, SAMPLE_BYTES, true);
  view.setUint16(34, 8 * SAMPLE_BYTES, true);
  put(36, "data");
  view.setUint32(40, nBytes, true);
  // In the order of the machine's bytes: little-endian wherever a browser records.
  new Int16Array(view.buffer, HEADER_BYTES).set(samples);
  return new Uint8Array(view.buffer);
}

/** Return one array of all the pieces, in order. */
export function joined(pieces: readonly Int16Array[]): Int16Array<ArrayBuffer> {
  const whole = new Int16Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
