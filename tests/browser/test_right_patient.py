"""The right patient: nobody's voice, signs or consent go under another's number."""

from __future__ import annotations

import json
import sqlite3

from tests.browser import nurse
from tests.browser.tablet import DELIVERED_WITHIN_S, Tablet, stored
from tests.system.boxes import Box, wait_until

OTHER = ("13817615A", "1381 7615-A")
WHOSE = "O RGH mudou. É o mesmo paciente?"
CHECK = "É este paciente?"


def locked_after_one_recording(ward: Tablet, box: Box) -> None:
    """Leave a patient after the spoken consent, and open the lock again."""
    nurse.to_first_recording(ward, box.users["nurse"])
    nurse.record(ward, nurse.ROLES[0], stops_by_itself=False)
    ward.page.get_by_role("heading", name=nurse.ROLES[1]).wait_for()
    ward.tap("Bloquear")
    nurse.unlock(ward, heading=CHECK)


def test_what_was_recorded_stays_with_the_patient_it_is_of(ward: Tablet, box: Box) -> None:
    """At another bed after a lock: the number that is typed there does not get the first one's."""
    locked_after_one_recording(ward, box)
    ward.tap("Corrigir o RGH")
    ward.fill("RGH do paciente", OTHER[0])
    ward.fill("SpO₂", "93")
    ward.tap("Continuar")
    ward.page.get_by_role("heading", name=WHOSE).wait_for()
    ward.assert_accessible("whose RGH")
    ward.tap("Bloquear")
    nurse.unlock(ward, heading=WHOSE)
    ward.tap("Encerrar")
    ward.tap("Parar e guardar")
    ward.page.get_by_role("heading", name=WHOSE).wait_for()
    ward.tap("Outro paciente")
    ward.sees("RGH 1425 9401-E")
    ward.sees("O que há é deste RGH")
    ward.assert_accessible("another patient")
    ward.tap("Parar e guardar")
    nurse.send(ward)
    wait_until(lambda: stored(box, "inferences") == 1, DELIVERED_WITHIN_S, "the patient")
    with sqlite3.connect(box.data / "records.db") as records:
        (form,) = records.execute("SELECT form FROM inferences").fetchone()
    told = json.loads(form)
    assert (told["rgh"], told["spo2"]) == (nurse.RGH, 95)
    ward.tap("Próximo paciente")
    assert ward.page.get_by_label("RGH do paciente").first.input_value() == ""
    ward.assert_well_behaved()


def test_a_slip_in_the_number_is_mended_and_the_wristband_checked_again(
    ward: Tablet, box: Box
) -> None:
    """With the number as it was, too: nobody goes on recording before the check."""
    locked_after_one_recording(ward, box)
    ward.tap("Corrigir o RGH")
    ward.tap("Continuar")
    ward.page.get_by_role("heading", name=CHECK).wait_for()
    ward.tap("Corrigir o RGH")
    ward.fill("RGH do paciente", OTHER[0])
    ward.tap("OK")
    ward.tap("Continuar")
    ward.tap("Erro de digitação, mesmo paciente")
    ward.page.get_by_role("heading", name=CHECK).wait_for()
    ward.sees(OTHER[1])
    ward.tap("Conferi na pulseira")
    ward.page.get_by_role("heading", name=nurse.ROLES[1]).wait_for()
    ward.tap("Bloquear")
    nurse.unlock(ward, heading=CHECK)
    ward.tap("É outro paciente")
    ward.tap("Parar e apagar tudo")
    ward.sees("Nada ficou guardado")
    assert "RIFF" not in ward.stored()
