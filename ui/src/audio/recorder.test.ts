import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { FakeBrowser } from "./fakes.ts";
import { MICROPHONE_TASK } from "./microphone-check.ts";
import type { Ending, Take } from "./recorder.ts";
import { isProcessed, MicrophoneUnavailable, startTake } from "./recorder.ts";
import { joined } from "./wav.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

interface Heard {
  take: Take;
  endings: Ending[];
  handed: Int16Array[][];
  levels: number[];
}

async function begin(browser: FakeBrowser, task = MICROPHONE_TASK): Promise<Heard> {
  const heard: Omit<Heard, "take"> = { endings: [], handed: [], levels: [] };
  const take = await startTake(
    task,
    {
      onLevel: (rms) => heard.levels.push(rms),
      onSamples: (samples) => heard.handed.push(samples),
      onEnd: (ending) => heard.endings.push(ending),
    },
    browser.asBrowser(),
  );
  browser.say(0, 0.2, 0); // the microphone opens
  return { take, ...heard };
}

async function refused(browser: FakeBrowser): Promise<string> {
  const error: unknown = await begin(browser).catch((reason: unknown) => reason);
  if (!(error instanceof MicrophoneUnavailable)) throw new Error("a take began", { cause: error });
  for (const track of browser.tracks) expect(track.isStopped).toBe(true);
  for (const context of browser.contexts) expect(context.state).toBe("closed");
  return error.code;
}

describe("before anything is recorded", () => {
  test("the sound is asked for as the microphone gives it, and what the browser says is kept", async () => {
    const browser = new FakeBrowser(44_100);
    const { take } = await begin(browser);
    expect(browser.asked).toEqual([
      {
        audio: {
          channelCount: 1,
          echoCancellation: false,
          noiseSuppression: false,
          autoGainControl: false,
          voiceIsolation: false,
        },
      },
    ]);
    expect(take.capture).toEqual({
      echo_cancellation: false,
      noise_suppression: false,
      auto_gain_control: false,
      voice_isolation: null,
      sample_rate_hz: 44_100,
      device: "Built-in Microphone",
      user_agent: "Paper/1",
    });
    expect(isProcessed(take.capture)).toBe(false);
  });

  test.each([{ autoGainControl: true }, { echoCancellation: "all" }, { voiceIsolation: true }])(
    "%j is processing that was not asked for",
    async (settings) => {
      const browser = new FakeBrowser();
      browser.nextSettings = settings;
      const { take } = await begin(browser);
      expect(isProcessed(take.capture)).toBe(true);
    },
  );

  test("a rate that the box would refuse is opened at 48 kHz", async () => {
    for (const rate of [8_000, 192_000]) {
      const browser = new FakeBrowser(rate);
      const { take } = await begin(browser);
      expect(take.sampleRateHz).toBe(48_000);
      expect(browser.contexts[0]?.state).toBe("closed");
    }
  });

  test("a rate that stays too low, of context or microphone, is refused", async () => {
    expect(await refused(new FakeBrowser(8_000, 8_000))).toBe("rate-unusable");
    const headset = new FakeBrowser();
    headset.nextSettings = { sampleRate: 8_000 };
    expect(await refused(headset)).toBe("rate-unusable");
  });

  test.each([
    ["NotAllowedError", "denied"],
    ["NotFoundError", "none"],
    ["NotReadableError", "busy"],
  ])("%s is told as %s", async (name, code) => {
    const browser = new FakeBrowser();
    browser.refusal = new DOMException("", name);
    expect(await refused(browser)).toBe(code);
  });

  test("a browser without worklets or microphones is told apart", async () => {
    const browser = new FakeBrowser();
    browser.worklet = new DOMException("", "AbortError");
    expect(await refused(browser)).toBe("unsupported");
    const insecure = { ...new FakeBrowser().asBrowser(), mediaDevices: undefined };
    const listener = { onLevel: () => undefined, onSamples: () => undefined, onEnd: () => undefined };
    await expect(startTake(MICROPHONE_TASK, listener, insecure)).rejects.toMatchObject({ code: "unsupported" });
  });
});

describe("while it records", () => {
  test("samples come about every second, and the rest at the end", async () => {
    const browser = new FakeBrowser();
    const { take, handed, endings, levels } = await begin(browser);
    browser.say(0.25, 2.4, 128);
    expect(handed.map((pieces) => joined(pieces).length)).toEqual([48_000, 48_000]);
    take.stop("patient");
    expect(joined(handed.flat()).length).toBe(2.4 * 48_000);
    expect(endings).toEqual([{ kind: "ended", reason: "patient" }]);
    expect(levels.length).toBe(48); // what came while the microphone opened is no part of it
    expect(take.nGaps).toBe(0);
  });

  test("every take has a stream of its own, and nothing is left open", async () => {
    const browser = new FakeBrowser();
    (await begin(browser)).take.stop("professional");
    (await begin(browser)).take.stop("professional");
    expect(browser.tracks.map(({ isStopped }) => isStopped)).toEqual([true, true]);
    expect(browser.contexts.map(({ state }) => state)).toEqual(["closed", "closed"]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("it ends by itself, once, and hears nothing afterwards", async () => {
    const browser = new FakeBrowser();
    const { take, endings, handed } = await begin(browser, { ...MICROPHONE_TASK, stopAfterS: 5 });
    browser.say(0.01, 7, 0);
    take.stop("professional");
    expect(endings).toEqual([{ kind: "ended", reason: "max_duration" }]);
    expect(joined(handed.flat()).length).toBe(5 * 48_000);
  });

  test("missing frames are counted", async () => {
    const browser = new FakeBrowser();
    const { take } = await begin(browser);
    browser.say(0.2, 1, browser.say(0.2, 1, 0) + 128);
    expect(take.nGaps).toBe(1);
  });
});

describe("what makes a take invalid ends it, and says so", () => {
  test.each([
    ["unplugged", (browser: FakeBrowser) => browser.tracks[0]?.dispatchEvent(new Event("ended"))],
    ["muted", (browser: FakeBrowser) => browser.tracks[0]?.dispatchEvent(new Event("mute"))],
    ["suspended", (browser: FakeBrowser) => browser.contexts[0]?.become("interrupted")],
    ["hidden", (browser: FakeBrowser) => browser.document.become("hidden")],
    ["dead-microphone", (browser: FakeBrowser) => browser.say(0, 0.3, 48_000)],
  ])("%s", async (fault, happen) => {
    const browser = new FakeBrowser();
    const { endings, handed } = await begin(browser);
    browser.say(0.2, 1, 0);
    happen(browser);
    browser.say(0.2, 1, 96_000);
    expect(endings).toEqual([{ kind: "failed", fault }]);
    expect(joined(handed.flat()).length).toBeLessThanOrEqual(1.3 * 48_000);
    expect(browser.tracks[0]?.isStopped).toBe(true);
  });

  test("a page that was hidden while the microphone was opened", async () => {
    const browser = new FakeBrowser();
    browser.document.visibilityState = "hidden";
    const { endings } = await begin(browser);
    browser.say(0.2, 0.05, 0);
    expect(endings).toEqual([{ kind: "failed", fault: "hidden" }]);
  });

  test("sound that does not come any more has stalled; a page that was only busy has not", async () => {
    const browser = new FakeBrowser();
    const { endings } = await begin(browser);
    const next = browser.say(0.2, 1, 0);
    browser.elapsedMs += 2_000;
    vi.advanceTimersByTime(250);
    browser.elapsedMs -= 2_000;
    browser.say(0.2, 2, next);
    vi.advanceTimersByTime(500);
    expect(endings).toEqual([]);
    browser.elapsedMs += 1_500;
    vi.advanceTimersByTime(500);
    expect(endings).toEqual([{ kind: "failed", fault: "stalled" }]);
  });
});
