"""What a nurse is told and asked: at the form, in dialogs, before it is sent."""

from __future__ import annotations

import json
import sqlite3

from playwright.sync_api import expect

from tests.browser import nurse
from tests.browser.tablet import DELIVERED_WITHIN_S, Tablet, stored
from tests.system.boxes import Box, wait_until

BPM = 80
FOCUSED_WITHIN_S = 5


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


def gives_focus_to(ward: Tablet, words: str) -> None:
    """Wait until what has these words has the focus: a screen gives it once it is drawn."""
    wait_until(lambda: focused(ward) == words, FOCUSED_WITHIN_S, f"the focus on {words}")


def gives_focus_to_field(ward: Tablet, name: str) -> None:
    """Wait until the field of this name has the focus."""
    wait_until(lambda: focused_name(ward) == name, FOCUSED_WITHIN_S, f"the focus on {name}")


def test_the_focus_comes_back_from_a_dialog(ward: Tablet, box: Box) -> None:
    """By whatever way it is closed; where its button is gone, to the heading."""
    nurse.sign_in(ward, box.users["nurse"])
    nurse.fill_essentials(ward)
    ward.tap("Encerrar")
    gives_focus_to(ward, "Parar a avaliação?")
    ward.page.keyboard.press("Escape")
    ward.page.get_by_role("dialog").wait_for(state="detached")
    gives_focus_to(ward, "Encerrar")
    nurse.agree(ward)
    ward.tap("O paciente não conseguiu")
    ward.assert_accessible("why not")
    ward.tap("Voltar")
    ward.page.get_by_role("dialog").wait_for(state="detached")
    gives_focus_to(ward, "O paciente não conseguiu")
    ward.tap("O paciente não conseguiu")
    ward.tap("Sem voz")
    ward.page.get_by_role("heading", name=nurse.ROLES[1]).wait_for()
    wait_until(
        lambda: nurse.ROLES[1] in focused(ward), FOCUSED_WITHIN_S, "the focus on its heading"
    )
    ward.tap("Encerrar")
    ward.tap("Parar e guardar")
    ward.page.get_by_role("heading", name="Dados da pesquisa").wait_for()
    gives_focus_to(ward, "Dados da pesquisa")


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
    expect(ward.page.get_by_label("RGH do paciente")).to_be_focused()
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
    """One tap for a sign that was not measured; an answer takes its reason away."""
    nurse.sign_in(ward, box.users["nurse"])
    ward.tap("Iniciar avaliação")
    form = ward.page.locator("#form-step")
    assert form.get_by_role("button", name="Não medido Idade").count() == 0
    for sign, name in (("SpO₂", "spo2"), ("Frequência cardíaca", "bpm")):
        ward.tap(f"Não medido {sign}")
        gives_focus_to_field(ward, f"{name}_absent_reason")
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
    gives_focus_to_field(ward, "posture")
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


def test_a_number_of_another_shape_is_no_wrong_letter(ward: Tablet, box: Box) -> None:
    """A digit lost by the scanner is told as that, and no wristband can hold such a number."""
    nurse.sign_in(ward, box.users["nurse"])
    ward.tap("Iniciar avaliação")
    ward.press(ward.page.get_by_text("Hospital das Clínicas", exact=True))
    ward.fill("RGH do paciente", nurse.RGH.replace("2", ""))
    ward.page.get_by_label("Idade").first.click()
    ward.sees("RGH deste hospital: 8 números e 1 letra.")
    assert ward.page.get_by_role("radio", name="Conferi na pulseira").count() == 0
    ward.fill("RGH do paciente", nurse.RGH[:-1] + "A")
    ward.page.get_by_label("Idade").first.click()
    ward.sees("A letra não confere. Confira na pulseira.")
    expect(ward.page.get_by_role("radio", name="Conferi na pulseira")).to_be_visible()


def to_faulty_review(ward: Tablet) -> None:
    """Lead a patient to the review whose answers went wrong on the way."""
    nurse.fill_essentials(ward)
    nurse.agree(ward)
    nurse.record(ward, nurse.ROLES[0], stops_by_itself=False)
    stop_and_review(ward)
    assert ward.page.get_by_role("region", name="Falta para enviar").count() == 0
    ward.tap("Dados essenciais")
    ward.fill("SpO₂", "8")
    ward.fill("Frequência cardíaca", "30")
    ward.fill("RGH do paciente", "14259401A")
    stop_and_review(ward, has_other_rgh=True)


def stop_and_review(ward: Tablet, *, has_other_rgh: bool = False) -> None:
    """Keep what there is, and look at it; another RGH was a slip."""
    ward.tap("Encerrar")
    ward.tap("Parar e guardar")
    if has_other_rgh:
        ward.tap("Erro de digitação, mesmo paciente")
    ward.page.get_by_role("heading", name="Dados da pesquisa").wait_for()
    ward.tap("Continuar")
    ward.page.get_by_role("heading", name="Revisão").wait_for()


def test_a_review_says_what_stands_in_the_way(ward: Tablet, box: Box) -> None:
    """Each obstacle in words, with the way to it; without any, it can be sent."""
    nurse.sign_in(ward, box.users["nurse"])
    to_faulty_review(ward)
    send = ward.page.get_by_role("button", name="Enviar RGH")
    ways = ward.page.get_by_role("region", name="Falta para enviar")
    assert send.is_disabled()
    assert ways.locator("li > span").all_inner_texts() == [
        "A letra não confere. Confira na pulseira.",
        "SpO₂ deve ficar entre 30 e 100.",
        "Confirma Frequência cardíaca = 30? É um valor pouco comum.",
        "Confira na pulseira: nome completo e RGH",
    ]
    ward.assert_accessible("review with obstacles")
    ward.press(ways.get_by_role("button", name="Corrigir SpO₂"))
    gives_focus_to_field(ward, "spo2")
    ward.fill("SpO₂", "95")
    ward.fill("RGH do paciente", nurse.RGH)
    ward.fill("Frequência cardíaca", str(BPM))
    stop_and_review(ward, has_other_rgh=True)
    assert ways.get_by_role("listitem").count() == 1
    ward.press(ways.get_by_role("button", name="Conferir"))
    ward.tap("Conferi na pulseira")
    ward.page.get_by_role("heading", name="Revisão").wait_for()
    assert ways.count() == 0
    assert send.is_enabled()
