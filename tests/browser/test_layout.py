"""What is in sight, at each size of a window; and nothing lies over anything else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser import nurse
from tests.browser.tablet import Tablet
from tests.system.boxes import Box

ZOOMED_DESKTOP = {"width": 720, "height": 450}
ZOOMED_TABLET = {"width": 410, "height": 590}
PHONE = {"width": 360, "height": 740}
WINDOWS = (
    ZOOMED_DESKTOP,
    ZOOMED_TABLET,
    {"width": 740, "height": 360},
    PHONE,
    {"width": 820, "height": 1180},
    {"width": 1180, "height": 820},
)
"""1440x900 and 820x1180 at 200 % zoom, a phone lying and upright, a tablet upright and lying."""
LEAST_PROMPT_PX = 36
"""UI.md: a prompt to the patient is 36 px or larger."""

MEASURE = """() => {
  const text = (element) => {
    const range = document.createRange();
    range.selectNodeContents(element);
    const { left, top, right, bottom } = range.getBoundingClientRect();
    return { name: element.textContent.trim().slice(0, 30), left, top, right, bottom };
  };
  const box = (element) => {
    const { left, top, right, bottom } = element.getBoundingClientRect();
    return { name: element.className || element.tagName, left, top, right, bottom };
  };
  const words = document.querySelector(".words");
  const parts = [...document.querySelectorAll(".content > *")];
  const actions = document.querySelector(".actions");
  const alert = document.querySelector(".alert");
  return {
    px: parseFloat(getComputedStyle(words).fontSize),
    words: text(words),
    flowing: parts.map((one) => one.contains(words) ? text(words) : text(one)),
    fixed: [actions, alert].filter((one) => one !== null).map(box),
    buttons: [...actions.querySelectorAll("button, p, [role=meter], .names")].map(box),
    height: innerHeight,
    width: innerWidth,
    wide: document.documentElement.scrollWidth,
  };
}"""
Box_ = Mapping[str, Any]


def overlaps(one: Box_, other: Box_) -> bool:
    """Return whether two boxes share more than an edge."""
    across = min(one["right"], other["right"]) - max(one["left"], other["left"])
    down = min(one["bottom"], other["bottom"]) - max(one["top"], other["top"])
    return bool(across > 1 and down > 1)


def overlapping(boxes: list[Box_]) -> list[tuple[str, str]]:
    """Return the names of every two boxes that lie over each other."""
    return [
        (one["name"], other["name"])
        for n, one in enumerate(boxes)
        for other in boxes[n + 1 :]
        if overlaps(one, other)
    ]


def assert_readable(ward: Tablet, window: Mapping[str, int]) -> None:
    """The prompt is large, wholly in sight, and nothing lies over it or over anything else."""
    found = ward.page.evaluate(MEASURE)
    told = f"{dict(window)}: {found}"
    assert found["px"] >= LEAST_PROMPT_PX, told
    assert found["words"]["top"] >= 0, told
    assert found["words"]["bottom"] <= found["height"], told
    assert overlapping([found["words"], *found["fixed"]]) == [], told
    assert overlapping(found["flowing"]) == [], told
    assert overlapping(found["buttons"]) == [], told
    assert found["wide"] <= found["width"], told


def to_first_prompt(ward: Tablet, *, spo2: str) -> None:
    """Lead a patient to what is read for the spoken consent, the longest of all."""
    nurse.fill_essentials(ward, spo2=spo2)
    nurse.agree(ward)
    ward.page.get_by_role("heading", name=nurse.ROLES[0]).wait_for()


@pytest.mark.parametrize(("spo2", "first"), [("95", ZOOMED_TABLET), ("88", PHONE)])
def test_a_prompt_is_read_in_every_window(
    ward: Tablet, box: Box, spo2: str, first: Mapping[str, int]
) -> None:
    """At 200 % zoom, on a lying phone, with an alert: before and while it is recorded."""
    ward.page.set_viewport_size(first)  # type: ignore[arg-type]
    nurse.sign_in(ward, box.users["nurse"])
    to_first_prompt(ward, spo2=spo2)
    assert_readable(ward, first)
    for window in WINDOWS:
        turn(ward, window)
        assert_readable(ward, window)
    ward.page.evaluate("scrollTo(0, 0)")
    ward.tap("Gravar")
    ward.sees("Gravando")
    for window in (WINDOWS[-1], *WINDOWS):
        turn(ward, window)
        assert_readable(ward, window)
    ward.assert_well_behaved()


def test_an_alert_is_in_sight_while_the_sign_is_typed(ward: Tablet, box: Box) -> None:
    """On a phone: its line at the top, and its words under the field that has the focus."""
    ward.page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    nurse.sign_in(ward, box.users["nurse"])
    ward.tap("Iniciar avaliação")
    spo2 = ward.page.get_by_label("SpO₂").first
    spo2.press_sequentially("8")
    assert ward.page.locator(".alert").count() == 0  # half a number is no sign
    spo2.press_sequentially("8")
    words = ward.page.locator("#form-step").get_by_text("Abaixo do limite do hospital (92%)")
    words.wait_for()
    expect(spo2).to_be_focused()
    ward.settle()
    line = ward.page.locator(".alert")
    boxes = [spo2.bounding_box(), line.bounding_box(), words.bounding_box()]
    for seen in boxes:
        assert seen is not None
        assert 0 <= seen["y"] <= PHONE["height"] - seen["height"], boxes
    ward.assert_accessible("alert in the form")
    ward.page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    assert line.bounding_box() == boxes[1]  # wherever the page is scrolled to


def test_what_lacks_is_shown_at_the_first_time(ward: Tablet, box: Box) -> None:
    """The list of errors has the focus and is in sight, and leads to each field."""
    ward.page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    nurse.sign_in(ward, box.users["nurse"])
    ward.tap("Iniciar avaliação")
    ward.page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    ward.tap("Continuar")
    errors = ward.page.locator("#errors")
    errors.wait_for()
    expect(errors).to_be_focused()
    ward.settle()
    seen = errors.bounding_box()
    assert seen is not None
    assert 0 <= seen["y"] < PHONE["height"] / 2, seen
    ward.assert_accessible("form with errors")
    ward.tap("Sexo", role="link")
    expect(ward.page.locator("[name=gender]").first).to_be_focused()


def turn(ward: Tablet, window: Mapping[str, int]) -> None:
    """Give the window another size, and let it settle."""
    ward.page.set_viewport_size(window)  # type: ignore[arg-type]
    ward.settle()
