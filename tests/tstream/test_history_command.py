"""tstream history: status, rebuild, query; and that its address is a secret."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from pathlib import Path

import pytest

from adapters.common.redaction import REDACT
from adapters.store.virtual import SyncJournal
from engine.model import records as r
from tests.support.postgres import PostgresServer
from tests.tstream.test_history_projection import journal
from tstream.cli import call
from tstream.commands.check_kept import of_kept
from tstream.history.opening import history_of
from tstream.paths import Paths
from tstream.run.keeping import tick_tap
from tstream.settings.load import load

Out = pytest.CaptureFixture[str]
PASSWORD = "hunter2-hunter2"
URL = f"postgresql://anna:{PASSWORD}@127.0.0.1:9/trading"


@pytest.fixture
def played(places: Paths) -> Path:
    """The journal of a run that traded."""
    file = places.journal("practice")
    with SyncJournal(file, install="practised") as writing:
        writing.append([r.encode(record) for record in journal(1)], 1)
    places.remember_run(file)
    return file


def told(capsys: Out, *words: str, code: int = 0) -> str:
    assert call(words) == code
    done = capsys.readouterr()
    return done.out if code == 0 else done.err


def test_status_says_how_far_it_is_and_rebuild_tells_the_rest(played: Path, capsys: Out) -> None:
    state = json.loads(told(capsys, "history", "status", "--json"))
    assert (state["record"], state["behind"]) == (0, len(journal(1)))
    assert "records told as" in told(capsys, "history", "rebuild", "--yes")
    state = json.loads(told(capsys, "history", "status", "--json"))
    assert (state["record"], state["behind"]) == (len(journal(1)), 0)
    assert state["rows"]["orders"] > 0
    words = told(capsys, "history", "status")
    assert "all told" in words
    assert "history.db" in words
    again = json.loads(told(capsys, "history", "status", "--json"))["rows"]
    told(capsys, "history", "rebuild", "--yes")
    assert json.loads(told(capsys, "history", "status", "--json"))["rows"] == again


def test_rebuild_asks_first(played: Path, capsys: Out) -> None:
    assert "say --yes" in told(capsys, "history", "rebuild", code=2)


def test_a_query_is_a_table_json_or_csv(played: Path, capsys: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    told(capsys, "history", "rebuild", "--yes")
    sql = "SELECT symbol, side, pnl_usd FROM trades ORDER BY id LIMIT 2"
    head, first, *_ = told(capsys, "history", "query", sql).splitlines()
    assert head.split() == ["symbol", "side", "pnl_usd"]
    rows = json.loads(told(capsys, "history", "query", "--json", sql))
    assert first.split()[0] == rows[0]["symbol"]
    assert isinstance(rows[0]["pnl_usd"], int | float)
    lines = list(csv.reader(io.StringIO(told(capsys, "history", "query", "--csv", sql))))
    assert lines[0] == ["symbol", "side", "pnl_usd"]
    assert len(lines) == 1 + len(rows)
    assert told(capsys, "history", "query", "SELECT 1 WHERE 1 = 2") == "no rows\n"
    monkeypatch.setattr("sys.stdin", io.StringIO("SELECT 41 + 1 AS answer"))
    assert told(capsys, "history", "query", "-").split() == ["answer", "42"]


def test_a_query_that_is_cut_says_so(played: Path, capsys: Out) -> None:
    told(capsys, "history", "rebuild", "--yes")
    assert call(("history", "query", "--limit", "1", "SELECT client_id FROM orders")) == 0
    done = capsys.readouterr()
    assert len(done.out.splitlines()) == 2
    assert "there are more" in done.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("DELETE FROM trades",), "change nothing"),
        (("SELECT * FROM nowhere",), "no such table"),
        (("",), "there is no question"),
        (("--json", "--csv", "SELECT 1"), "one or another"),
    ],
)
def test_what_is_wrong_is_said(words: tuple[str, ...], said: str, played: Path, capsys: Out) -> None:
    told(capsys, "history", "rebuild", "--yes")
    assert call(("history", "query", *words)) in (1, 2)
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error


def test_without_a_run_or_a_history_it_says_what_to_do(places: Paths, capsys: Out) -> None:
    assert "there is no run yet" in told(capsys, "history", "status", code=1)
    assert "first run of tstream" in told(capsys, "history", "query", "SELECT 1", code=1)


def test_a_damaged_file_is_told_with_the_remedy(played: Path, places: Paths, capsys: Out) -> None:
    places.history.write_bytes(b"this is no database" * 100)
    assert "move it away" in told(capsys, "history", "status", code=1)


def test_the_file_is_its_owners_alone_and_apart_from_the_journal(
    played: Path, places: Paths, capsys: Out
) -> None:
    told(capsys, "history", "rebuild", "--yes")
    assert places.history.stat().st_mode & 0o777 == 0o600
    with sqlite3.connect(played) as db:
        tables = {name for (name,) in db.execute("SELECT name FROM sqlite_schema")}
    assert "trades" not in tables


@pytest.mark.parametrize("name", ["DATABASE_URL", "TSTREAM_HISTORY_URL"])
def test_the_address_of_a_database_comes_from_the_environment_and_is_a_secret(
    name: str, played: Path, places: Paths, capsys: Out, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, URL)
    settings = load(places).settings
    assert history_of(settings, places).place == "PostgreSQL at 127.0.0.1, database trading"
    assert PASSWORD in settings.secret_values()
    assert PASSWORD not in repr(settings)
    error = told(capsys, "history", "status", code=1)
    assert "PostgreSQL can't be used now" in error
    assert PASSWORD not in error
    assert PASSWORD not in REDACT(f"connecting to {URL}")
    assert REDACT("trading anna tstream") == "trading anna tstream", "names are no secrets"


def test_our_own_name_of_an_address_counts_first(places: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", URL.replace("trading", "other"))
    monkeypatch.setenv("TSTREAM_HISTORY_URL", URL)
    assert load(places).settings.history.url.get_secret_value() == URL


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://a:b-secret-b@h/d"),
        ("REDIS_URL", "http://:b-secret-b@h"),
        ("REDIS_URL", "nonsense"),
    ],
)
def test_a_wrong_address_is_named_and_not_shown(
    name: str, value: str, places: Paths, capsys: Out, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    error = told(capsys, "history", "query", "SELECT 1", code=2)
    assert "must be an address such as" in error
    assert name in error
    assert "b-secret-b" not in error


def test_addresses_have_no_place_in_the_settings_file(places: Paths, capsys: Out) -> None:
    places.settings_file.parent.mkdir(parents=True, exist_ok=True)
    places.settings_file.write_text(f'[history]\nurl = "{URL}"\n', encoding="utf-8")
    error = told(capsys, "history", "query", "SELECT 1", code=2)
    assert "belongs in .env" in error
    assert PASSWORD not in error


def test_prices_are_listened_to_only_where_redis_is_set(
    places: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tick_tap(load(places).settings) is None
    monkeypatch.setenv("REDIS_URL", "redis://localhost")
    assert tick_tap(load(places).settings) is not None


def test_check_says_whether_databases_can_be_reached(
    postgres: PostgresServer, places: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", postgres.database())
    monkeypatch.setenv("REDIS_URL", f"redis://:{PASSWORD}@127.0.0.1:9")
    database, redis = of_kept(load(places).settings)
    assert (database.name, database.ok, "version 16" in database.detail) == ("history", True, True)
    assert (redis.name, redis.ok, PASSWORD in redis.detail) == ("redis", False, False)
    monkeypatch.setenv("DATABASE_URL", URL)
    refused, _ = of_kept(load(places).settings)
    assert (refused.ok, PASSWORD in refused.detail) == (False, False)


def test_a_query_of_postgresql_is_shown_as_one_of_sqlite_is(
    postgres: PostgresServer, played: Path, capsys: Out, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", postgres.database())
    told(capsys, "history", "rebuild", "--yes")
    rows = json.loads(
        told(capsys, "history", "query", "--json", "SELECT timestamp, price FROM fills LIMIT 1")
    )
    assert rows[0]["timestamp"].endswith("+00:00")
    assert isinstance(rows[0]["price"], int | float)
    assert "PostgreSQL at this machine" in told(capsys, "history", "status")
