"""An app that cannot open: it says so, erases nothing, and delivers what it can."""

from __future__ import annotations

from tests.browser import nurse
from tests.browser.tablet import DELIVERED_WITHIN_S, Tablet, stored
from tests.system.boxes import Box, wait_until

OF_A_LATER_APP = """() => new Promise((done, failed) => {
  const opening = indexedDB.open("spira", 99);
  opening.onerror = () => failed(opening.error);
  opening.onsuccess = () => { opening.result.close(); done(); };
})"""
"""A database of a later release, as it lies here after the box went back to an earlier one."""

NO_STORAGE = """indexedDB.open = () => { throw new DOMException("off", "SecurityError"); }"""

FORGOTTEN = """() => new Promise((done) => {
  indexedDB.deleteDatabase("spira").onsuccess = () => done();
})"""

NO_DRAFTS = """(() => {
  const getAll = IDBObjectStore.prototype.getAll;
  IDBObjectStore.prototype.getAll = function (...asked) {
    if (this.name === "drafts") throw new DOMException("damaged", "DataError");
    return getAll.apply(this, asked);
  };
})()"""
"""The patient in hand cannot be read."""


def test_a_database_of_a_later_app_is_told_of_and_left_alone(ward: Tablet, box: Box) -> None:
    """Once it can be read, the same page goes on."""
    ward.page.goto(f"{box.address}/v1/box")
    ward.page.evaluate(OF_A_LATER_APP)
    ward.open()
    ward.page.get_by_role("heading", name="Não foi possível abrir.").wait_for()
    ward.sees("Nada foi apagado: chame a TI.")
    ward.assert_accessible("cannot open")
    ward.tap("Tentar de novo")
    ward.page.get_by_role("heading", name="Não foi possível abrir.").wait_for()
    ward.page.evaluate(FORGOTTEN)
    ward.tap("Tentar de novo")
    nurse.give_name_password_and_pin(ward, box.users["nurse"])
    ward.page.get_by_role("button", name="Iniciar avaliação").wait_for()


def test_a_browser_that_keeps_nothing_is_told_of(ward: Tablet) -> None:
    """As one does whose storage is switched off: it throws before it answers."""
    ward.page.add_init_script(NO_STORAGE)
    ward.open()
    ward.page.get_by_role("heading", name="Não foi possível abrir.").wait_for()


def test_what_waits_is_delivered_though_the_app_cannot_open(ward: Tablet, box: Box) -> None:
    """It needs no screen."""
    nurse.sign_in(ward, box.users["nurse"])
    ward.page.route("**/v1/envelopes/*", lambda route: route.abort())
    nurse.short_patient(ward)
    ward.page.add_init_script(NO_DRAFTS)
    ward.page.reload()
    ward.page.get_by_role("heading", name="Não foi possível abrir.").wait_for()
    ward.page.unroute("**/v1/envelopes/*")
    ward.finds_network()
    wait_until(lambda: stored(box, "inferences") == 1, DELIVERED_WITHIN_S, "the patient")
