/** The browser that the app runs in, as the recorder needs it. */

import workletUrl from "./capture.worklet.ts?worker&url";
import type { Browser } from "./recorder.ts";

/** Return what `startTake` needs of this page's browser. */
export function thisBrowser(): Browser {
  return {
    // Absent where the page is not secure, whatever the types say.
    mediaDevices: navigator.mediaDevices as MediaDevices | undefined,
    document,
    userAgent: navigator.userAgent,
    newContext: (options) => new AudioContext(options),
    newCaptureNode: async (context) => {
      await context.audioWorklet.addModule(workletUrl);
      return new AudioWorkletNode(context, "capture", {
        numberOfInputs: 1,
        numberOfOutputs: 0,
        channelCount: 1,
        channelCountMode: "explicit",
        channelInterpretation: "discrete",
      });
    },
    now: () => new Date(),
    monotonicMs: () => performance.now(),
  };
}
