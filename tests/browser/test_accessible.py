"""Every screen is for everyone: WCAG 2.2 AA as far as a program can tell, in both themes."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Playwright

from tests.browser import nurse
from tests.browser.tablet import Tablet, tablet
from tests.system.boxes import Box


@pytest.mark.parametrize(("size", "dark"), [("tablet", False), ("tablet", True), ("phone", False)])
def test_every_screen_is_for_everyone(
    playwright: Playwright, box: Box, sound: Path, tmp_path: Path, *, size: str, dark: bool
) -> None:
    """Axe finds nothing against WCAG 2.2 AA, in both themes and on a phone."""
    with tablet(playwright, box.address, tmp_path / "t", sound=sound, size=size, dark=dark) as ward:
        ward.open()
        ward.page.get_by_role("button", name="Entrar").wait_for()
        ward.assert_accessible("sign-in")
        nurse.sign_in(ward, box.users["nurse"])
        ward.assert_accessible("home")
        for name in ("Avaliações", "Este aparelho", "Sobre"):
            ward.tap(name)
            ward.page.get_by_role("heading", level=1).wait_for()
            ward.assert_accessible(name)
            ward.tap("Voltar")
        look_at_a_form(ward)
        look_before_recording(ward)
        look_at_a_recording(ward)
        look_at_a_result(ward)
        ward.tap("Bloquear")
        ward.page.get_by_role("heading", name="Bloqueado").wait_for()
        ward.assert_accessible("lock")
        ward.assert_well_behaved()


def look_at_a_form(ward: Tablet) -> None:
    """Look at what can be wrong with a form; its patient's SpO2 is too low."""
    ward.tap("Iniciar avaliação")
    ward.tap("Continuar")
    ward.page.locator("#errors").wait_for()
    ward.assert_accessible("form with errors")
    ward.fill("SpO₂", "60")
    ward.tap("Não medido Frequência cardíaca")
    ward.assert_accessible("form with an alert and a reason")
    nurse.answer_essentials(ward, spo2="60")
    ward.page.get_by_role("dialog", name="Confira o valor").wait_for()
    ward.assert_accessible("unusual value")
    ward.tap("Confirmo")


def look_before_recording(ward: Tablet) -> None:
    """Look at each screen and question before a recording."""
    ward.sees("Avalie o paciente agora")
    ward.assert_accessible("identity")
    ward.tap("Conferi na pulseira")
    ward.assert_accessible("consent")
    ward.tap("Não aceitou")
    ward.assert_accessible("refused")
    ward.tap("Voltar")
    ward.tap("Aceitou")
    ward.page.get_by_role("heading", name=nurse.ROLES[0]).wait_for()
    ward.assert_accessible("prompt")
    ward.tap("Descansar")
    ward.assert_accessible("rest")
    ward.tap("Continuar")
    ward.tap("O paciente não conseguiu")
    ward.assert_accessible("why not")
    ward.tap("Voltar")


def look_at_a_recording(ward: Tablet) -> None:
    """Look at each screen from the recording to the review, and send."""
    ward.tap("Gravar")
    ward.sees("Gravando · 2 s")
    ward.assert_accessible("recording")
    ward.press(ward.page.locator("button.record"))
    ward.sees("Gravação boa")
    ward.assert_accessible("verdict")
    ward.tap("Encerrar")
    ward.assert_accessible("stop")
    ward.tap("Parar e guardar")
    ward.assert_accessible("research")
    ward.tap("Continuar")
    ward.page.get_by_role("heading", name="Revisão").wait_for()
    ward.sees("Tentativa 1 · Gravação boa")  # what was recorded before the stop is kept
    ward.assert_accessible("review")
    ward.tap("Enviar RGH 1425 9401-E")


def look_at_a_result(ward: Tablet) -> None:
    """Look at what came of it, and at the list of all."""
    ward.page.get_by_role("region", name="Resultado da voz").wait_for()
    ward.assert_accessible("result")
    ward.tap("Discordo do resultado")
    ward.page.get_by_role("dialog").get_by_role("button", name="Discordo do resultado").click()
    ward.sees("Você discordou deste resultado")
    ward.assert_accessible("disagreement")
    ward.tap("Fechar")
    ward.tap("Avaliações")
    ward.page.get_by_role("table").or_(ward.page.get_by_role("list")).first.wait_for()
    ward.assert_accessible("evaluations")
