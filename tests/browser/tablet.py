"""A tablet: Debian's Chromium with a microphone that plays a WAV, driven as gloved fingers do."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from playwright.sync_api import BrowserContext, Locator, Page, Playwright, Request

from appliance.core.wav import write_wav
from tests.system.boxes import Box

AXE: Final = Path(__file__).parents[2] / "ui" / "node_modules" / "axe-core" / "axe.min.js"
CHROMIUM: Final = "/usr/bin/chromium"
SIZES: Final = {
    "phone": {"width": 360, "height": 740},
    "tablet": {"width": 820, "height": 1180},
    "desktop": {"width": 1440, "height": 900},
}
ARGUMENTS: Final = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"),
)
WITHIN_MS: Final = 20_000
DELIVERED_WITHIN_S: Final = 90
RATE_HZ: Final = 48_000


def has_chromium() -> bool:
    """Return whether Debian's package is installed."""
    return shutil.which(CHROMIUM) is not None


def stored(box: Box, table: str) -> int:
    """Return how many rows of a table the box holds."""
    with sqlite3.connect(box.data / "records.db") as records:
        return int(records.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608


def voice(path: Path, *, voiced_s: float = 3.0, silent_s: float = 2.5) -> Path:
    """Write a vowel in a quiet room, which the microphone repeats; return where it lies."""
    rng = np.random.default_rng(7)
    t = np.arange(int(voiced_s * RATE_HZ)) / RATE_HZ
    vowel = 0.2 * sum(np.sin(2 * np.pi * 180 * n * t) / n for n in range(1, 6))
    room = rng.normal(0.0, 0.0015, int(silent_s * RATE_HZ))
    sound = np.concatenate([vowel + rng.normal(0.0, 0.0015, t.size), room])
    path.write_bytes(write_wav((sound * 32_767).astype(np.int16), RATE_HZ))
    return path


@dataclass
class Tablet:
    """One page of the app, and what it did that it must not do.

    Attributes:
        taps: touches so far.
        strays: requests to another origin.
        breaches: violations of the content policy, and errors on the console.
    """

    context: BrowserContext
    page: Page
    address: str
    taps: int = 0
    strays: list[str] = field(default_factory=list)
    breaches: list[str] = field(default_factory=list)

    def open(self) -> None:
        """Open the app."""
        self.page.goto(self.address)

    def finds_network(self) -> None:
        """Let it look for the box at once."""
        self.page.evaluate("window.dispatchEvent(new Event('online'))")

    def keeps_app(self) -> None:
        """Wait until it holds a copy of the app."""
        self.page.evaluate("navigator.serviceWorker.ready.then(() => null)")

    def tap(self, name: str, *, role: Any = "button", exact: bool = True) -> None:  # noqa: ANN401
        """Touch what goes by this name."""
        self.press(self.page.get_by_role(role, name=name, exact=exact))

    def press(self, target: Locator) -> None:
        """Touch this."""
        target.first.click(timeout=WITHIN_MS)
        self.taps += 1

    def fill(self, label: str, text: str) -> None:
        """Touch a field and type; the keys of the keypad are taps, too."""
        self.page.get_by_label(label).first.fill(text, timeout=WITHIN_MS)
        self.taps += 1 + len(text)

    def sees(self, text: str, *, within_ms: int = WITHIN_MS) -> None:
        """Wait until this is to be read."""
        self.page.get_by_text(text).first.wait_for(timeout=within_ms)

    def settle(self) -> None:
        """Let two frames pass, in which sizes are fitted and the focus is given."""
        self.page.evaluate(
            "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )

    def assert_well_behaved(self) -> None:
        """Hold it to its policy: nothing from elsewhere, nothing forbidden, a quiet console."""
        assert self.strays == []
        assert self.breaches == []

    def assert_accessible(self, screen: str) -> None:
        """Let axe look at the screen: nothing against WCAG 2.2 AA."""
        self.page.locator(".deaf").wait_for(state="detached")  # axe looks through what takes no tap
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found: list[dict[str, Any]] = self.page.evaluate(
            "() => axe.run({ runOnly: "
            "['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'] }).then((r) => r.violations)"
        )
        told = [(one["id"], [node["target"] for node in one["nodes"]]) for one in found]
        assert told == [], f"{screen}: {told}"

    def stored(self) -> str:
        """Return everything this tablet keeps, as text: what a finder could read."""
        dump: str = self.page.evaluate(
            """async () => {
              const text = (value) => {
                if (value instanceof CryptoKey) return "[key]";
                if (ArrayBuffer.isView(value)) {
                  return new TextDecoder("latin1").decode(new Uint8Array(value.buffer));
                }
                if (value && typeof value === "object") {
                  return Object.entries(value).map(([k, v]) => `${k}=${text(v)}`).join(";");
                }
                return String(value);
              };
              const open = indexedDB.open("spira");
              const db = await new Promise((done) => { open.onsuccess = () => done(open.result); });
              const all = [];
              for (const name of db.objectStoreNames) {
                const asked = db.transaction(name).objectStore(name).getAll();
                const rows = await new Promise((done) => {
                  asked.onsuccess = () => done(asked.result);
                });
                all.push(name + ": " + rows.map(text).join("\\n"));
              }
              db.close();
              return all.join("\\n");
            }"""
        )
        return dump


@contextmanager
def tablet(
    playwright: Playwright,
    address: str,
    directory: Path,
    *,
    sound: Path,
    size: str = "tablet",
    dark: bool = False,
) -> Iterator[Tablet]:
    """Give a tablet whose storage lies in a directory: it survives being killed."""
    context = playwright.chromium.launch_persistent_context(
        directory,
        executable_path=CHROMIUM,
        args=[*ARGUMENTS, f"--use-file-for-fake-audio-capture={sound}"],
        viewport=SIZES[size],  # type: ignore[arg-type]
        color_scheme="dark" if dark else "light",
        locale="pt-BR",
        timezone_id="America/Sao_Paulo",
        permissions=["microphone"],
        reduced_motion="reduce",
    )
    try:
        yield watched(context, address)
    finally:
        context.close()


def kill_browser(place: Path) -> None:
    """End the browser of this directory as a crash would."""
    listed = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True)  # noqa: S607
    for line in listed.stdout.splitlines():
        if f"--user-data-dir={place}" in line and "--type=" not in line:
            os.kill(int(line.split()[0]), signal.SIGKILL)
    (place / "SingletonLock").unlink(missing_ok=True)


def watched(context: BrowserContext, address: str) -> Tablet:
    """Return a page that is watched from its first request on."""
    page = context.pages[0] if context.pages else context.new_page()
    page.set_default_timeout(WITHIN_MS)
    found = Tablet(context=context, page=page, address=address)

    def look(request: Request) -> None:
        if not request.url.startswith((address, "blob:")):
            found.strays.append(request.url)

    context.on("request", look)
    page.on(
        "console",
        lambda message: found.breaches.append(message.text) if message.type == "error" else None,
    )
    page.on("pageerror", lambda error: found.breaches.append(str(error)))
    return found
