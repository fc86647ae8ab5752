"""What is seen at each size of a window: nothing lies over anything, what matters is in sight."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any

import pytest

from tests.browser import nurse
from tests.browser.tablet import DELIVERED_WITHIN_S, Tablet, stored
from tests.system.boxes import Box, wait_until

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
BPM = 80
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
    settle(ward)
    assert spo2.evaluate("(field) => field === document.activeElement")
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
    settle(ward)
    assert errors.evaluate("(list) => list === document.activeElement")
    seen = errors.bounding_box()
    assert seen is not None
    assert 0 <= seen["y"] < PHONE["height"] / 2, seen
    ward.assert_accessible("form with errors")
    ward.tap("Sexo", role="link")
    sex = ward.page.locator("[name=gender]").first
    assert sex.evaluate("(field) => field === document.activeElement")


def focused(ward: Tablet) -> str:
    """Return the words of what has the focus; nothing where the page itself has it."""
    return str(
        ward.page.evaluate(
            "() => document.activeElement === document.body"
            " ? '' : document.activeElement.textContent.trim()"
        )
    )


def focused_name(ward: Tablet) -> str:
    """Return the name of the field that has the focus."""
    return str(ward.page.evaluate("() => document.activeElement.name ?? ''"))


def test_the_focus_comes_back_from_a_dialog(ward: Tablet, box: Box) -> None:
    """By whatever way it is closed; where its button is gone, to the heading."""
    nurse.sign_in(ward, box.users["nurse"])
    nurse.fill_essentials(ward)
    ward.tap("Encerrar")
    assert focused(ward) == "Parar a avaliação?"
    ward.page.keyboard.press("Escape")
    ward.page.get_by_role("dialog").wait_for(state="detached")
    assert focused(ward) == "Encerrar"
    nurse.agree(ward)
    ward.tap("O paciente não conseguiu")
    ward.assert_accessible("why not")
    ward.tap("Voltar")
    ward.page.get_by_role("dialog").wait_for(state="detached")
    assert focused(ward) == "O paciente não conseguiu"
    ward.tap("O paciente não conseguiu")
    ward.tap("Sem voz")
    ward.page.get_by_role("heading", name=nurse.ROLES[1]).wait_for()
    settle(ward)
    assert nurse.ROLES[1] in focused(ward)
    ward.tap("Encerrar")
    ward.tap("Parar e guardar")
    ward.page.get_by_role("heading", name="Dados da pesquisa").wait_for()
    settle(ward)
    assert focused(ward) == "Dados da pesquisa"


def test_an_rgh_of_another_sex_or_age_is_asked_about(ward: Tablet, box: Box) -> None:
    """Nobody goes on before it is answered, after a lock neither; another age is asked anew."""
    nurse.sign_in(ward, box.users["nurse"])
    nurse.short_patient(ward)
    nurse.fill_essentials(ward)  # the same sex and age: no question
    ward.tap("Encerrar")
    ward.tap("Parar e apagar tudo")
    ward.tap("Continuar")
    ward.tap("Iniciar avaliação")
    ward.fill("RGH do paciente", nurse.RGH)
    ward.press(ward.page.get_by_text("Masculino", exact=True))
    ward.fill("Idade", "61")
    ward.press(ward.page.get_by_text("Sem máscara", exact=True))
    ward.press(ward.page.get_by_text("Não", exact=True))
    ward.tap("Bloquear")
    nurse.unlock(ward, heading="Dados essenciais")
    ward.tap("Continuar")
    asked = ward.page.get_by_role("dialog", name="Este RGH já tem outro sexo ou idade")
    asked.wait_for()
    ward.assert_accessible("same patient?")
    ward.tap("Corrigir")
    asked.wait_for(state="detached")
    rgh = ward.page.get_by_label("RGH do paciente")
    assert rgh.evaluate("(field) => field === document.activeElement")
    ward.fill("Idade", "62")
    ward.tap("Continuar")
    ward.tap("É o mesmo paciente")
    ward.page.get_by_role("heading", name="É este paciente?").wait_for()
    ward.assert_well_behaved()


def test_the_page_is_in_the_language_of_its_words(ward: Tablet, box: Box) -> None:
    """After a reload, too: a screen reader pronounces by it."""
    nurse.sign_in(ward, box.users["nurse"])
    ward.tap("Sair")
    ward.tap("English")
    assert ward.page.locator("html").get_attribute("lang") == "en"
    ward.page.reload()
    ward.page.get_by_role("heading", name="Who are you?").wait_for()
    assert ward.page.locator("html").get_attribute("lang") == "en"


def test_a_failure_is_told_once(ward: Tablet, box: Box) -> None:
    """It stays until somebody closes it or goes on, and no longer."""
    fails = "() => void Promise.reject(new Error('a fault of a test'))"
    nurse.sign_in(ward, box.users["nurse"])
    told = ward.page.get_by_text("Algo falhou neste aparelho")
    ward.page.evaluate(fails)
    told.wait_for()
    ward.assert_accessible("failure")
    ward.tap("Fechar")
    told.wait_for(state="detached")
    ward.page.evaluate(fails)
    told.wait_for()
    ward.tap("Sobre")
    told.wait_for(state="detached")


def test_what_is_left_out_says_why(ward: Tablet, box: Box) -> None:
    """One tap for a sign not measured; an answer takes its reason away, cards are cleared."""
    nurse.sign_in(ward, box.users["nurse"])
    ward.tap("Iniciar avaliação")
    form = ward.page.locator("#form-step")
    assert form.get_by_role("button", name="Não medido Idade").count() == 0
    for sign in ("SpO₂", "Frequência cardíaca"):
        ward.tap(f"Não medido {sign}")
        assert focused_name(ward).endswith("_absent_reason")
    ward.press(form.get_by_text("Não foi possível medir").first)
    ward.assert_accessible("reasons")
    ward.fill("Frequência cardíaca", str(BPM))
    assert form.locator("[name=bpm_absent_reason]").count() == 0
    nurse.answer_essentials(ward, spo2=None)
    nurse.agree(ward)
    nurse.record(ward, nurse.ROLES[0], stops_by_itself=False)
    ward.tap("Encerrar")
    ward.tap("Parar e guardar")
    ward.press(ward.page.get_by_text("Deitado", exact=True))
    ward.tap("Limpar Posição")
    assert focused_name(ward) == "posture"
    assert ward.page.locator("[name=posture]:checked").count() == 0
    ward.tap("Continuar")
    ward.sees("Não foi possível medir")
    ward.tap("Enviar RGH 1425 9401-E")
    wait_until(lambda: stored(box, "inferences") == 1, DELIVERED_WITHIN_S, "the patient")
    with sqlite3.connect(box.data / "records.db") as records:
        (kept,) = records.execute("SELECT form FROM inferences").fetchone()
    answers = json.loads(kept)
    assert (answers["spo2"], answers["spo2_absent_reason"]) == (None, "not_possible")
    assert (answers["bpm"], answers["posture"]) == (BPM, None)
    assert "bpm_absent_reason" not in answers


def stop_and_look(ward: Tablet) -> None:
    """Keep what there is, and look at the review."""
    ward.tap("Encerrar")
    ward.tap("Parar e guardar")
    ward.tap("Continuar")


def test_a_review_says_what_stands_in_the_way(ward: Tablet, box: Box) -> None:
    """Each obstacle in words, with the way to it; without any, it can be sent."""
    nurse.sign_in(ward, box.users["nurse"])
    nurse.fill_essentials(ward)
    nurse.agree(ward)
    nurse.record(ward, nurse.ROLES[0], stops_by_itself=False)
    stop_and_look(ward)
    send = ward.page.get_by_role("button", name="Enviar RGH")
    ways = ward.page.get_by_role("region", name="Falta para enviar")
    assert ways.count() == 0
    ward.tap("Dados essenciais")
    ward.fill("SpO₂", "8")
    ward.fill("Frequência cardíaca", "30")
    ward.fill("RGH do paciente", "14259401A")
    stop_and_look(ward)
    assert send.is_disabled()
    assert ways.locator("li > span").all_inner_texts() == [
        "A letra não confere. Confira na pulseira.",
        "SpO₂ deve ficar entre 30 e 100.",
        "Confirma Frequência cardíaca = 30? É um valor pouco comum.",
        "Confira na pulseira: nome completo e RGH",
    ]
    ward.assert_accessible("review with obstacles")
    ward.press(ways.get_by_role("button", name="Corrigir SpO₂"))
    assert focused_name(ward) == "spo2"
    ward.fill("SpO₂", "95")
    ward.fill("RGH do paciente", nurse.RGH)
    ward.fill("Frequência cardíaca", str(BPM))
    stop_and_look(ward)
    assert ways.get_by_role("listitem").count() == 1
    ward.press(ways.get_by_role("button", name="Conferir"))
    ward.tap("Conferi na pulseira")
    ward.page.get_by_role("heading", name="Revisão").wait_for()
    assert ways.count() == 0
    assert send.is_enabled()


def turn(ward: Tablet, window: Mapping[str, int]) -> None:
    """Give the window another size, and let it settle."""
    ward.page.set_viewport_size(window)  # type: ignore[arg-type]
    settle(ward)


def settle(ward: Tablet) -> None:
    """Let two frames pass, in which sizes are fitted."""
    ward.page.evaluate(
        "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )
