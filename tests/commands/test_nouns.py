"""Users, hospitals, protocols, keys and tablets from the console: right, and refused."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from appliance.adapters.ed25519_signatures import generate, public_pem
from appliance.bootstrap.box_keys import demonstration_key
from appliance.core.signing_key import KeyScope, TrustedKey
from tests.bundle_builders import an_author
from tests.commands.console import Console, run

PROTOCOL = Path(__file__).parents[2] / "appliance" / "protocols" / "spira-2022.1.json"
PASSWORD = "correct horse battery"


def another_protocol() -> str:
    """Return the shipped protocol under another id."""
    document = json.loads(PROTOCOL.read_text(encoding="utf-8"))
    return json.dumps({**document, "id": "spira-2026.1"})


def test_a_user_is_added_listed_and_disabled(box: Console) -> None:
    """An account ends with `disable`; its row stays."""
    box.json("users", "add", "rui", "--role", "researcher", "--password-stdin", typed=PASSWORD)
    box.json("users", "disable", "RUI")

    users = {user["username"]: user for user in box.json("users", "list")["users"]}
    assert (users["rui"]["role"], users["rui"]["active"]) == ("researcher", False)


def test_a_password_is_asked_for_twice(box: Console) -> None:
    """Without an option the console asks, twice, and shows nothing."""
    said = box.run("users", "passwd", "ana", typed=f"{PASSWORD}\n{PASSWORD}\n")

    assert said.status == 0
    assert PASSWORD not in said.stdout + said.stderr


def test_nobody_at_the_console_is_no_password(box: Console) -> None:
    """Where nobody answers, nothing is changed, and the option to use instead is named."""
    said = box.run("users", "add", "rui", "--json", typed="")

    assert (said.status, said.error) == (3, "invalid-request")
    assert "--password-stdin or --generate" in said.document["error"]["detail"]
    assert "rui" not in box.run("users", "list").stdout


def test_a_generated_password_is_shown_once(box: Console) -> None:
    """It is in the answer of the one command and in no later one."""
    password = box.json("users", "passwd", "ana", "--generate")["user"]["password"]

    assert password not in box.run("users", "list", "--json").stdout


@pytest.mark.parametrize(
    ("arguments", "typed", "expected"),
    [
        (("add", "ANA", "--password-stdin"), PASSWORD, (3, "username-taken")),
        (("add", "rui", "--password-stdin"), "short", (3, "weak-password")),
        (("add", "rui", "--password-stdin"), "password1234", (3, "weak-password")),
        (("add", "rui", "--password-stdin"), "", (3, "weak-password")),
        (("add", " ", "--password-stdin"), PASSWORD, (3, "invalid-request")),
        (("add", "rui", "--email", "x", "--password-stdin"), PASSWORD, (3, "email-malformed")),
        (("add", "rui", "--hospital", "Nowhere", "--generate"), "", (5, "hospital-not-found")),
        (("add", "rui", "--role", "king", "--generate"), "", (2, "usage")),
        (("passwd", "nobody", "--generate"), "", (5, "user-not-found")),
        (("disable", "nobody"), "", (5, "user-not-found")),
        (("disable",), "", (2, "usage")),
    ],
)
def test_what_is_wrong_with_a_user_is_said_by_name(
    box: Console, arguments: tuple[str, ...], typed: str, expected: tuple[int, str]
) -> None:
    """Each refusal has its exit status and its code."""
    assert box.error("users", *arguments, typed=typed) == expected


def test_hospitals_come_with_their_rule(box: Console) -> None:
    """The rule of Hospital das Clínicas is known; another comes from a file."""
    rule = {"pattern": "[0-9]{4}[A-K]", "length": 5, "weights": [1, 2, 3, 4], "modulus": 11,
            "letter_base": 64}  # fmt: skip
    box.json("hospitals", "add", "Santa Casa", "--rgh-rule", box.file("r.json", json.dumps(rule)))
    box.json("hospitals", "add", "Outro")

    rules = {h["name"]: h["rgh_rule"] for h in box.json("hospitals", "list")["hospitals"]}
    assert rules["Santa Casa"] == rule
    assert rules["Outro"] is None
    assert rules["Hospital das Clínicas"]["length"] == 9


@pytest.mark.parametrize(
    ("name", "rule", "expected"),
    [
        ("Hospital das Clínicas", "none", (3, "name-taken")),
        ("", "none", (3, "invalid-request")),
        ("Outro", "absent.json", (5, "file-missing")),
    ],
)
def test_what_is_wrong_with_a_hospital_is_said_by_name(
    box: Console, name: str, rule: str, expected: tuple[int, str]
) -> None:
    """Each refusal has its exit status and its code."""
    assert box.error("hospitals", "add", name, "--rgh-rule", rule) == expected


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("{", (3, "malformed-request")),
        ("[]", (3, "malformed-request")),
        ("{}", (3, "invalid-request")),
        ('{"modulus": NaN}', (3, "malformed-request")),
        ("[" * 100_000, (3, "malformed-request")),
        ('{"a":' * 40 + "1" + "}" * 40, (3, "malformed-request")),
        (f'{{"pattern": "{"a" * 2**20}"}}', (3, "malformed-request")),
        (b"\xff", (3, "malformed-request")),
    ],
)
def test_a_rule_that_is_none_is_refused(
    box: Console, rule: str | bytes, expected: tuple[int, str]
) -> None:
    """A file that holds no rule adds no hospital."""
    file = box.file("rule.json", rule)

    assert box.error("hospitals", "add", "Outro", "--rgh-rule", file) == expected
    assert "Outro" not in box.run("hospitals", "list").stdout


def test_a_protocol_is_validated_without_a_box(tmp_path: Path) -> None:
    """Whoever writes a protocol needs no box to check it."""
    assert run("protocols", "validate", str(PROTOCOL)).status == 0
    broken = tmp_path / "broken.json"
    broken.write_text("{}")

    said = run("protocols", "validate", str(broken), "--json")

    assert (said.status, said.error) == (3, "protocol-invalid")
    assert said.document["error"]["errors"]


def test_a_protocol_is_installed_and_activated(box: Console) -> None:
    """Work goes on under the old one until the new one is activated."""
    box.json("protocols", "install", box.file("new.json", another_protocol()))
    before = {p["id"]: p["active"] for p in box.json("protocols", "list")["protocols"]}
    box.json("protocols", "activate", "spira-2026.1")

    after = {p["id"]: p["active"] for p in box.json("protocols", "list")["protocols"]}
    assert before == {"spira-2022.1": True, "spira-2026.1": False}
    assert after == {"spira-2022.1": False, "spira-2026.1": True}


def test_an_installed_protocol_never_changes(box: Console) -> None:
    """The same id with other content is refused."""
    changed = PROTOCOL.read_text(encoding="utf-8").replace('"title": "', '"title": "Other ', 1)

    assert box.error("protocols", "install", box.file("p.json", changed)) == (
        3,
        "protocol-conflict",
    )
    assert box.error("protocols", "activate", "nothing") == (5, "protocol-not-found")
    assert box.error("protocols", "install", "absent.json") == (5, "file-missing")


def test_a_key_is_trusted_until_it_is_revoked(box: Console) -> None:
    """A revoked key is listed no more and never trusted again."""
    fingerprint = an_author().trusted().fingerprint
    listed = [key["fingerprint"] for key in box.json("keys", "list")["keys"]]
    box.json("keys", "revoke", fingerprint)

    assert listed == [fingerprint]
    assert box.json("keys", "list")["keys"] == []
    assert box.error("keys", "revoke", "00") == (5, "key-not-found")


def test_a_fingerprint_may_be_typed_in_groups(box: Console) -> None:
    """It is asked for, and spaces and capitals do not matter."""
    public_key = generate()[1]
    trusted = TrustedKey(public_key=public_key, scope=KeyScope.CLINICAL, name="other")
    key = box.file("other.pub", public_pem(public_key))
    typed = " ".join(re.findall("....", trusted.fingerprint)).upper()

    said = box.run("keys", "add", key, "--name", "other", typed=f"{typed}\n")

    assert said.status == 0
    assert trusted.fingerprint in box.run("keys", "list").stdout


def test_nobody_at_the_console_trusts_no_key(box: Console) -> None:
    """Where no fingerprint is typed, no key is trusted, and the option to use instead is named."""
    key = box.file("other.pub", public_pem(generate()[1]))

    said = box.run("keys", "add", key, "--name", "other", "--json", typed="")

    assert (said.status, said.error) == (3, "invalid-request")
    assert "--fingerprint" in said.document["error"]["detail"]


def test_a_key_that_was_swapped_is_seen(box: Console) -> None:
    """Another fingerprint than the one typed, or a file that holds no key, changes nothing."""
    before = box.json("keys", "list")
    swapped = box.file("swapped.pub", public_pem(generate()[1]))
    told = ("--name", "x", "--fingerprint", an_author().trusted().fingerprint)

    assert box.error("keys", "add", swapped, *told) == (3, "invalid-request")
    assert box.error("keys", "add", box.file("no.pub", "no key"), *told) == (3, "invalid-request")
    assert box.error("keys", "add", "absent.pub", *told) == (5, "file-missing")
    assert box.json("keys", "list") == before


def test_the_demonstrations_key_is_never_added(box: Console) -> None:
    """Its private half is in every copy of the release: only `init --demo` trusts it."""
    before = box.json("keys", "list")
    shipped = Path(__file__).parents[2] / "appliance" / "demonstration" / "demonstration.pub"
    told = ("--name", "demo", "--fingerprint", demonstration_key().fingerprint)

    assert box.error("keys", "add", str(shipped), *told) == (3, "key-public")
    assert box.error("keys", "add", str(shipped), *told, "--scope", "demonstration")[0] == 2
    assert box.json("keys", "list") == before


@pytest.mark.parametrize("name", ["", " ", "a\nb", "a\x1b[2Kb", "a\u202eb", "n" * 129])
def test_the_name_of_a_key_is_one_printable_line(box: Console, name: str) -> None:
    """It is printed beside fingerprints: it may not paint over them."""
    public_key = generate()[1]
    trusted = TrustedKey(public_key=public_key, scope=KeyScope.CLINICAL, name="x")
    key = box.file("other.pub", public_pem(public_key))
    told = ("--name", name, "--fingerprint", trusted.fingerprint)

    assert box.error("keys", "add", key, *told) == (3, "invalid-request")
    assert trusted.fingerprint not in box.run("keys", "list").stdout


def test_a_tablet_is_awaited_listed_and_revoked(box: Console) -> None:
    """Its code is in the answer of the one command and in no later one."""
    made = box.json("tablets", "enrol", "Ala 3")
    assert re.fullmatch(r"([0-9A-HJKMNP-TV-Z]{4}-){2}[0-9A-HJKMNP-TV-Z]{4}", made["code"])
    (listed,) = box.json("tablets", "list")["tablets"]
    assert (listed["name"], listed["state"], listed["standing"]) == ("Ala 3", "awaited", None)
    assert made["code"] not in box.run("tablets", "list").stdout
    assert box.error("tablets", "enrol", "ALA 3") == (3, "name-taken")
    assert box.json("tablets", "revoke", "Ala 3") == {"revoked": listed["id"]}
    assert box.json("tablets", "list")["tablets"][0]["state"] == "revoked"
    assert box.error("tablets", "revoke", "Ala 3") == (5, "tablet-not-found")
    assert box.error("tablets", "enrol", " ") == (3, "invalid-request")
