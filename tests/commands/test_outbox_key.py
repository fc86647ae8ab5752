"""The key that tablets seal to is made once: lost, it stops the box until somebody decides."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.bootstrap import open_appliance
from appliance.core.errors import OutboxKeyLost
from appliance.core.signing_key import fingerprint_of
from appliance.one_server import only_server
from appliance.settings import read_settings
from tests.commands.console import Console


def _given_out(box: Console) -> bytes:
    """Return the public key as tablets are told it."""
    with open_appliance(read_settings({}, directory=box.directory)) as appliance:
        return appliance.opener().public_key


def _key(box: Console) -> Path:
    return box.directory / "keys" / "outbox.key"


def _codes(box: Console) -> list[str]:
    return [finding["code"] for finding in box.run("doctor", "--json").document["findings"]]


def test_a_lost_key_is_refused_and_found(box: Console) -> None:
    """Neither start nor opener makes another one, and doctor and verify say what to do."""
    _given_out(box)
    kept = _key(box).read_bytes()
    _key(box).unlink()
    settings = read_settings({}, directory=box.directory)

    with pytest.raises(OutboxKeyLost), open_appliance(settings, serving=True):
        pass
    with pytest.raises(OutboxKeyLost), open_appliance(settings) as appliance:
        appliance.opener()
    assert not _key(box).exists()
    assert box.error("serve") == (7, "outbox-key-lost")
    assert "outbox-key-lost" in _codes(box)
    assert "outbox-key-lost" in box.run("verify").stdout

    _key(box).write_bytes(kept)
    _key(box).chmod(0o600)
    assert "outbox-key-lost" not in _codes(box)
    with open_appliance(settings, serving=True):
        pass


def test_a_key_that_nobody_was_given_is_made(box: Console) -> None:
    """A box of before tablets sealed anything gets its key on first need."""
    _key(box).unlink()
    with open_appliance(read_settings({}, directory=box.directory), serving=True) as appliance:
        appliance.opener()
    assert _key(box).exists()


def test_its_code_can_be_read_again(box: Console) -> None:
    """A tablet that was away asks for it weeks later; a list makes no key."""
    fingerprint = fingerprint_of(_given_out(box))
    assert box.json("keys", "list")["outbox_key"] == fingerprint
    assert fingerprint[:16] in box.run("keys", "list").stdout
    _key(box).unlink()
    assert box.json("keys", "list")["outbox_key"] is None
    assert not _key(box).exists()


def test_a_key_that_a_server_still_has_is_not_given_up(box: Console) -> None:
    """What it takes meanwhile was sealed to the old one."""
    _given_out(box)
    _key(box).unlink()
    with only_server(box.directory):
        said = box.run("keys", "give-up", "outbox.key", "--confirm", "outbox.key", "--json")
    assert [one["code"] for one in said.document["error"]["errors"]] == ["served"]
    assert not _key(box).exists()


def test_somebody_may_say_that_the_key_is_gone(box: Console) -> None:
    """Only after typing its name, only of a key that is gone; then the box has a new one."""
    old = _given_out(box)
    assert box.error("keys", "give-up", "outbox.key", "--confirm", "outbox.key")[0] == 3
    _key(box).unlink()
    assert box.run("keys", "give-up", "outbox.key", typed="yes\n").status == 3
    assert not _key(box).exists()

    told = box.json("keys", "give-up", "outbox.key", "--confirm", "outbox.key")

    assert told["fingerprint"] == fingerprint_of(_given_out(box))
    assert "outbox-key-lost" not in _codes(box)
    assert _given_out(box) != old
    with open_appliance(read_settings({}, directory=box.directory)) as appliance:
        assert any(row.entry.action == "key.given-up" for row in appliance.audit.rows())
