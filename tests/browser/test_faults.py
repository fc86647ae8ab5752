"""What goes wrong on a ward: the server dies, or comes back as an older copy of itself."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path

import numpy as np
from playwright.sync_api import Playwright

from appliance.core.wav import read_wav, write_wav
from tests.browser import nurse
from tests.browser.tablet import DELIVERED_WITHIN_S, RATE_HZ, Tablet, stored, tablet
from tests.system.boxes import Box, run_spira, wait_until

SLOW_STORE = """(() => {
  const put = IDBObjectStore.prototype.put;
  IDBObjectStore.prototype.put = function (...kept) {
    const until = performance.now() + 400;
    const hold = () => {
      if (performance.now() < until) this.count().onsuccess = hold;
    };
    hold();
    return put.apply(this, kept);
  };
})()"""
"""Each write of the tablet's database is done only after 0.4 s."""
LOW_BATTERY = """(() => {
  const battery = Object.assign(new EventTarget(), { level: 0.12, charging: false });
  Navigator.prototype.getBattery = async () => battery;
  window.charge = () => {
    battery.charging = true;
    battery.dispatchEvent(new Event("chargingchange"));
  };
})()"""
WRITTEN_WITHIN_MS = 3_000
"""Longer than all that a take is kept with."""
COUNT_ITEMS = """() => new Promise((done) => {
  const opening = indexedDB.open("spira");
  opening.onsuccess = () => {
    const counting = opening.result.transaction("items").objectStore("items").count();
    counting.onsuccess = () => done(counting.result);
  };
})"""
"""How many sealed items the tablet keeps."""
TESTED_FOR_MS = 3_000
"""Of the five seconds that the sound lasts, three are voice."""


def everything_is_there(box: Box) -> None:
    """The box holds the patient once; the last receipt is written after what it is for."""
    wait_until(lambda: stored(box, "envelopes") == 6, DELIVERED_WITHIN_S, "every receipt")
    assert [stored(box, table) for table in ("inferences", "recordings", "envelopes")] == [1, 5, 6]


def test_what_is_stored_is_what_the_microphone_gave(
    playwright: Playwright, box: Box, tmp_path: Path
) -> None:
    """A steady tone keeps its level to a thousandth: nothing between changes the sound."""
    tone = 0.25 * np.sin(2 * np.pi * 440 * np.arange(RATE_HZ) / RATE_HZ)  # whole cycles: no seam
    sound = tmp_path / "tone.wav"
    sound.write_bytes(write_wav((tone * 32_767).astype(np.int16), RATE_HZ))
    with tablet(playwright, box.address, tmp_path / "tablet", sound=sound) as ward:
        nurse.sign_in(ward, box.users["nurse"])
        nurse.short_patient(ward)
        wait_until(lambda: stored(box, "recordings") == 1, DELIVERED_WITHIN_S, "the recording")
    (file,) = (box.data / "audio").rglob("*.wav")
    heard = read_wav(file.read_bytes()).waveform().astype(np.float64)
    assert abs(np.sqrt(np.mean(heard**2)) - np.sqrt(np.mean(tone**2))) < 1e-3


def test_a_slow_tablet_loses_no_key(ward: Tablet, box: Box) -> None:
    """Whatever a worn-out flash takes for each write, what was typed stays."""
    ward.page.add_init_script(SLOW_STORE)
    nurse.sign_in(ward, box.users["nurse"])
    ward.tap("Iniciar avaliação")
    rgh = ward.page.get_by_label("RGH do paciente").first
    rgh.press_sequentially(nurse.RGH, delay=150)
    assert rgh.input_value() == nurse.RGH


def test_what_is_erased_while_it_is_kept_stays_erased(ward: Tablet, box: Box) -> None:
    """A take on its way to a slow flash does not come back, nor the patient with it."""
    ward.page.add_init_script(SLOW_STORE)
    nurse.to_first_recording(ward, box.users["nurse"])
    nurse.take(ward)
    ward.tap("Continuar")
    ward.tap("Encerrar")
    ward.tap("Parar e apagar tudo")
    ward.sees("Nada ficou guardado")
    ward.page.wait_for_timeout(WRITTEN_WITHIN_MS)
    assert ward.page.evaluate(COUNT_ITEMS) == 0
    assert nurse.RGH not in ward.stored()
    ward.tap("Continuar")
    ward.page.get_by_role("button", name="Iniciar avaliação").wait_for()


def test_a_server_killed_while_it_takes_in_loses_and_doubles_nothing(
    ward: Tablet, box: Box
) -> None:
    """The tablet goes on where the box's receipts ended."""
    nurse.sign_in(ward, box.users["nurse"])
    nurse.one_patient(ward)
    wait_until(lambda: stored(box, "envelopes") >= 1, DELIVERED_WITHIN_S, "a first receipt")
    box.stop(signal.SIGKILL)
    box.start()
    ward.finds_network()
    wait_until(lambda: stored(box, "inferences") == 1, DELIVERED_WITHIN_S, "the patient")
    ward.sees("Salvo no servidor")
    everything_is_there(box)


def test_an_older_copy_of_the_box_gets_what_it_lost(ward: Tablet, box: Box, tmp_path: Path) -> None:
    """The tablet kept everything that no backup holds, and sends it again, once."""
    nurse.sign_in(ward, box.users["nurse"])
    assert box.stop() == 0
    shutil.copytree(box.data, tmp_path / "older")
    box.start()
    ward.finds_network()
    nurse.one_patient(ward)
    wait_until(lambda: stored(box, "envelopes") == 6, DELIVERED_WITHIN_S, "every receipt")
    ward.page.get_by_role("region", name="Resultado da voz").wait_for()
    assert box.stop() == 0
    shutil.rmtree(box.data)
    shutil.copytree(tmp_path / "older", box.data)
    assert stored(box, "inferences") == 0
    box.start()
    ward.finds_network()
    again = ward.page.get_by_role("dialog")  # the older copy knows nothing of the last sign-in
    again.get_by_label("Senha").fill(box.users["nurse"]["password"])
    again.get_by_role("button", name="Entrar").click()
    wait_until(lambda: stored(box, "inferences") == 1, DELIVERED_WITHIN_S, "the patient again")
    everything_is_there(box)


def with_another_key(box: Box) -> str:
    """Take the box's key away from a stopped box; return the fingerprint of its new one."""
    (box.data / "keys" / "outbox.key").rename(box.data / "outbox.key.kept")
    given_up = ("keys", "give-up", "outbox.key", "--confirm", "outbox.key")
    told = json.loads(run_spira(*given_up, "--json", "--data", str(box.data)).stdout)
    return str(told["fingerprint"])


def enrol(ward: Tablet, box: Box) -> None:
    """Let this tablet deliver by itself."""
    made = run_spira("tablets", "enrol", "Leito 4", "--json", "--data", str(box.data)).stdout
    ward.tap("Este aparelho")
    ward.fill("Código", json.loads(made)["code"])
    ward.tap("Cadastrar aparelho")
    ward.sees("Leito 4")
    ward.tap("Voltar")


def one_waits_one_is_in_hand(ward: Tablet, box: Box) -> None:
    """Leave a patient waiting for a stopped box, and another after the first recording."""
    nurse.sign_in(ward, box.users["nurse"])
    enrol(ward, box)
    ward.keeps_app()
    assert box.stop() == 0
    nurse.short_patient(ward)
    nurse.fill_essentials(ward, "13817615A")
    nurse.agree(ward)
    nurse.record(ward, nurse.ROLES[0], stops_by_itself=False)
    ward.page.get_by_role("heading", name=nurse.ROLES[1]).wait_for()


def test_a_locked_tablet_sends_nothing_to_another_key_and_everything_to_its_own(
    ward: Tablet, box: Box
) -> None:
    """Whether somebody is there or not: what is sealed to a key goes to that key alone."""
    one_waits_one_is_in_hand(ward, box)
    with_another_key(box)
    box.start()
    ward.tap("Bloquear")
    asked = box.address + "/v1/outbox-key"
    with ward.page.expect_response(asked):
        ward.finds_network()
    nurse.unlock(ward, heading="É este paciente?")
    ward.sees("Este servidor tem outra chave")
    assert "state=waiting" in ward.stored()
    assert "state=parked" not in ward.stored()
    assert stored(box, "envelopes") == 0
    assert box.stop() == 0
    (box.data / "outbox.key.kept").replace(box.data / "keys" / "outbox.key")
    box.start()
    ward.tap("Bloquear")
    ward.finds_network()
    wait_until(lambda: stored(box, "inferences") == 1, DELIVERED_WITHIN_S, "the patient")
    assert "state=parked" not in ward.stored()


def test_a_key_that_was_lost_for_good_is_taken_by_its_fingerprint(ward: Tablet, box: Box) -> None:
    """The tablet takes another key when somebody typed how it begins, and not before.

    What waits for the lost key is set aside in sight; the patient in hand is recorded again.
    """
    one_waits_one_is_in_hand(ward, box)
    fingerprint = with_another_key(box)
    box.start()
    ward.finds_network()
    ward.sees("Este servidor tem outra chave")
    assert "state=parked" not in ward.stored()
    ward.tap("Este aparelho")
    ward.fill("Código da chave", "00000000")
    ward.tap("Aceitar a chave nova")
    ward.sees("Não é a chave deste servidor")
    ward.assert_accessible("new key")
    ward.fill("Código da chave", fingerprint[:16])
    ward.tap("Aceitar a chave nova")
    ward.page.get_by_text("Este servidor tem outra chave").wait_for(state="hidden")
    ward.sees("Parado: precisa de atenção")
    ward.tap("Voltar")
    ward.tap("Continuar a avaliação em aberto")
    ward.tap("Conferi na pulseira")
    ward.sees("Grave de novo")
    ward.assert_accessible("recordings lost")
    nurse.record(ward, nurse.ROLES[0], stops_by_itself=False)
    nurse.stop_and_send(ward, rgh="1381 7615-A")
    wait_until(lambda: stored(box, "inferences") == 1, DELIVERED_WITHIN_S, "the patient in hand")


def test_a_microphone_is_tested_before_a_patient_needs_it(ward: Tablet, box: Box) -> None:
    """In the words of a recording, to be heard again; what was said to test it is kept nowhere."""
    nurse.sign_in(ward, box.users["nurse"])
    ward.tap("Este aparelho")
    ward.tap("Testar")
    ward.page.get_by_role("meter").wait_for()
    ward.page.wait_for_timeout(TESTED_FOR_MS)
    ward.tap("Parar o teste")
    ward.sees("Gravação boa.")
    ward.tap("Ouvir o teste")
    assert "RIFF" not in ward.stored()
    assert stored(box, "recordings") == 0
    ward.assert_well_behaved()


def test_a_tablet_that_runs_out_of_power_says_so(ward: Tablet, box: Box) -> None:
    """In the words of the catalogue, until it is charged."""
    ward.page.add_init_script(LOW_BATTERY)
    nurse.sign_in(ward, box.users["nurse"])
    ward.sees("Bateria em 12%: ligue o carregador.")
    ward.assert_accessible("low battery")
    ward.page.evaluate("charge()")
    ward.page.get_by_text("ligue o carregador").wait_for(state="detached")
