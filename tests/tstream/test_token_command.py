"""tstream token: made, shown once, listed without their secret, revoked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adapters.control.tokens import KnownTokens, Scope
from tests.tstream.conftest import Reading
from tstream import paths
from tstream.cli import call
from tstream.options import RunOptions
from tstream.settings.model import Settings


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TSTREAM_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_a_token_is_made_shown_listed_and_revoked(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["token", "create", "script", "--scope", "trade", "--days", "90"]) == 0
    out, err = capsys.readouterr()
    text = out.strip()
    assert "script may read, trade, until 2" in err
    found = KnownTokens(paths.find().api_tokens).whose(text)
    assert found is not None
    assert found.scopes == (Scope.READ, Scope.TRADE)
    assert call(["token", "list"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("script ")
    assert text not in shown
    assert call(["token", "list", "--json"]) == 0
    [row] = json.loads(capsys.readouterr().out)
    assert (row["name"], row["scopes"], row["expired"]) == ("script", ["read", "trade"], False)
    assert call(["token", "revoke", "script"]) == 0
    assert capsys.readouterr().out == "script counts no more\n"
    assert KnownTokens(paths.find().api_tokens).whose(text) is None
    assert call(["token", "list"]) == 0
    assert "there is no token" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["create", "two words"], 2, "is no name"),
        (["create", "API_TOKEN"], 2, "is no name"),
        (["create", "x", "--scope", "root"], 2, "root"),
        (["create", "x", "--days", "0"], 2, "--days"),
        (["revoke", "nobody"], 1, "no token is called nobody; there are: none"),
    ],
)
def test_what_is_asked_wrongly_is_told(
    home: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: int, told: str
) -> None:
    assert call(["token", *words]) == code
    assert told in capsys.readouterr().err


def test_the_token_of_the_environment_is_read_by_both_names(
    reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not reading("").settings.api.enabled
    assert reading("", dotenv="API_TOKEN=from-a-file-1234567").settings.api.token.get_secret_value() == (
        "from-a-file-1234567"
    )
    monkeypatch.setenv("API_TOKEN", "from-the-environment")
    found = reading("[api]\nport = 8001", dotenv="API_TOKEN=from-a-file-1234567").settings
    assert (found.api.token.get_secret_value(), found.api.port) == ("from-the-environment", 8001)
    assert "from-the-environment" in found.secret_values()
    monkeypatch.setenv("TSTREAM_API_TOKEN", "our-own-name-counts-first")
    assert reading("").settings.api.token.get_secret_value() == "our-own-name-counts-first"


def test_beyond_this_machine_it_travels_encrypted(reading: Reading) -> None:
    for text in ('host = "0.0.0.0"', 'host = "::"', 'host = "192.0.2.1"'):
        with pytest.raises(Exception, match="tokens would travel readable"):
            reading(f"[api]\n{text}")
    for text in (
        'host = "0.0.0.0"\ncertificate = "a.pem"\ncertificate_key = "b.pem"',
        'host = "0.0.0.0"\nencrypted_outside = true',
        'host = "::1"',
    ):
        assert reading(f"[api]\n{text}").settings.api.host
    with pytest.raises(Exception, match=r"api\.certificate"):
        reading('[api]\ncertificate_key = "b.pem"')


def test_options_of_a_run_count_before_the_settings() -> None:
    from tstream.run.api import wants_api

    off, on = Settings(), Settings(api={"enabled": True})  # type: ignore[arg-type]
    table = [(off, None, False), (on, None, True), (off, True, True), (on, False, False)]
    for settings, api, wanted in table:
        assert wants_api(settings, RunOptions(api=api)) is wanted


def test_settings_are_shown_without_secrets() -> None:
    from tstream.convert.api import masked

    settings = Settings(api={"token": "a-secret-of-sixteen"}, notify={"slack_url": "https://slack.example/x"})  # type: ignore[arg-type]
    shown = masked(settings)
    assert "a-secret" not in json.dumps(shown)
    assert "slack.example" not in json.dumps(shown)
    assert shown["api"]["token"] == "**********"
    assert shown["risk"]["max_trades"] == 40
    assert shown["projectx"]["key"] == ""
