"""Settings: where they come from, and that nothing misspelt passes silently."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.errors import FileMissing, SettingsInvalid
from appliance.settings import (
    DEFAULT_DATA,
    Settings,
    n_cores,
    read_settings,
    settings_table,
    unknown_variables,
)


def write(data: Path, text: str) -> Path:
    """Write settings.toml into a data directory and return the directory."""
    (data / "settings.toml").write_text(text, encoding="utf-8")
    return data


def refused_fields(data: Path, environment: dict[str, str] | None = None) -> list[str]:
    """Return the settings named by a refusal."""
    with pytest.raises(SettingsInvalid) as caught:
        read_settings(environment or {}, directory=data)
    return [error.field for error in caught.value.errors]


def test_without_anything_said_the_defaults_hold(tmp_path: Path) -> None:
    """A box needs no settings file: it listens to itself alone and hides probabilities."""
    settings = read_settings({}, directory=tmp_path)

    assert settings == Settings(directory=tmp_path, keys=tmp_path / "keys")
    assert settings.host == "127.0.0.1"
    assert settings.show_probabilities is False
    assert settings.n_workers == n_cores()


def test_the_data_directory_is_var_unless_named() -> None:
    """Without --data and SPIRA_DATA a box lives below the current directory."""
    assert read_settings({}).directory == Path(DEFAULT_DATA).absolute()


def test_the_command_line_wins_over_environment_and_file(tmp_path: Path) -> None:
    """Each source may overrule the one below it."""
    data = write(tmp_path, "port = 1111\ntoken_minutes = 30\nbox_name = 'ward'\n")
    environment = {"SPIRA_PORT": "2222", "SPIRA_TOKEN_MINUTES": "45", "SPIRA_DATA": "/elsewhere"}

    settings = read_settings(environment, directory=data, port=3333)

    assert settings.directory == data
    assert (settings.port, settings.token_minutes, settings.box_name) == (3333, 45, "ward")


def test_every_type_is_read_from_the_environment(tmp_path: Path) -> None:
    """Numbers, truth, lists and paths are spelled as text there."""
    settings = read_settings(
        {
            "SPIRA_DATA": str(tmp_path),
            "SPIRA_KEYS": "/run/keys",
            "SPIRA_ALLOWED_HOSTS": "spira.local, 10.0.0.7",
            "SPIRA_SHOW_PROBABILITIES": "TRUE",
            "SPIRA_JOB_TIMEOUT_S": "12.5",
            "SPIRA_LOG_LEVEL": "debug",
        }
    )

    assert settings.directory == tmp_path
    assert settings.keys == Path("/run/keys")
    assert settings.allowed_hosts == ("spira.local", "10.0.0.7")
    assert settings.show_probabilities is True
    assert settings.job_timeout_s == 12.5
    assert settings.log_level == "debug"


def test_an_empty_list_in_the_environment_is_no_list_of_nothing(tmp_path: Path) -> None:
    """SPIRA_CORS_ORIGINS= allows no origin, not the empty one."""
    assert read_settings({"SPIRA_CORS_ORIGINS": ""}, directory=tmp_path).cors_origins == ()


def test_an_unknown_key_is_refused_by_its_name(tmp_path: Path) -> None:
    """A misspelt setting stops the start; it would silently have meant its default."""
    assert refused_fields(write(tmp_path, "prot = 8443\n")) == ["prot"]


def test_the_file_cannot_say_where_it_lies(tmp_path: Path) -> None:
    """A data directory named inside the data directory is refused, not ignored."""
    assert refused_fields(write(tmp_path, "data = '/elsewhere'\n")) == ["data"]


@pytest.mark.parametrize(
    "line",
    [
        "port = '8000'",
        "port = 8000.0",
        "port = true",
        "port = -1",
        "port = 65536",
        "host = ''",
        "host = 7",
        "show_probabilities = 1",
        "show_probabilities = 'yes'",
        "allowed_hosts = 'localhost'",
        "allowed_hosts = ['']",
        "allowed_hosts = [1]",
        "allowed_hosts = ['box.local:8000']",
        "allowed_hosts = ['http://box.local']",
        "allowed_hosts = ['::1']",
        "allowed_hosts = ['[127.0.0.1]']",
        "allowed_hosts = ['-box']",
        "metrics_addresses = ['foo']",
        "metrics_addresses = ['127.0.0.1', '10.0.0.0/8']",
        "cors_origins = ['*']",
        "cors_origins = ['app.example.org']",
        "cors_origins = ['https://app.example.org/']",
        "cors_origins = ['https://app.example.org:port']",
        "n_workers = 0",
        "job_timeout_s = nan",
        "job_timeout_s = inf",
        "lease_s = 59.9",
        "log_level = 'loud'",
        "keys = 1",
        "[port]",
    ],
)
def test_a_wrong_value_is_refused_by_its_name(tmp_path: Path, line: str) -> None:
    """Wrong types and values outside the documented range stop the start."""
    name = line.split(" ", maxsplit=1)[0].strip("[]")
    assert refused_fields(write(tmp_path, line)) == [name]


def test_addresses_and_names_a_box_can_be_told(tmp_path: Path) -> None:
    """Names with and without dots, both kinds of addresses, origins with and without port."""
    said = {
        "SPIRA_ALLOWED_HOSTS": "spira, spira.hospital.example, 10.0.0.7, [fd00::7]",
        "SPIRA_METRICS_ADDRESSES": "10.0.0.9, fd00::9",
        "SPIRA_CORS_ORIGINS": "https://app.example.org, http://[fd00::8]:8080",
    }
    settings = read_settings(said, directory=tmp_path)

    assert settings.allowed_hosts == ("spira", "spira.hospital.example", "10.0.0.7", "[fd00::7]")
    assert settings.metrics_addresses == ("10.0.0.9", "fd00::9")
    assert settings.cors_origins == ("https://app.example.org", "http://[fd00::8]:8080")
    assert read_settings({"SPIRA_ALLOWED_HOSTS": "*"}, directory=tmp_path).allowed_hosts == ("*",)


def test_the_part_at_fault_is_told_by_its_number(tmp_path: Path) -> None:
    """A refusal names what was expected, and quotes nothing."""
    with pytest.raises(SettingsInvalid) as caught:
        read_settings({"SPIRA_METRICS_ADDRESSES": "::1,foo"}, directory=tmp_path)
    (fault,) = caught.value.errors
    assert fault.message == "expected IP addresses, unlike number 2"


def test_every_fault_is_named_at_once(tmp_path: Path) -> None:
    """Whoever mends the file need not try again for each of them."""
    data = write(tmp_path, "prot = 1\nn_workers = 0\n")
    assert sorted(refused_fields(data, {"SPIRA_PORT": "many"})) == ["n_workers", "port", "prot"]


@pytest.mark.parametrize("content", [b"port = ", b"\xff\xfe"])
def test_a_file_that_is_no_toml_is_refused(tmp_path: Path, content: bytes) -> None:
    """Half a file is no file."""
    (tmp_path / "settings.toml").write_bytes(content)
    assert refused_fields(tmp_path) == ["settings.toml"]


def test_an_installed_box_reads_its_settings_elsewhere(tmp_path: Path) -> None:
    """SPIRA_SETTINGS names the file; one that is not there is an error, not a default."""
    elsewhere = tmp_path / "box.toml"
    elsewhere.write_text("port = 443\n")

    assert read_settings({"SPIRA_SETTINGS": str(elsewhere)}, directory=tmp_path).port == 443
    with pytest.raises(FileMissing):
        read_settings({"SPIRA_SETTINGS": str(tmp_path / "absent.toml")}, directory=tmp_path)


@given(st.text(max_size=20))
def test_no_text_in_the_environment_escapes_as_another_error(text: str) -> None:
    """Whatever a variable holds, it is a port, or refused by name."""
    named = ["port"]
    port = 0
    try:
        port = read_settings({"SPIRA_PORT": text}, directory=Path("/nonexistent")).port
    except SettingsInvalid as error:
        named = [fault.field for fault in error.errors]
    assert named == ["port"]
    assert 0 <= port <= 65_535


def test_variables_that_set_nothing_are_told() -> None:
    """A misspelt variable can be warned of; the environment of others is left alone."""
    environment = {"SPIRA_PORT": "1", "SPIRA_SETTINGS": "x", "SPIRA_PROT": "1", "PATH": "/bin"}
    assert unknown_variables(environment) == ("SPIRA_PROT",)


def test_the_table_documents_every_setting() -> None:
    """Each field stands there with its meaning, and with a default to copy."""
    rows = settings_table().splitlines()[2:]

    assert [row.split("`")[1] for row in rows] == [entry.name for entry in fields(Settings)]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    assert all(default and meaning for *_, default, meaning in cells)
    assert '| `box_name` | `SPIRA_BOX_NAME` |  |  | `"spira"` |' in settings_table()
    assert "| `reserve_bytes` | `SPIRA_RESERVE_BYTES` | bytes | ≥ 16,777,216 |" in settings_table()
