"""SPIRA's 2022 app and scripts, pointed at the box: every row and every error of API.md §1."""

from __future__ import annotations

import httpx
import jwt
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from appliance.core.account import Role
from appliance.core.audit import AuditAction
from appliance.core.diagnosis import Diagnosis, Reason
from appliance.web.wire import FORM_FIELDS_2022
from tests.builders import NOON, an_answer
from tests.form_2022 import FORM_2022, HC
from tests.web.boxes import PASSWORD, Box, Person, a_wav, new_id, three_wavs

FIELDS_2022 = {"id", "status", "user_id", "created_in", "model_id", *FORM_FIELDS_2022}
NEW_USER = {
    "username": "nova",
    "email": "nova@example.org",
    "password": "a long enough one",
    "password_confirmation": "a long enough one",
}


def problem(answer: httpx.Response) -> tuple[int, str]:
    """Return status and code of an RFC 9457 answer."""
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == answer.status_code
    assert body["type"].endswith(body["code"])
    assert body["title"]
    assert body["detail"]
    return answer.status_code, body["code"]


def blamed(answer: httpx.Response) -> dict[str, str]:
    """Return field -> code of an answer about fields."""
    return {error["field"]: error["code"] for error in answer.json()["errors"]}


# --- sign-in ------------------------------------------------------------------------------


def test_signing_in_gives_id_token_and_its_kind(http: TestClient[Litestar], nurse: Person) -> None:
    """The OAuth2 password grant, form-encoded; no cookie comes with it."""
    answer = http.post(
        "/v1/users/auth",
        data={"grant_type": "password", "username": "ANA", "password": PASSWORD, "scope": ""},
    )
    assert answer.status_code == httpx.codes.OK
    body = answer.json()
    assert body == {
        "id": nurse.user.id,
        "access_token": body["access_token"],
        "token_type": "bearer",
    }
    assert "set-cookie" not in answer.headers
    assert "authorization" not in answer.headers


def test_signing_in_with_a_multipart_form_works_too(
    http: TestClient[Litestar], nurse: Person
) -> None:
    """Browsers send FormData that way, and the 2022 API took both."""
    answer = http.post(
        "/v1/users/auth",
        files=[("username", (None, nurse.user.username)), ("password", (None, PASSWORD))],
    )
    assert answer.status_code == httpx.codes.OK, answer.text


def test_an_unknown_user_gets_the_answer_of_a_wrong_password(
    box: Box, http: TestClient[Litestar]
) -> None:
    """Nobody learns which names exist; the same work is done for both."""
    box.add_person(http, "ana", Role.NURSE)
    wrong = http.post("/v1/users/auth", data={"username": "ana", "password": "no"})
    unknown = http.post("/v1/users/auth", data={"username": "zoe", "password": "no"})
    assert problem(wrong) == problem(unknown) == (401, "wrong-credentials")
    assert wrong.content == unknown.content
    assert unknown.json()["detail"] == "Incorrect username or password."
    assert box.hasher.n_verified_unknown == 1


def test_a_missing_password_is_named(http: TestClient[Litestar]) -> None:
    """What the form lacks stands in the answer."""
    answer = http.post("/v1/users/auth", data={"username": "ana"})
    assert problem(answer) == (422, "invalid-request")
    assert blamed(answer) == {"password": "required"}


def test_json_is_no_way_to_sign_in(http: TestClient[Litestar]) -> None:
    """Another media type is refused by name."""
    answer = http.post("/v1/users/auth", json={"username": "ana", "password": "x"})
    assert problem(answer) == (415, "unsupported-media-type")


def test_guessing_has_to_wait(http: TestClient[Litestar]) -> None:
    """After the free failures the answer is 429 and says when to come back."""
    for _ in range(5):
        http.post("/v1/users/auth", data={"username": "eva", "password": "no"})
    answer = http.post("/v1/users/auth", data={"username": "eva", "password": "no"})
    assert problem(answer) == (429, "too-many-attempts")
    assert int(answer.headers["retry-after"]) == answer.json()["retry_after_s"] >= 1


# --- users --------------------------------------------------------------------------------


def test_registering_a_user(http: TestClient[Litestar], admin: Person) -> None:
    """The admin's request of 2022 adds a nurse who can sign in."""
    answer = admin.call("POST", "/v1/users/", json=NEW_USER)
    assert (answer.status_code, answer.json()) == (200, {"message": "user registered!"})
    signed_in = http.post(
        "/v1/users/auth", data={"username": "nova", "password": NEW_USER["password"]}
    )
    assert signed_in.status_code == httpx.codes.OK
    shown = admin.call("GET", f"/v1/users/{signed_in.json()['id']}").json()
    assert (shown["username"], shown["email"], shown["role"]) == (
        "nova",
        "nova@example.org",
        "nurse",
    )
    assert "password" not in str(shown)


@pytest.mark.parametrize(
    ("change", "status", "code", "detail"),
    [
        (
            {"password_confirmation": "another one entirely"},
            *(400, "password-mismatch", "Password and confirmation don't match."),
        ),
        ({"username": "Adm"}, 400, "username-taken", "The username is already registered."),
        ({"email": "ADM@example.org"}, 400, "email-taken", "The e-mail is already registered."),
        ({"email": "adm.example.org"}, 400, "email-malformed", "The e-mail format is invalid."),
        (
            {"password": "password1234", "password_confirmation": "password1234"},
            *(422, "weak-password", "The password is too short, too long or too common."),
        ),
    ],
)
def test_what_keeps_a_user_from_being_registered(
    admin: Person, change: dict[str, str], status: int, code: str, detail: str
) -> None:
    """The 400s of 2022, in its words; and a password anyone would guess."""
    answer = admin.call("POST", "/v1/users/", json={**NEW_USER, **change})
    assert problem(answer) == (status, code)
    assert answer.json()["detail"] == detail


def test_a_user_that_is_not_there(admin: Person) -> None:
    """404 for an id without a user, 422 for what is no id."""
    assert problem(admin.call("GET", f"/v1/users/{new_id()}")) == (404, "user-not-found")
    assert problem(admin.call("GET", "/v1/users/undefined")) == (422, "invalid-request")


# --- models and hospitals -----------------------------------------------------------------


def test_models_are_listed_default_first(box: Box, nurse: Person, admin: Person) -> None:
    """A name that waits for its bundle is listed as not ready."""
    answer = admin.call("POST", "/v1/models/", json={"name": "A", "publishing_channel": "a"})
    assert (answer.status_code, answer.json()) == (200, {"message": "model registered!"})
    models = nurse.call("GET", "/v1/models/").json()["models"]
    assert [(m["name"], m["ready"], m["version"]) for m in models] == [
        ("SpiraConv", True, "1.0.0"),
        ("A", False, None),
    ]
    assert models[0].keys() == {
        *("id", "name", "publishing_channel"),
        *("ready", "version", "demonstration"),
    }
    assert nurse.call("GET", f"/v1/models/{box.model.id}").json() == models[0]


@pytest.mark.parametrize("taken", ["name", "publishing_channel"])
def test_a_model_that_is_there_is_not_registered_again(admin: Person, taken: str) -> None:
    """Neither its name nor its channel may be taken."""
    first = {"name": "one", "publishing_channel": "two"}
    assert admin.call("POST", "/v1/models/", json=first).status_code == httpx.codes.OK
    again = {"name": "three", "publishing_channel": "four", taken: first[taken]}
    assert problem(admin.call("POST", "/v1/models/", json=again)) == (400, "name-taken")


def test_a_model_that_is_not_there(nurse: Person) -> None:
    """404 for an id without a model, 422 for what is no id."""
    assert problem(nurse.call("GET", f"/v1/models/{new_id()}")) == (404, "model-not-found")
    assert problem(nurse.call("GET", "/v1/models/undefined")) == (422, "invalid-request")


def test_hospitals_bring_their_rule(nurse: Person) -> None:
    """The list of 2022, and what a tablet needs to check an RGH."""
    (hospital,) = nurse.call("GET", "/v1/hospitals/").json()["hospitals"]
    assert hospital["name"] == HC
    assert hospital["rgh_rule"]["modulus"] == 11


# --- inferences ---------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/inferences", "/inferences/"])
def test_the_multipart_request_is_stored(box: Box, nurse: Person, path: str) -> None:
    """With or without a trailing slash; the worker is woken."""
    answer = nurse.post_2022(path=path)
    assert answer.status_code == httpx.codes.OK, answer.text
    inference_id = answer.json()["inference_id"]
    assert answer.json() == {"inference_id": inference_id}
    assert [result.id for result in box.records.inferences.results(inference_id)] == (
        box.queue.woken
    )


def test_texts_become_what_the_protocol_says(nurse: Person) -> None:
    """Numbers are numbers, booleans booleans, and absent is null: never 0, never a word."""
    inference_id = nurse.post_2022().json()["inference_id"]
    seen = nurse.call("GET", f"{nurse.home}/inferences/{inference_id}/").json()
    assert seen.keys() >= FIELDS_2022
    assert seen["age"] == 61
    assert seen["respiratory_insufficiency_status"] is True
    absent = ("location", "cid", "hospitalized", "hospitalization_end")
    assert [seen[field] for field in absent] == [None] * 4
    assert (seen["status"], seen["created_in"]) == ("processing", "2026-03-01T12:00:00Z")
    assert (seen["rgh_check"], seen["consent"]) == ("ok", "unverified")
    assert "undefined" not in str(seen)


@pytest.mark.parametrize("absent", ["", "undefined", "null"])
def test_words_for_nothing_mean_nothing(box: Box, nurse: Person, absent: str) -> None:
    """In fields, in the choice of model, and in place of the optional recording."""
    form = {**FORM_2022, "age": absent, "spo2": absent, "model_id": absent}
    answer = nurse.post_2022(form, {**three_wavs(), "frase": absent.encode()})
    assert answer.status_code == httpx.codes.OK, answer.text
    path = f"{nurse.home}/inferences/{answer.json()['inference_id']}"
    seen = nurse.call("GET", path).json()
    assert (seen["age"], seen["spo2"], seen["model_id"]) == (None, None, box.model.id)
    assert [one["role"] for one in seen["recordings"]] == list(three_wavs())


def test_an_absent_age_is_null(nurse: Person) -> None:
    """The field may be left out."""
    form = {name: text for name, text in FORM_2022.items() if name != "age"}
    inference_id = nurse.post_2022(form).json()["inference_id"]
    assert nurse.call("GET", f"{nurse.home}/inferences/{inference_id}").json()["age"] is None


def test_the_fourth_recording_counts_when_it_is_there(nurse: Person) -> None:
    """`frase` is optional."""
    answer = nurse.post_2022(recordings={**three_wavs(), "frase": a_wav(300)})
    path = f"{nurse.home}/inferences/{answer.json()['inference_id']}"
    roles = [one["role"] for one in nurse.call("GET", path).json()["recordings"]]
    assert roles == [*three_wavs(), "frase"]


def test_unknown_fields_and_files_are_read_past(box: Box, nurse: Person) -> None:
    """The collection app sent more than the API knew."""
    answer = nurse.post_2022({**FORM_2022, "whatever": "x"}, {**three_wavs(), "extra": b"x"})
    assert answer.status_code == httpx.codes.OK
    assert len(box.audio.files) == 3


def test_files_without_a_file_name_are_recordings_all_the_same(nurse: Person) -> None:
    """A part is known by its name, not by what the client calls its file."""
    parts: list[tuple[str, tuple[None, bytes | str]]] = [
        *((role, (None, content)) for role, content in three_wavs().items()),
        *((name, (None, text)) for name, text in FORM_2022.items()),
    ]
    answer = nurse.call("POST", f"{nurse.home}/inferences", files=parts)
    assert answer.status_code == httpx.codes.OK, answer.text


def test_everything_missing_or_impossible_is_named_at_once(box: Box, nurse: Person) -> None:
    """Fields and recordings in one answer, without the values; and nothing is kept."""
    form = {**FORM_2022, "rgh": "undefined", "spo2": "930", "gender": "woman"}
    answer = nurse.post_2022(form, {"aceite": a_wav()})
    assert problem(answer) == (422, "invalid-form")
    assert blamed(answer) == {
        "rgh": "required",
        "spo2": "range",
        "gender": "enum",
        "sustentada": "required",
        "parlenda": "required",
    }
    assert "930" not in answer.text
    assert "woman" not in answer.text
    assert (box.audio.files, box.audio.parts) == ({}, {})


@pytest.mark.parametrize(
    ("model_id", "status", "code"),
    [
        ("00000000-0000-4000-8000-0000000000ff", 404, "model-not-found"),
        ("SpiraConv", 422, "invalid-request"),
    ],
)
def test_a_model_nobody_knows(
    box: Box, nurse: Person, model_id: str, status: int, code: str
) -> None:
    """404 for an id without a model, 422 for what is no id; nothing is kept."""
    answer = nurse.post_2022({**FORM_2022, "model_id": model_id})
    assert problem(answer) == (status, code)
    assert (box.audio.files, box.audio.parts) == ({}, {})


def test_a_model_that_waits_for_its_bundle(nurse: Person, admin: Person) -> None:
    """A registered name cannot be asked to infer."""
    admin.call("POST", "/v1/models/", json={"name": "A", "publishing_channel": "a"})
    models = nurse.call("GET", "/v1/models/").json()["models"]
    answer = nurse.post_2022({**FORM_2022, "model_id": models[1]["id"]})
    assert problem(answer) == (422, "model-not-ready")


def test_a_refused_recording_takes_the_others_with_it(box: Box, nurse: Person) -> None:
    """The first two are good and kept, the third is not: nothing stays, and that is on record."""
    answer = nurse.post_2022(recordings={**three_wavs(), "parlenda": b"RIFFnonsense"})
    assert problem(answer) in {(415, "unsupported-audio"), (422, "invalid-audio")}
    assert (box.audio.files, box.audio.parts) == ({}, {})
    assert box.records.recordings.unattached(received_before=NOON.replace(year=2100)) == ()
    erased = [
        row for row in box.records.audit.rows() if row.entry.action is AuditAction.RECORDING_ERASED
    ]
    assert len(erased) == 2


def test_the_list_holds_everything_newest_first(box: Box, nurse: Person) -> None:
    """Without parameters the whole list comes, as in 2022."""
    ids = []
    for minute in range(1, 4):
        box.clock.now = NOON.replace(minute=minute)
        ids.append(nurse.post_2022().json()["inference_id"])
    listed = nurse.call("GET", f"{nurse.home}/inferences/").json()
    assert [inference["id"] for inference in listed["inferences"]] == ids[::-1]
    assert listed["next"] is None
    assert all(inference.keys() >= FIELDS_2022 for inference in listed["inferences"])


def test_an_inference_that_is_not_there(nurse: Person, stranger: Person) -> None:
    """404 for no inference and for another's, 422 for what is no id, 403 on another's path."""
    home = f"{nurse.home}/inferences"
    assert problem(nurse.call("GET", f"{home}/{new_id()}")) == (404, "inference-not-found")
    assert problem(nurse.call("GET", f"{home}/undefined")) == (422, "invalid-request")
    theirs = stranger.post_2022().json()["inference_id"]
    assert problem(nurse.call("GET", f"{home}/{theirs}")) == (404, "inference-not-found")
    forbidden = nurse.call("GET", f"{stranger.home}/inferences/{theirs}")
    assert problem(forbidden) == (403, "not-allowed")
    assert forbidden.json()["detail"] == "Forbidden operation."


# --- results ------------------------------------------------------------------------------


def test_while_it_is_computed_the_result_says_so_as_in_2022(nurse: Person) -> None:
    """`[-1]` and "not available"; opening that is no opening of a result."""
    path = f"{nurse.home}/inferences/{nurse.post_2022().json()['inference_id']}/result"
    seen = nurse.call("GET", path).json()
    assert seen.keys() == {"inference", "result"}
    assert (seen["result"]["output"], seen["result"]["diagnosis"]) == ([-1], "not available")
    assert seen["inference"]["first_shown_at"] is None


def test_a_nurse_may_disagree_with_a_result_once_there_is_one(box: Box, nurse: Person) -> None:
    """It is remembered with its instant, once, and on record with ids alone."""
    inference_id = nurse.post_2022().json()["inference_id"]
    path = f"{nurse.home}/inferences/{inference_id}/disagreement"
    assert problem(nurse.call("PUT", path)) == (409, "not-answered")
    box.answer_all()
    for minute in (0, 30):
        box.clock.now = NOON.replace(minute=minute)
        assert nurse.call("PUT", path).status_code == httpx.codes.NO_CONTENT
    seen = nurse.call("GET", f"{nurse.home}/inferences/{inference_id}").json()
    assert seen["disagreed_at"] == "2026-03-01T12:00:00Z"
    said = [row.entry for row in box.records.audit.rows() if row.entry.action == "result.disagreed"]
    assert [(entry.entity_id, entry.actor) for entry in said] == [(inference_id, nurse.user.id)]
    assert said[0].details == {}


def test_a_computed_result_names_who_computed_it(box: Box, nurse: Person) -> None:
    """Diagnosis, probability, model, version and graph; the first opening is remembered."""
    inference_id = nurse.post_2022().json()["inference_id"]
    box.answer_all()
    seen = nurse.call("GET", f"{nurse.home}/inferences/{inference_id}/result").json()
    result, inference = seen["result"], seen["inference"]
    assert (result["inference_id"], result["output"]) == (inference_id, [0.125])
    assert (result["diagnosis"], result["probability"]) == ("negative", 0.125)
    assert (result["model_name"], result["model_version"]) == ("SpiraConv", "1.0.0")
    assert len(result["graph_sha256"]) == 64
    assert (inference["status"], inference["diagnosis"]) == ("completed", "negative")
    assert inference["first_shown_at"] == "2026-03-01T12:00:00Z"
    box.clock.now = NOON.replace(minute=30)
    again = nurse.call("GET", f"{nurse.home}/inferences/{inference_id}/result").json()
    assert again["inference"]["first_shown_at"] == "2026-03-01T12:00:00Z"


def test_a_result_without_a_run_has_no_output(box: Box, nurse: Person) -> None:
    """Inconclusive, with its reason."""
    inference_id = nurse.post_2022().json()["inference_id"]
    box.answer_all(
        an_answer(
            diagnosis=Diagnosis.INCONCLUSIVE,
            reason=Reason.INVALID_RECORDING,
            probability=None,
            output=(),
        )
    )
    seen = nurse.call("GET", f"{nurse.home}/inferences/{inference_id}/result").json()
    assert seen["result"]["output"] == []
    assert seen["result"]["diagnosis"] == "inconclusive"
    assert seen["inference"]["reason"] == "invalid-recording"


def test_a_run_that_failed_is_an_error_and_inconclusive(box: Box, nurse: Person) -> None:
    """Status `error`, with the code of what happened."""
    inference_id = nurse.post_2022().json()["inference_id"]
    box.answer_all(
        an_answer(
            diagnosis=Diagnosis.INCONCLUSIVE,
            probability=None,
            output=(),
            error_code="prediction-timeout",
        )
    )
    seen = nurse.call("GET", f"{nurse.home}/inferences/{inference_id}/result").json()
    assert seen["inference"]["status"] == "error"
    assert (seen["result"]["diagnosis"], seen["result"]["output"]) == ("inconclusive", [])
    assert seen["result"]["error_code"] == "prediction-timeout"


# --- every request that needs a token -----------------------------------------------------

CLAIMS = {"sub": "a", "jti": "b", "iat": 1, "exp": 9_999_999_999}
UNSIGNED = jwt.encode(CLAIMS, key="", algorithm="none")


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer undefined",
        "Bearer a.b.c",
        "Basic YW5hOng=",
        f"Bearer {UNSIGNED}",
        "Bearer é",
        "Bearer " + "x" * 50_000,
    ],
)
def test_a_token_that_is_none(http: TestClient[Litestar], authorization: str) -> None:
    """The same 401 for each, with how to sign in."""
    headers = {b"Authorization": authorization.encode("latin-1")}
    answer = http.get("/v1/models/", headers=headers)
    assert problem(answer) == (401, "not-signed-in")
    assert answer.json()["detail"] == "Could not validate the credentials."
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_token_signed_by_another_box(box: Box, http: TestClient[Litestar], nurse: Person) -> None:
    """Only this box's own secret makes a token; and it names the user of its row."""
    claims = jwt.decode(nurse.token, options={"verify_signature": False})
    assert claims.keys() == {"sub", "jti", "iat", "exp"}
    secret = box.appliance().token_secret.hex()
    for forged in (
        jwt.encode(claims, key="0" * 64, algorithm="HS256"),
        jwt.encode(claims, key=secret, algorithm="HS512"),
        jwt.encode({**claims, "sub": new_id()}, key=secret, algorithm="HS256"),
        jwt.encode({**claims, "jti": new_id()}, key=secret, algorithm="HS256"),
        jwt.encode({**claims, "jti": 1}, key=secret, algorithm="HS256"),
        jwt.encode({"sub": claims["sub"]}, key=secret, algorithm="HS256"),
    ):
        answer = http.get("/v1/models/", headers={"Authorization": f"Bearer {forged}"})
        assert problem(answer) == (401, "not-signed-in")


def test_a_token_ends_with_its_hour_or_its_sign_out(box: Box, nurse: Person) -> None:
    """The row decides: signing out ends it at once, and so does time."""
    other = box.add_person(nurse.http, "lia", Role.NURSE)
    assert nurse.call("DELETE", "/v1/users/auth").status_code == httpx.codes.NO_CONTENT
    assert problem(nurse.call("GET", "/v1/models/")) == (401, "not-signed-in")
    assert other.call("GET", "/v1/models/").status_code == httpx.codes.OK
    box.clock.now = NOON.replace(hour=13)
    assert problem(other.call("GET", "/v1/models/")) == (401, "not-signed-in")


@pytest.mark.parametrize(("sent", "status"), [(b"not a wav", 415), (a_wav()[:-9], 422)])
def test_a_refused_recording_is_named(nurse: Person, sent: bytes, status: int) -> None:
    """Four come at once, so the answer says which is at fault."""
    answer = nurse.post_2022(recordings={**three_wavs(), "parlenda": sent})
    assert answer.status_code == status
    assert list(blamed(answer)) == ["parlenda"]
