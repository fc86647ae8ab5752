/** The microphone test of this tablet: a take that belongs to nobody and is never stored. */

import type { RecordingTask } from "../protocol/protocol.ts";

/** Ten seconds at most, judged by what any voice must be; the texts are the screen's. */
export const MICROPHONE_TASK: RecordingTask = {
  role: "microphone",
  required: false,
  decides: true,
  maxS: 10,
  stopAfterS: null,
  stopAfterSilenceS: null,
  labels: {},
  prompts: {},
  limits: [
    { measure: "clipped_frac", warn_above: 0.0001, fail_above: 0.01 },
    { measure: "dead_frac", fail_from: 0.1 },
    { measure: "level_db", warn_below: -35, fail_below: -42 },
    { measure: "snr_db", warn_below: 10, warn_above: 60, fail_below: 3 },
    { measure: "active_s", warn_below: 1.5, fail_below: 0.8 },
  ],
};
