"""A shift in which the Wi-Fi is gone, the browser dies, or the patient says no."""

from __future__ import annotations

import json
from pathlib import Path

from playwright.sync_api import Playwright

from tests.browser import nurse
from tests.browser.tablet import Tablet, kill_browser, stored, tablet
from tests.system.boxes import Box, run_spira, wait_until

SECOND_RGH = "13817615A"


def leave_with_one_patient(ward: Tablet) -> None:
    """Take a patient without a connection and sign out; then the connection is back."""
    ward.context.set_offline(True)
    nurse.short_patient(ward)
    ward.tap("Fechar")
    ward.tap("Sair")
    ward.sees("Quem é você")
    ward.context.set_offline(False)


def test_a_shift_without_the_box_goes_home_once(ward: Tablet, box: Box) -> None:
    """Two patients without a connection, the app opened anew between; later each is there once."""
    nurse.sign_in(ward, box.users["nurse"])
    ward.keeps_app()
    ward.context.set_offline(True)
    nurse.one_patient(ward)
    ward.sees("Guardada neste aparelho")
    ward.page.reload()
    nurse.unlock(ward)
    nurse.short_patient(ward, SECOND_RGH, "1381 7615-A")
    kept = ward.stored()
    assert not any(text in kept for text in (nurse.RGH, SECOND_RGH, "RIFF"))
    assert stored(box, "inferences") == 0
    ward.context.set_offline(False)
    ward.finds_network()
    wait_until(lambda: stored(box, "inferences") == 2, 60, "both patients")
    ward.sees("Salvo no servidor")
    assert stored(box, "recordings") == 6
    wait_until(lambda: stored(box, "envelopes") == 8, 60, "every receipt")
    assert ward.strays == []


def test_a_killed_browser_comes_back_to_the_same_patient(
    playwright: Playwright, box: Box, sound: Path, tmp_path: Path
) -> None:
    """What was kept is there; the patient is checked; the take under way is taken again."""
    place = tmp_path / "tablet"
    with tablet(playwright, box.address, place, sound=sound) as ward:
        nurse.sign_in(ward, box.users["nurse"])
        nurse.fill_essentials(ward)
        nurse.agree(ward)
        ward.page.get_by_role("heading", name=nurse.ROLES[0]).wait_for()
        ward.tap("Gravar")
        ward.sees("Gravando · 2 s")
        kill_browser(place)
    with tablet(playwright, box.address, place, sound=sound) as ward:
        ward.open()
        nurse.unlock(ward)
        ward.tap("Continuar a avaliação em aberto")
        ward.sees("Confira o paciente de novo")
        ward.tap("Conferi na pulseira")
        ward.sees("interrompida antes do fim")  # what came before the last second is there
        ward.tap("Continuar")
        nurse.record_all(ward, nurse.ROLES[1:])
        nurse.send(ward)
        wait_until(lambda: stored(box, "inferences") == 1, 60, "the patient")
    assert stored(box, "recordings") == 5


def test_a_no_leaves_nothing(ward: Tablet, box: Box) -> None:
    """Neither on the tablet nor on the box; a later no erases what was recorded, too."""
    nurse.sign_in(ward, box.users["nurse"])
    nurse.fill_essentials(ward)
    ward.tap("Conferi na pulseira")
    ward.tap("Não aceitou")
    ward.press(ward.page.get_by_role("dialog").get_by_role("button", name="Não aceitou"))
    ward.sees("Nada ficou guardado")
    ward.tap("Continuar")
    nurse.fill_essentials(ward)
    nurse.agree(ward)
    nurse.record(ward, nurse.ROLES[0], stops_by_itself=False)
    ward.tap("Encerrar")
    ward.tap("Parar e apagar tudo")
    ward.sees("Nada ficou guardado")
    kept = ward.stored()
    assert nurse.RGH not in kept
    assert "kind=recording" not in kept
    assert stored(box, "inferences") == stored(box, "recordings") == 0
    ward.tap("Continuar")
    ward.tap("Este aparelho")
    ward.sees("2 avaliações não aceitas ou apagadas aqui")


def test_signing_out_keeps_what_waits(ward: Tablet, box: Box) -> None:
    """It goes home when somebody is signed in again."""
    nurse.sign_in(ward, box.users["nurse"])
    ward.keeps_app()
    leave_with_one_patient(ward)
    nurse.sign_in_again(ward, box.users["nurse"])
    wait_until(lambda: stored(box, "inferences") == 1, 60, "the patient")


def test_an_enrolled_tablet_delivers_while_nobody_is_signed_in(ward: Tablet, box: Box) -> None:
    """By its own credential, which a one-time code of the console gave it."""
    made = run_spira("tablets", "enrol", "Ala 3", "--data", str(box.data), "--json")
    nurse.sign_in(ward, box.users["nurse"])
    ward.keeps_app()
    ward.tap("Este aparelho")
    ward.fill("Código", "0000-0000-0000")
    ward.tap("Cadastrar aparelho")
    ward.sees("não conhece este código")
    ward.fill("Código", json.loads(made.stdout)["code"].lower())
    ward.tap("Cadastrar aparelho")
    ward.sees("Cadastrado como Ala 3")
    ward.tap("Voltar")
    leave_with_one_patient(ward)
    ward.finds_network()
    wait_until(lambda: stored(box, "inferences") == 1, 60, "the patient")
    ward.sees("Quem é você")
    listed = json.loads(run_spira("tablets", "list", "--data", str(box.data), "--json").stdout)
    assert listed["tablets"][0]["state"] == "enrolled"
    assert listed["tablets"][0]["standing"]["n_waiting"] >= 0
