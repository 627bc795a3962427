"""tstream secrets, and settings that find theirs in a store."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.secrets import encrypted_file
from tests.secrets.vault_server import TOKEN, vault_server
from tstream.cli import call
from tstream.errors import SettingsError
from tstream.paths import Paths
from tstream.settings.load import load

KEY = "TSTREAM_PROJECTX_KEY"
CANARY = "canary-key-of-a-store-0815"

Piped = Callable[..., int]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encrypted_file, "N", 1 << 10)
    monkeypatch.setenv("MASTER_PASSWORD", "canary-master-password")


@pytest.fixture
def piped(monkeypatch: pytest.MonkeyPatch) -> Piped:
    """Runs a command with something on its standard input."""

    def run(*words: str, text: str = "") -> int:
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))
        return call(words)

    return run


def test_a_secret_goes_from_a_pipe_to_the_settings_and_is_never_shown(
    places: Paths, piped: Piped, capsys: pytest.CaptureFixture[str]
) -> None:
    places.settings_file.write_text('[secrets]\nstore = "file"\n')
    assert piped("secrets", "set", KEY, text=f"{CANARY}\n") == 0
    assert load(places).settings.projectx.key.get_secret_value() == CANARY
    assert load(places).store == str(places.config / "secrets.json")
    assert piped("secrets", "get", "--masked", KEY) == 0
    assert piped("secrets", "list") == 0
    assert piped("secrets", "check") == 0
    told = capsys.readouterr()
    assert f"ca…15 ({len(CANARY)} characters)" in told.out
    assert CANARY not in told.out + told.err
    files = [path for path in places.config.rglob("*") if path.is_file()]
    assert files
    assert all(CANARY.encode() not in path.read_bytes() for path in files)


def test_environment_and_dotenv_count_before_the_store(
    places: Paths, piped: Piped, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    places.settings_file.write_text('[secrets]\nstore = "file"\n')
    piped("secrets", "set", KEY, text="canary-stored")
    (places.config / ".env").write_text(f"{KEY}=canary-dotenv\n")
    assert load(places).settings.projectx.key.get_secret_value() == "canary-dotenv"
    monkeypatch.setenv(KEY, "canary-environment")
    assert load(places).settings.projectx.key.get_secret_value() == "canary-environment"
    assert piped("secrets", "check") == 1
    assert f"{KEY} is in the environment too" in capsys.readouterr().out


def test_logins_of_venues_and_tables_come_from_a_store_too(places: Paths, piped: Piped) -> None:
    places.settings_file.write_text(
        '[secrets]\nstore = "file"\n[venues.mine]\nkind = "binance"\n[venues.apex-1]\nkind = "practice"\n'
    )
    others = '{"pager": "json://127.0.0.1/canary"}'
    for name, value in (("TSTREAM_VENUES__MINE__KEY", "canary-1"), ("TSTREAM_NOTIFY_OTHERS", others)):
        assert piped("secrets", "set", name, text=value) == 0
    settings = load(places).settings
    assert settings.venues["mine"].key.get_secret_value() == "canary-1"
    assert settings.venues["mine"].place == "live"
    assert settings.notify.others["pager"].get_secret_value() == "json://127.0.0.1/canary"
    assert {"canary-1", "json://127.0.0.1/canary"} <= set(settings.secret_values())
    piped("secrets", "set", "TSTREAM_NOTIFY_OTHERS", text="canary-no-json")
    with pytest.raises(SettingsError, match="must hold a table as JSON") as refused:
        load(places)
    assert "canary" not in str(refused.value)


def test_move_proves_before_it_takes_away(
    places: Paths, piped: Piped, capsys: pytest.CaptureFixture[str]
) -> None:
    dotenv = places.config / ".env"
    dotenv.write_text(f"# mine\nTSTREAM_PROJECTX_USER=trader\n{KEY}='{CANARY}'\nTSTREAM_RISK_MAX_TRADES=7\n")
    assert piped("secrets", "move", "--to", "file") == 0
    told = capsys.readouterr().out
    assert 'set store = "file" in [secrets]' in told
    assert CANARY not in told
    assert dotenv.read_text() == "# mine\nTSTREAM_RISK_MAX_TRADES=7\n"
    places.settings_file.write_text('[secrets]\nstore = "file"\n')
    login = load(places).settings.projectx
    assert (login.user, login.key.get_secret_value()) == ("trader", CANARY)
    assert piped("secrets", "move", "--to", "dotenv", KEY) == 0
    assert f"{KEY}='{CANARY}'" in dotenv.read_text()
    assert json.loads((places.config / "secrets.json").read_text())["header"]["kdf"] == "scrypt"
    assert piped("secrets", "move", "--to", "dotenv", KEY) == 1
    assert "nothing to move" in capsys.readouterr().err


def test_from_vault(places: Paths, piped: Piped, monkeypatch: pytest.MonkeyPatch) -> None:
    with vault_server() as vault:
        places.settings_file.write_text(f'[secrets]\nstore = "vault"\nvault_url = "{vault.url}"\n')
        monkeypatch.setenv("VAULT_TOKEN", TOKEN)
        assert piped("secrets", "set", KEY, text=CANARY) == 0
        assert load(places).settings.projectx.key.get_secret_value() == CANARY
        assert vault.versions == [{KEY: CANARY}]
        vault.sealed = True
        with pytest.raises(SettingsError, match=r"secrets\.store = \"vault\".*503"):
            load(places)


@pytest.mark.parametrize(
    ("words", "text", "why"),
    [
        (("set", "TSTREAM_PROJECTX_KY"), "x", "did you mean TSTREAM_PROJECTX_KEY"),
        (("set", "MASTER_PASSWORD"), "x", "uses no secret|use no secret"),
        (("set", KEY, CANARY), "", "unexpected extra argument"),
        (("set", KEY), "", "is empty"),
        (("set", KEY), "x" * 9000, "more than 8192"),
        (("set", KEY, "--store", "elsewhere"), "x", "no store is called elsewhere"),
        (("get", KEY), "", "is not set"),
        (("remove", KEY), "", "is not in"),
        (("move", "--to", "file"), "", "nothing to move"),
    ],
)
def test_what_can_not_be_done_is_said(
    places: Paths,
    piped: Piped,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    text: str,
    why: str,
) -> None:
    import re

    assert piped("secrets", *words, text=text) != 0
    assert re.search(why, capsys.readouterr().err, re.IGNORECASE)


def test_without_a_password_a_start_says_what_to_set(
    places: Paths, piped: Piped, monkeypatch: pytest.MonkeyPatch
) -> None:
    places.settings_file.write_text('[secrets]\nstore = "file"\n')
    piped("secrets", "set", KEY, text=CANARY)
    monkeypatch.delenv("MASTER_PASSWORD")
    with pytest.raises(SettingsError, match="set MASTER_PASSWORD"):
        load(places)
    monkeypatch.setenv("MASTER_PASSWORD", "canary-wrong-password")
    with pytest.raises(SettingsError, match="password is wrong") as refused:
        load(places)
    assert "canary" not in str(refused.value)


def test_a_wrong_section_is_told_once(complaints: Callable[..., list[str]]) -> None:
    assert complaints('[secrets]\nstore = "safe"') == [
        'secrets.store = "safe": must be one of file, keyring, aws, vault, or empty (in ~/tstream.toml)'
    ]
    assert "vault_url is needed" in complaints('[secrets]\nstore = "vault"')[0]


def test_the_password_is_asked_for_twice_where_it_is_new(
    places: Paths, piped: Piped, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from engine.model.errors import FatalError
    from tstream.settings.stores import typed_password

    answers = iter(["short", "long enough", "long enough!", "long enough", "long enough", "any"])
    monkeypatch.setattr("getpass.getpass", lambda _prompt: next(answers))
    with pytest.raises(FatalError, match="at least 8"):
        typed_password(tmp_path, new=True)
    with pytest.raises(FatalError, match="differ"):
        typed_password(tmp_path, new=True)
    assert typed_password(tmp_path, new=True) == "long enough"
    assert typed_password(tmp_path, new=False) == "any"
