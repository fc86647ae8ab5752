"""Back, the end of a shift, a tablet without room: no take and no patient is lost by them."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser import nurse
from tests.browser.tablet import DELIVERED_WITHIN_S, Tablet, stored
from tests.system.boxes import Box, wait_until

MOVABLE_CLOCK = """(() => {
  const now = Date.now.bind(Date);
  window.laterMs = 0;
  Date.now = () => now() + window.laterMs;
})()"""
"""Hours that pass at once."""

SHIFT_MS = 12 * 3_600_000

NO_ROOM = """(() => {
  const put = IDBObjectStore.prototype.put;
  window.fullStores = [];
  IDBObjectStore.prototype.put = function (...kept) {
    if (window.fullStores.includes(this.name)) throw new DOMException("full", "QuotaExceededError");
    return put.apply(this, kept);
  };
})()"""
"""Stores that take nothing more, once they are named."""

SLOW_SEAL = """(() => {
  const encrypt = SubtleCrypto.prototype.encrypt;
  SubtleCrypto.prototype.encrypt = async function (...asked) {
    await new Promise((done) => setTimeout(done, 3000));
    return encrypt.apply(this, asked);
  };
})()"""
"""A tablet that takes its time."""

NO_TRUST = """(() => {
  const register = ServiceWorkerContainer.prototype.register;
  window.isTrusted = false;
  ServiceWorkerContainer.prototype.register = function (...asked) {
    if (window.isTrusted) return register.apply(this, asked);
    return Promise.reject(new DOMException("An SSL certificate error occurred", "SecurityError"));
  };
})()"""
"""A box whose certificate was clicked through."""

FULL = "Aparelho quase cheio: envie antes de gravar."
UNTRUSTED = "Este aparelho não confia no servidor. Chame a TI."


def test_back_breaks_off_no_take_and_keeps_one_that_ended(ward: Tablet, box: Box) -> None:
    """While it records, nothing happens; afterwards the take is kept, and the way is left."""
    nurse.to_first_recording(ward, box.users["nurse"])
    ward.tap("Gravar")
    ward.sees("Gravando · 1 s")
    ward.page.go_back()
    ward.sees("Gravando · 2 s")
    assert ward.page.url.endswith("#visit")
    ward.press(ward.page.locator("button.record"))
    ward.page.get_by_role("button", name="Continuar", exact=True).wait_for()
    ward.page.go_back()
    ward.tap("Continuar a avaliação em aberto")
    ward.tap("Conferi na pulseira")
    ward.sees("Tentativa 1")


def test_who_stops_while_a_take_is_being_kept_stops_once_it_is(ward: Tablet, box: Box) -> None:
    """The tap is not lost, and neither is the take."""
    ward.page.add_init_script(SLOW_SEAL)
    nurse.to_first_recording(ward, box.users["nurse"])
    nurse.record(ward, nurse.ROLES[0], stops_by_itself=False)
    ward.tap("Encerrar")
    ward.tap("Parar e guardar")
    ward.page.get_by_role("heading", name="Dados da pesquisa").wait_for()


def test_back_from_a_patient_who_was_sent_leads_to_the_next(ward: Tablet, box: Box) -> None:
    """The screen of the former one is not shown again."""
    nurse.sign_in(ward, box.users["nurse"])
    nurse.short_patient(ward)
    ward.page.go_back()
    ward.tap("Iniciar avaliação")
    ward.page.get_by_role("heading", name="Dados essenciais").wait_for()
    expect(ward.page.get_by_label("RGH do paciente").first).to_have_value("")


def test_the_end_of_a_shift_breaks_off_no_take(ward: Tablet, box: Box) -> None:
    """The nurse signs in over the page, which no Escape closes, and the take is still there."""
    ward.page.add_init_script(MOVABLE_CLOCK)
    nurse.to_first_recording(ward, box.users["nurse"])
    ward.tap("Gravar")
    ward.sees("Gravando · 1 s")
    ward.page.evaluate(f"window.laterMs = {SHIFT_MS + 60_000}")
    ward.finds_network()
    ward.sees("Gravando · 3 s")
    ward.press(ward.page.locator("button.record"))
    dialog = ward.page.get_by_role("dialog", name="Entrar")
    dialog.wait_for()
    ward.page.mouse.click(5, 5)  # beside it
    for _ in range(3):
        ward.page.keyboard.press("Escape")
    dialog.get_by_label("Senha").fill(box.users["nurse"]["password"])
    dialog.get_by_role("button", name="Entrar").click()
    dialog.wait_for(state="detached")
    ward.tap("Continuar")
    ward.page.get_by_role("heading", name=nurse.ROLES[1]).wait_for()


def test_a_tablet_without_room_says_so_and_promises_nothing(ward: Tablet, box: Box) -> None:
    """Neither a step nor what is to be sent is told as kept where it is not."""
    ward.page.add_init_script(NO_ROOM)
    nurse.to_first_recording(ward, box.users["nurse"])
    nurse.record(ward, nurse.ROLES[0], stops_by_itself=False)
    ward.page.get_by_role("heading", name=nurse.ROLES[1]).wait_for()
    ward.page.evaluate("window.fullStores = ['drafts']")
    ward.tap("Encerrar")
    ward.tap("Parar e guardar")
    ward.page.get_by_role("heading", name="Dados da pesquisa").wait_for()
    ward.sees(FULL)
    ward.tap("Fechar")
    ward.page.evaluate("window.fullStores = []")
    ward.tap("Continuar")
    ward.page.evaluate("window.fullStores = ['sealed']")
    ward.tap("Enviar RGH 1425 9401-E")
    ward.sees(FULL)
    assert not ward.page.get_by_text("Algo falhou").is_visible()
    ward.page.evaluate("window.fullStores = []")
    ward.tap("Enviar RGH 1425 9401-E")
    wait_until(lambda: stored(box, "inferences") == 1, DELIVERED_WITHIN_S, "the patient")


def test_an_untrusted_box_is_named_until_it_is_trusted(ward: Tablet, box: Box) -> None:
    """Without trust no browser keeps the app at hand; it is tried again at the next look."""
    ward.page.add_init_script(NO_TRUST)
    ward.open()
    ward.sees(UNTRUSTED)
    ward.assert_accessible("untrusted")
    nurse.give_name_password_and_pin(ward, box.users["nurse"])
    ward.page.get_by_role("button", name="Iniciar avaliação").wait_for()
    assert ward.page.get_by_text(UNTRUSTED).is_visible()
    assert not ward.page.get_by_text("Algo falhou").is_visible()
    ward.page.evaluate("window.isTrusted = true")
    ward.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    ward.page.get_by_text(UNTRUSTED).wait_for(state="detached")
    ward.keeps_app()
