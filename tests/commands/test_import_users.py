"""A ward's accounts from IT's spreadsheet: all lines right, or nothing is done."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests.commands.console import Console

HC = "Hospital das Clínicas"
LIST = f"username,role,email,hospitals\nrui,researcher,rui@usp.br,\nbia,,,{HC}\nlia,nurse,,\n"


def names(box: Console) -> set[str]:
    """Return the accounts there are."""
    return {user["username"] for user in box.json("users", "list")["users"]}


def test_a_list_is_shown_first_and_then_added(box: Console, tmp_path: Path) -> None:
    """With passwords in a file for its owner alone, which open the accounts."""
    before, file, slips = names(box), box.file("ward.csv", LIST), tmp_path / "slips.csv"
    told = box.json("users", "import", file)
    assert told == {"to_add": ["rui", "bia", "lia"], "here_already": []}
    assert names(box) == before
    told = box.json("users", "import", file, "--passwords", str(slips))
    assert told["added"] == ["rui", "bia", "lia"]
    assert names(box) == before | {"rui", "bia", "lia"}
    assert slips.stat().st_mode & 0o777 == 0o600
    rows = list(csv.DictReader(slips.read_text(encoding="utf-8").splitlines()))
    assert [row["username"] for row in rows] == ["rui", "bia", "lia"]
    assert all(len(row["password"]) >= 16 for row in rows)
    users = {user["username"]: user for user in box.json("users", "list")["users"]}
    assert (users["rui"]["role"], users["rui"]["email"]) == ("researcher", "rui@usp.br")
    assert len(users["bia"]["hospitals"]) == 1


def test_what_was_broken_off_goes_on(box: Console, tmp_path: Path) -> None:
    """Accounts that are here stay as they are; a file of passwords is never written over."""
    box.json("users", "add", "bia", "--generate")
    slips = tmp_path / "slips.csv"
    file = box.file("ward.csv", LIST)
    told = box.json("users", "import", file, "--passwords", str(slips))
    assert (told["added"], told["here_already"]) == (["rui", "lia"], ["bia"])
    more = box.file("more.csv", LIST + "eva,nurse,,\n")
    assert box.error("users", "import", more, "--passwords", str(slips))[1] == "target-not-empty"
    assert "eva" not in names(box)


def test_a_name_that_stands_twice_is_named(box: Console) -> None:
    """With the address that is made of it, which is the same, too."""
    said = box.run("users", "import", box.file("ward.csv", "username\nrui\nRUI\n"), "--json")
    fields = [one["field"] for one in said.document["error"]["errors"]]
    assert fields == ["line 3, username", "line 3, email"]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("name\nrui\n", "file"),
        ("username,salary\nrui,1\n", "file"),
        ("username,role\nrui,doctor\n", "line 2, role"),
        ("username,email\nrui,not an address\n", "line 2, email"),
        ("username,hospitals\nrui,Nowhere\n", "line 2, hospitals"),
        ("username,email\nana maria,\n", "line 2, email"),
        ("username\nrui@usp\n", "line 2, email"),
        ("username,email\nrui,eva@spira.local\neva,\n", "line 3, email"),
        ("username,email\nrui,ana@spira.local\n", "line 2, email"),
        ("username,role\nrui\n", "line 2, columns"),
        (f"username\n{'x' * 65}\n", "line 2, username"),
        ("username,role\nana,admin\n", "line 2, role"),
        ('username\n"rui\n', "file"),
    ],
)
def test_one_line_that_is_wrong_adds_nobody(
    box: Console, tmp_path: Path, content: str, fault: str
) -> None:
    """And is named by its line and column; no file of passwords is left."""
    before, slips = names(box), tmp_path / "slips.csv"
    file = box.file("ward.csv", content)
    said = box.run("users", "import", file, "--passwords", str(slips), "--json")
    assert said.error == "invalid-request"
    assert [one["field"] for one in said.document["error"]["errors"]] == [fault]
    assert names(box) == before
    assert not slips.exists()


def test_a_spreadsheet_of_here_is_read(box: Console) -> None:
    """Semicolons, a byte order mark, carriage returns; another encoding is named."""
    content = f"\ufeffusername;hospitals\r\nzoë;{HC}\r\n\r\n"
    assert box.json("users", "import", box.file("a.csv", content))["to_add"] == ["zoë"]
    status, code = box.error("users", "import", box.file("b.csv", content.encode("utf-16")))
    assert (status, code) == (3, "invalid-request")
