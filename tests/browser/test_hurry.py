"""Hurried fingers, two tabs, a lock, a full tablet: nothing is doubled, skipped or untrue."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator

from tests.browser import nurse
from tests.browser.tablet import DELIVERED_WITHIN_S, SIZES, Tablet, stored
from tests.system.boxes import Box, wait_until

FULL_STORE = """(() => {
  const add = IDBObjectStore.prototype.add;
  IDBObjectStore.prototype.add = function (...kept) {
    if (this.name === "chunks") throw new DOMException("full", "QuotaExceededError");
    return add.apply(this, kept);
  };
})()"""
"""No second of a take can be kept."""
PHONE = SIZES["phone"]
INTERRUPTED = "Gravação interrompida (chamada, tela ou aba): confira o paciente e repita."
TAP_TWICE = """([x, y, apartMs]) => new Promise((done) => {
  const tap = () => document.elementFromPoint(x, y)?.click();
  tap();
  setTimeout(() => done(tap()), apartMs);
})"""
"""By the page's own clock: on a busy machine the driver's second tap comes too late to be one."""


def tap_twice(ward: Tablet, target: Locator, *, apart_ms: int) -> None:
    """Touch the same place twice, as a finger that trembles does."""
    target.wait_for()
    ward.page.wait_for_timeout(500)
    box = target.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    ward.page.evaluate(TAP_TWICE, [x, y, apart_ms])


def go_on(ward: Tablet) -> Locator:
    """Return the button that leads on."""
    return ward.page.get_by_role("button", name="Continuar", exact=True)


@pytest.mark.parametrize("apart_ms", [0, 60, 200])
def test_a_take_is_kept_once_whoever_taps_twice(ward: Tablet, box: Box, apart_ms: int) -> None:
    """And no recording is passed over by the second tap."""
    nurse.to_first_recording(ward, box.users["nurse"])
    nurse.take(ward)
    tap_twice(ward, go_on(ward), apart_ms=apart_ms)
    ward.page.get_by_role("heading", name=nurse.ROLES[1]).wait_for()
    nurse.stop_and_send(ward)
    wait_until(lambda: stored(box, "inferences") == 1, DELIVERED_WITHIN_S, "the patient")
    assert stored(box, "recordings") == 1


def test_a_second_tap_checks_no_patient_and_sends_none(ward: Tablet, box: Box) -> None:
    """What lies under the same finger on the next screen waits for a tap of its own."""
    nurse.sign_in(ward, box.users["nurse"])
    nurse.fill_essentials(ward, leaves=False)
    tap_twice(ward, go_on(ward), apart_ms=150)
    ward.page.get_by_role("heading", name="É este paciente?").wait_for()
    ward.page.wait_for_timeout(600)
    assert ward.page.get_by_role("heading", name="É este paciente?").is_visible()
    nurse.agree(ward)
    nurse.record(ward, nurse.ROLES[0], stops_by_itself=False)
    ward.tap("Encerrar")
    ward.tap("Parar e guardar")
    ward.page.get_by_role("heading", name="Dados da pesquisa").wait_for()
    tap_twice(ward, go_on(ward), apart_ms=150)
    ward.page.wait_for_timeout(600)
    assert ward.page.get_by_role("heading", name="Revisão").is_visible()


def test_one_tab_works_and_another_may_be_chosen(ward: Tablet, box: Box) -> None:
    """The patient in hand goes with it, and is delivered once."""
    nurse.to_first_recording(ward, box.users["nurse"])
    nurse.record(ward, nurse.ROLES[0], stops_by_itself=False)
    first, second = ward.page, ward.context.new_page()
    second.goto(box.address)
    second.get_by_role("heading", name="Já aberto em outra aba").wait_for()
    second.get_by_role("button", name="Usar aqui").click()
    first.get_by_role("heading", name="Já aberto em outra aba").wait_for()
    ward.page = second
    nurse.unlock(ward)
    ward.tap("Continuar a avaliação em aberto")
    ward.tap("Conferi na pulseira")
    nurse.stop_and_send(ward)
    wait_until(lambda: stored(box, "inferences") == 1, DELIVERED_WITHIN_S, "the patient")
    assert stored(box, "recordings") == 1
    second.close()
    ward.page = first
    nurse.unlock(ward)
    ward.page.get_by_role("button", name="Iniciar avaliação").wait_for()


def test_nobody_works_without_a_pin_and_the_lock_leads_back(ward: Tablet, box: Box) -> None:
    """A page that was closed before a PIN was chosen asks for it; a sent patient is shown again."""
    account = box.users["nurse"]
    ward.open()
    ward.fill("Usuário", account["username"])
    ward.fill("Senha", account["password"])
    ward.tap("Entrar")
    ward.page.get_by_label("PIN").wait_for()
    assert not ward.page.get_by_role("button", name="Agora não").is_visible()
    ward.page.reload()
    ward.page.get_by_label("PIN").fill(nurse.PIN)
    ward.tap("Salvar")
    nurse.short_patient(ward)
    ward.tap("Bloquear")
    nurse.unlock(ward, heading="Enviada")
    ward.tap("Fechar")
    ward.tap("Bloquear")
    ward.page.reload()
    ward.page.get_by_role("heading", name="Bloqueado").wait_for()


def test_a_take_goes_on_in_memory_where_the_tablet_is_full(ward: Tablet, box: Box) -> None:
    """It says so, stops when told to, and what was recorded is kept."""
    ward.page.add_init_script(FULL_STORE)
    nurse.to_first_recording(ward, box.users["nurse"])
    ward.tap("Gravar")
    ward.sees("Aparelho quase cheio")
    ward.press(ward.page.locator("button.record"))
    ward.press(go_on(ward))
    nurse.stop_and_send(ward)
    wait_until(lambda: stored(box, "recordings") == 1, DELIVERED_WITHIN_S, "the recording")


def test_what_was_interrupted_is_not_offered_as_good(ward: Tablet, box: Box) -> None:
    """It is told why; after the patient was checked again, it is to be recorded anew."""
    ward.page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    nurse.to_first_recording(ward, box.users["nurse"])
    ward.tap("Gravar")
    ward.sees("Gravando · 2 s")
    ward.page.evaluate(
        """() => {
          const hidden = { value: "hidden", configurable: true };
          Object.defineProperty(document, "visibilityState", hidden);
          document.dispatchEvent(new Event("visibilitychange"));
          delete document.visibilityState;
        }"""
    )
    ward.page.get_by_role("heading", name="É este paciente?").wait_for()
    ward.sees(INTERRUPTED)
    ward.tap("Bloquear")
    nurse.unlock(ward, heading="É este paciente?")
    ward.sees(INTERRUPTED)
    ward.tap("Conferi na pulseira")
    ward.page.get_by_role("button", name="Gravar").wait_for()
    ward.sees(INTERRUPTED)
    seen = ward.page.get_by_text(INTERRUPTED).bounding_box()
    assert seen is not None
    assert seen["y"] + seen["height"] < PHONE["height"] / 2  # not under the button
    ward.page.wait_for_timeout(500)
    assert not ward.page.get_by_text("Gravação boa").is_visible()
    ward.tap("Gravar")
    ward.sees("Gravando · 2 s")
    assert not ward.page.get_by_text(INTERRUPTED).is_visible()


def test_the_line_tells_of_a_network_that_went(ward: Tablet, box: Box) -> None:
    """At once, not at the next minute; and a sign-out without it is made good."""
    nurse.sign_in(ward, box.users["nurse"])
    ward.keeps_app()
    ward.context.set_offline(True)
    ward.sees("Sem conexão com o servidor", within_ms=4_000)
    ward.tap("Sair")
    ward.context.set_offline(False)
    ward.page.get_by_role("button", name="Outra pessoa").wait_for()
    wait_until(
        lambda: ward.context.request.get(f"{box.address}/v1/users/me").status == 401,
        DELIVERED_WITHIN_S,
        "the sign-out",
    )


def test_an_empty_pin_costs_no_try(ward: Tablet, box: Box) -> None:
    """A wrong one costs one, and that is said aloud."""
    nurse.sign_in(ward, box.users["nurse"])
    ward.tap("Bloquear")
    ward.tap("Desbloquear")
    ward.sees("Use de 4 a 8 números.")
    ward.page.get_by_label("Digite o PIN deste aparelho").fill("0000")
    ward.tap("Desbloquear")
    ward.page.get_by_role("status").get_by_text("Restam 4 tentativas.").wait_for()
    nurse.unlock(ward)
