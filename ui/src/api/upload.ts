/** Sends bytes and tells how far they got: what `fetch` cannot say, and so not end what has stopped. */

/** What is sent. */
export interface Upload {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer>;
  /** Told the share of the bytes that left, from 0 to 1. */
  readonly onprogress: (share: number) => void;
}

/** Nothing moved: on ward Wi-Fi a connection dies without a word. */
export const STALLED_AFTER_MS = 45_000;
/** Everything left; the box writes it to its disk and answers. */
export const ANSWER_WITHIN_MS = 120_000;

/**
 * Send it; return the answer.
 *
 * @throws TypeError where no answer came, or it stopped on its way.
 */
export function upload(sent: Upload, make: () => XMLHttpRequest = () => new XMLHttpRequest()): Promise<Response> {
  return new Promise((done, failed) => {
    const request = make();
    let watch: ReturnType<typeof setTimeout> | undefined;
    const waitFor = (ms: number): void => {
      clearTimeout(watch);
      watch = setTimeout(() => request.abort(), ms);
    };
    const end = (): void => {
      clearTimeout(watch);
      failed(new TypeError("no answer"));
    };
    request.open(sent.method, sent.path);
    for (const [name, value] of Object.entries(sent.headers)) request.setRequestHeader(name, value);
    request.responseType = "arraybuffer";
    request.upload.onprogress = ({ loaded, total }) => {
      waitFor(STALLED_AFTER_MS);
      if (total > 0) sent.onprogress(loaded / total);
    };
    request.upload.onload = () => waitFor(ANSWER_WITHIN_MS);
    request.onerror = end;
    request.onabort = end;
    request.onload = () => {
      clearTimeout(watch);
      done(answerOf(request));
    };
    waitFor(STALLED_AFTER_MS);
    request.send(sent.body);
  });
}

function answerOf(request: XMLHttpRequest): Response {
  const headers = new Headers();
  for (const name of ["content-type", "retry-after"]) {
    const value = request.getResponseHeader(name);
    if (value !== null) headers.set(name, value);
  }
  const isEmpty = request.status === 204 || request.status === 304;
  return new Response(isEmpty ? null : (request.response as ArrayBuffer), { status: request.status, headers });
}
