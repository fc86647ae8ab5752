"""What a nurse does at a tablet, step by step."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from tests.browser.tablet import WITHIN_MS, Tablet

RGH = "14259401E"
PIN = "2580"
STOPPING = frozenset({"Som do ambiente", "Vogal prolongada"})
"""Recordings that end by themselves: after five seconds, or when the voice is over."""
ROLES = ("Aceite falado", "Som do ambiente", "Vogal prolongada", "Verso de cor", "Frase lida")


def sign_in(tablet: Tablet, account: Mapping[str, str]) -> None:
    """Sign in for the first time at this tablet, and choose a PIN."""
    tablet.open()
    tablet.page.get_by_role("button", name="Entrar").wait_for()
    give_name_password_and_pin(tablet, account)
    tablet.page.get_by_role("button", name="Iniciar avaliação").wait_for()
    tablet.sees("Conectado")
    tablet.taps = 0


def give_name_password_and_pin(tablet: Tablet, account: Mapping[str, str]) -> None:
    """Answer what a nurse is asked at a tablet that does not know her."""
    tablet.fill("Usuário", account["username"])
    tablet.fill("Senha", account["password"])
    tablet.tap("Entrar")
    tablet.page.get_by_label("PIN").fill(PIN)
    tablet.tap("Salvar")


def sign_in_again(tablet: Tablet, account: Mapping[str, str]) -> None:
    """Sign in at a tablet that knows this nurse."""
    tablet.tap(account["username"], exact=False)
    tablet.fill("Senha", account["password"])
    tablet.tap("Entrar")
    tablet.page.get_by_role("button", name="Iniciar avaliação").wait_for()


def unlock(tablet: Tablet, *, heading: str = "SPIRA") -> None:
    """Open the lock by the PIN, which leads back to where this heading stands."""
    tablet.page.get_by_label("Digite o PIN deste aparelho").fill(PIN)
    tablet.tap("Desbloquear")
    tablet.page.get_by_role("heading", name=heading).wait_for()


def fill_essentials(
    tablet: Tablet, rgh: str = RGH, *, spo2: str = "95", leaves: bool = True
) -> None:
    """Answer what is asked before a recording, and go on unless told to stay."""
    if tablet.page.get_by_role("button", name="Próximo paciente").is_visible():
        tablet.tap("Próximo paciente")
    else:
        tablet.tap("Iniciar avaliação")
    answer_essentials(tablet, rgh, spo2=spo2, leaves=leaves)


def answer_essentials(
    tablet: Tablet, rgh: str = RGH, *, spo2: str | None = "95", leaves: bool = True
) -> None:
    """Answer on the form that is open; no SpO2 where it was not measured."""
    tablet.fill("RGH do paciente", rgh)
    hospital = tablet.page.get_by_role("radio", name="Hospital das Clínicas")
    if not hospital.is_checked():  # only the first time at this tablet
        tablet.press(hospital)
    tablet.press(tablet.page.get_by_text("Feminino", exact=True))
    tablet.fill("Idade", "61")
    tablet.press(tablet.page.get_by_text("Sem máscara", exact=True))
    if spo2 is not None:
        tablet.fill("SpO₂", spo2)
    tablet.press(tablet.page.get_by_text("Não", exact=True))
    if leaves:
        tablet.tap("Continuar")


def agree(tablet: Tablet) -> None:
    """Check the wristband, and agree."""
    tablet.tap("Conferi na pulseira")
    tablet.tap("Aceitou")


def to_first_recording(tablet: Tablet, account: Mapping[str, str]) -> None:
    """Go from the sign-in to the first prompt."""
    sign_in(tablet, account)
    fill_essentials(tablet)
    agree(tablet)
    tablet.page.get_by_role("button", name="Gravar").wait_for()


def take(tablet: Tablet) -> None:
    """Record what is asked for two seconds, and stop."""
    tablet.tap("Gravar")
    tablet.sees("Gravando · 2 s")
    tablet.press(tablet.page.locator("button.record"))


def record(tablet: Tablet, role: str, *, stops_by_itself: bool) -> None:
    """Take one recording and go on."""
    tablet.page.get_by_role("heading", name=role, exact=False).wait_for()
    if stops_by_itself:
        tablet.tap("Gravar")
    else:
        take(tablet)
    go_on = tablet.page.get_by_role("button", name="Continuar", exact=True)
    go_on.wait_for(timeout=WITHIN_MS)
    tablet.press(go_on)


def record_all(tablet: Tablet, roles: Sequence[str] = ROLES) -> None:
    """Take all recordings of the protocol, or these."""
    for role in roles:
        record(tablet, role, stops_by_itself=role in STOPPING)


def send(tablet: Tablet, *, rgh: str = "1425 9401-E") -> None:
    """Pass the research data by, and send."""
    tablet.page.get_by_role("heading", name="Dados da pesquisa").wait_for()
    tablet.tap("Continuar")
    tablet.tap(f"Enviar RGH {rgh}")
    tablet.page.get_by_role(
        "heading", name=re.compile("Enviada|Guardada neste aparelho")
    ).wait_for()


def one_patient(tablet: Tablet, rgh: str = RGH, spoken: str = "1425 9401-E") -> None:
    """Take one patient from the form to "sent"."""
    fill_essentials(tablet, rgh)
    agree(tablet)
    record_all(tablet)
    send(tablet, rgh=spoken)


def short_patient(tablet: Tablet, rgh: str = RGH, spoken: str = "1425 9401-E") -> None:
    """Take one patient who stops after the first recording."""
    fill_essentials(tablet, rgh)
    agree(tablet)
    record(tablet, ROLES[0], stops_by_itself=False)
    stop_and_send(tablet, rgh=spoken)


def stop_and_send(tablet: Tablet, *, rgh: str = "1425 9401-E") -> None:
    """Keep what there is, and send it."""
    tablet.tap("Encerrar")
    tablet.tap("Parar e guardar")
    send(tablet, rgh=rgh)
