"""The list of evaluations and what is opened from it, at the sizes they are seen at."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Playwright, Route, expect

from tests.browser import nurse
from tests.browser.tablet import Tablet, tablet
from tests.browser.test_shift import second_nurse
from tests.form_2022 import FORM_2022, HC
from tests.system.boxes import DONE_WITHIN_S, Box, run_spira, wait_until

OWN = "**/v1/users/*/inferences?*"
UNIT = "**/v1/hospitals/*/inferences?*"
OTHER_HOSPITAL = "Hospital Universitário"
PATIENTS = ("14259401E", "13817615A", "55834119D")


def evaluated(box: Box, golden: Mapping[str, bytes], *rghs: str, role: str = "nurse") -> None:
    """Let a nurse have evaluated these patients, and not have looked at a result yet."""
    client = box.sign_in(role)
    for rgh in rghs:
        answer = client.post_2022(golden, {**FORM_2022, "rgh": rgh, "spo2": "88"})
        assert answer.status_code == httpx.codes.OK, answer.text

    def are_done() -> bool:
        listed = client.http.get(f"{client.home}/inferences").json()["inferences"]
        return {row["status"] for row in listed} == {"completed"}

    wait_until(are_done, DONE_WITHIN_S, "the results")


def open_list(ward: Tablet, box: Box) -> None:
    """Sign in and open the list."""
    nurse.sign_in(ward, box.users["nurse"])
    ward.tap("Avaliações")
    ward.page.get_by_role("heading", name="Avaliações").wait_for()


def assert_shown(ward: Tablet, *rghs: str) -> None:
    """Wait until these patients are listed, in this order."""
    ends = [f"{'•' * (len(rgh) - 4)}{rgh[-4:]}" for rgh in rghs]
    expect(ward.page.locator("td.rgh")).to_have_text(ends)


@pytest.mark.parametrize("size", ["phone", "tablet"])
def test_a_list_of_cards_is_sorted_without_its_head(
    playwright: Playwright,
    box: Box,
    golden: Mapping[str, bytes],
    sound: Path,
    tmp_path: Path,
    size: str,
) -> None:
    """The order stands above the cards, and the keyboard stops at nothing that is not seen."""
    evaluated(box, golden, *PATIENTS)
    with tablet(playwright, box.address, tmp_path / "t", sound=sound, size=size) as ward:
        open_list(ward, box)
        assert_shown(ward, *reversed(PATIENTS))
        ward.page.get_by_label("Ordenar por").select_option("RGH")
        assert_shown(ward, *sorted(PATIENTS))
        ward.tap("Ordem: Crescente")
        assert_shown(ward, *sorted(PATIENTS, reverse=True))
        assert_every_stop_is_seen(ward)
        ward.assert_well_behaved()


def assert_every_stop_is_seen(ward: Tablet) -> None:
    """Go through the page by the keyboard, once around: each stop has a size (WCAG 2.4.7)."""
    ward.page.get_by_role("heading", level=1).focus()
    seen: list[str] = []
    for _ in range(60):
        ward.page.keyboard.press("Tab")
        name, width, height = ward.page.evaluate(
            """() => {
              const { width, height } = document.activeElement.getBoundingClientRect();
              const hidden = document.activeElement.closest("thead");
              const head = hidden === null ? null : hidden.getBoundingClientRect();
              const name = document.activeElement.outerHTML.slice(0, 200);
              return [name, Math.min(width, head?.width ?? width), Math.min(height, head?.height ?? height)];
            }"""  # noqa: E501 - one line of JavaScript
        )
        if name.startswith("<body"):
            break
        assert min(width, height) >= 24, name
        seen.append(name)
    assert any("Abrir" in name for name in seen), seen


def test_a_late_answer_is_not_shown_for_another_list(
    playwright: Playwright, box: Box, golden: Mapping[str, bytes], sound: Path, tmp_path: Path
) -> None:
    """Her own evaluations come after she asked for the unit's: the unit's are shown."""
    box.users["bia"] = second_nurse(box)
    evaluated(box, golden, PATIENTS[0])
    evaluated(box, golden, PATIENTS[1], role="bia")
    late: list[Route] = []
    with tablet(playwright, box.address, tmp_path / "t", sound=sound) as ward:

        def keep_back(route: Route) -> None:
            late.append(route)

        ward.context.route(OWN, keep_back)
        open_list(ward, box)
        ward.sees("Procurando…")
        ward.tap("Unidade, últimas 72 h")
        assert_shown(ward, PATIENTS[1], PATIENTS[0])
        for route in late:
            with ward.page.expect_response(OWN):
                route.continue_()
        assert_shown(ward, PATIENTS[1], PATIENTS[0])
        ward.context.unroute(OWN)
        ward.tap("Minhas")
        assert_shown(ward, PATIENTS[0])
        ward.assert_well_behaved()


def test_filters_are_folded_away_and_reach_the_box(
    playwright: Playwright, box: Box, golden: Mapping[str, bytes], sound: Path, tmp_path: Path
) -> None:
    """By hospital, model, status, result and day, each of them asked of the box."""
    evaluated(box, golden, PATIENTS[0])
    [model, *_] = box.sign_in("nurse").http.get("/v1/models/").json()["models"]
    with tablet(playwright, box.address, tmp_path / "t", sound=sound, size="phone") as ward:
        open_list(ward, box)
        assert_shown(ward, PATIENTS[0])
        ward.sees("Não visto")
        assert ward.page.get_by_role("combobox", name="Situação").count() == 0
        first_row = ward.page.locator("tbody tr").first.bounding_box()
        assert first_row is not None
        assert first_row["y"] + first_row["height"] < 740, first_row
        ward.tap("Filtrar")
        ward.assert_accessible("filters")
        for label, choice, keeps in (
            ("Hospital", HC, True),
            ("Modelo", model["name"], True),
            ("Situação", "Concluída", True),
            ("Situação", "Falhou", False),
        ):
            wanted = ward.page.get_by_role("combobox", name=label, exact=True)
            wanted.select_option(choice)
            assert_shown(ward, *PATIENTS[: 1 if keeps else 0])
        ward.sees("Nenhuma avaliação com este filtro.")
        ward.tap("Limpar filtros")
        assert_shown(ward, PATIENTS[0])
        ward.page.get_by_label("Data · Até").fill("2020-01-01")
        assert_shown(ward)
        ward.sees("Filtrar · 1 filtro")
        ward.tap("Limpar filtros")
        assert_shown(ward, PATIENTS[0])
        ward.page.get_by_label("Buscar pelo começo do RGH").fill("1425 94")
        ward.tap("Buscar")
        assert_shown(ward, PATIENTS[0])
        ward.assert_well_behaved()


def test_each_unit_of_a_nurse_is_offered(
    playwright: Playwright, box: Box, golden: Mapping[str, bytes], sound: Path, tmp_path: Path
) -> None:
    """A nurse of two hospitals sees the last days of either."""
    evaluated(box, golden, PATIENTS[0])
    run_spira("hospitals", "add", OTHER_HOSPITAL, "--data", str(box.data))
    told = run_spira(
        *("users", "add", "bia", "--hospital", HC, "--hospital", OTHER_HOSPITAL),
        *("--generate", "--json", "--data", str(box.data)),
    )
    box.users["nurse"] = json.loads(told.stdout)["user"]
    with tablet(playwright, box.address, tmp_path / "t", sound=sound) as ward:
        open_list(ward, box)
        ward.tap("Unidade, últimas 72 h")
        unit = ward.page.get_by_label("Unidade", exact=True)
        unit.select_option(HC)
        assert_shown(ward, PATIENTS[0])
        unit.select_option(OTHER_HOSPITAL)
        ward.sees("Nenhuma avaliação desta unidade")
        assert_shown(ward)
        ward.assert_accessible("units")
        ward.assert_well_behaved()


def test_an_evaluation_of_the_unit_in_analysis_is_no_result_yet(
    playwright: Playwright, box: Box, golden: Mapping[str, bytes], sound: Path, tmp_path: Path
) -> None:
    """It says so, with the signs that were measured, and becomes the result by itself."""
    box.users["bia"] = second_nurse(box)
    evaluated(box, golden, PATIENTS[0], role="bia")
    with tablet(playwright, box.address, tmp_path / "t", sound=sound) as ward:
        ward.context.route(UNIT, still_in_analysis)
        open_list(ward, box)
        ward.tap("Unidade, últimas 72 h")
        ward.tap("Abrir", exact=False)
        waiting = ward.page.get_by_role("region", name="Em análise")
        result = ward.page.get_by_role("region", name="Resultado da voz")
        expect(waiting).to_contain_text("Não aguarde o resultado")
        expect(ward.page.get_by_role("region", name="Sinais vitais medidos")).to_contain_text("88%")
        expect(result).to_have_count(0)
        expect(ward.page.get_by_text("Inconclusivo")).to_have_count(0)
        ward.assert_accessible("in analysis")
        ward.context.unroute(UNIT)
        expect(result).to_be_visible(timeout=20_000)
        expect(waiting).to_have_count(0)
        ward.tap("Voltar")
        assert_shown(ward, PATIENTS[0])
        expect(ward.page.locator(":focus")).to_contain_text("Abrir")
        ward.assert_well_behaved()


def still_in_analysis(route: Route) -> None:
    """Answer as the box does before a worker has come to it."""
    told: dict[str, Any] = route.fetch().json()
    for row in told["inferences"]:
        row.update(status="processing", diagnosis=None, reason=None)
        row["result"].update(diagnosis="not available", computed_at=None, reason=None)
    route.fulfill(json=told)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("size", ["phone", "tablet"])
def test_list_and_detail_are_for_everyone(
    playwright: Playwright,
    box: Box,
    golden: Mapping[str, bytes],
    sound: Path,
    tmp_path: Path,
    size: str,
    *,
    dark: bool,
) -> None:
    """Axe finds nothing against WCAG 2.2 AA, and nothing is wider than the screen."""
    evaluated(box, golden, *PATIENTS[:2])
    with tablet(playwright, box.address, tmp_path / "t", sound=sound, size=size, dark=dark) as ward:
        open_list(ward, box)
        assert_shown(ward, *reversed(PATIENTS[:2]))
        ward.assert_accessible("list")
        assert_fits(ward)
        ward.tap("Filtrar")
        ward.assert_accessible("filters")
        assert_fits(ward)
        ward.tap("Abrir", exact=False)
        ward.sees("Modelo de demonstração")
        ward.assert_accessible("detail")
        assert_fits(ward)
        ward.assert_well_behaved()


def assert_fits(ward: Tablet) -> None:
    """Nothing has to be scrolled sideways to be read."""
    assert ward.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
