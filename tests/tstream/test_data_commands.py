"""tstream data: a file becomes a dataset, is looked at, exported and removed."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.datasets.library import Library
from tests.support.recordings import DATA, needs_recordings
from tstream import paths
from tstream.cli import call

Out = pytest.CaptureFixture[str]
CASES = DATA.parent / "cases" / "tapes"
HEAD = "time,open,high,low,close,volume\n"
ES = ("--symbol", "ES", "--stamp", "open")
CHICAGO = ("--symbol", "ES", "--zone", "America/Chicago", "--stamp", "close")


def rows(count: int, start: int = 0, price: float = 5000.0) -> str:
    return "".join(
        f"2026-03-04T15:{m:02}:00Z,{price + m},{price + m + 1.25},{price + m - 0.5},{price + m + 0.75},"
        f"{m + 1}\n"
        for m in range(start, start + count)
    )


@pytest.fixture
def table(tmp_path: Path) -> Callable[..., str]:
    def write(text: str, name: str = "es.csv") -> str:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return str(tmp_path / name)

    return write


def done(*words: str) -> None:
    assert call(["data", *words]) == 0


def kept(name: str = "es-1m") -> list[tuple[int, ...]]:
    bars = Library(paths.find().datasets).bars(name)
    return [(bar.open_ts, bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in bars]


def test_a_file_is_imported_listed_checked_and_removed(table: Callable[..., str], capsys: Out) -> None:
    file = table(HEAD + rows(10) + "the end\n")
    done("import", file, *ES)
    out = capsys.readouterr().out
    assert "es-1m: ES 1m, 10 bars, 2026-03-04 15:00 to 2026-03-04 15:10 UTC\n" in out
    assert "from es.csv: 11 rows, stamped by the open, sha256 " in out
    assert "dropped 1 of 11 rows\n· 1 notes among the rows (1 dropped)\n    row 12: 1 columns instead" in out
    assert len(kept()) == 10
    done("list", "--json")
    (card,) = json.loads(capsys.readouterr().out)
    assert (card["name"], card["rows"], card["instrument"]["tick_size"]) == ("es-1m", 10, "0.25")
    done("check", "es-1m")
    assert "row 12: 1 columns" in capsys.readouterr().out
    assert call(["data", "remove", "es-1m"]) == 2
    done("remove", "es-1m", "--yes")
    assert call(["data", "check", "es-1m"]) == 1
    assert "no dataset is called es-1m; there is none yet" in capsys.readouterr().err


def test_a_dry_run_keeps_nothing(table: Callable[..., str], capsys: Out, home: Path) -> None:
    done("import", table(HEAD + rows(3)), "--symbol", "ES", "--dry-run")
    assert "(not kept)" in capsys.readouterr().out
    assert not home.exists()


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ((), "say what the file is of, as in --symbol ES"),
        (("--symbol", "ES"), "its open or its close, as in --stamp close"),
        (("--symbol", "SPY", "--stamp", "open"), "SPY is in no table"),
        (("--symbol", "SPY", "--stamp", "open"), "as in --tick 0.01 --calendar us_equities"),
        ((*ES, "--tick", "0.1"), "ES is known, and its tick_size is another"),
        ((*ES, "--name", "a/b"), "can't be a dataset's name"),
        ((*ES, "--timeframe", "1d"), "bars of 1d can't be kept: at most 1h"),
        ((*ES, "--zone", "Mars"), "no time zone is called 'Mars'"),
    ],
)
def test_what_is_not_said_is_asked_for(
    table: Callable[..., str], capsys: Out, words: Sequence[str], problem: str
) -> None:
    assert call(["data", "import", table(HEAD + rows(3)), *words]) in (1, 2)
    assert problem in capsys.readouterr().err


def test_a_name_that_is_taken_is_replaced_or_merged_on_demand(table: Callable[..., str], capsys: Out) -> None:
    first, more = table(HEAD + rows(10)), table(HEAD + rows(10, 5), "more.csv")
    done("import", first, *ES)
    assert call(["data", "import", more, *ES]) == 2
    assert (
        "there is a dataset es-1m already: --merge with it, --replace it, or --name"
        in capsys.readouterr().err
    )
    done("import", more, *ES, "--merge")
    assert "5 bars are new to es-1m" in capsys.readouterr().err
    together = kept()
    assert len(together) == 15
    card = Library(paths.find().datasets).find("es-1m")
    done("import", more, *ES, "--merge")
    assert kept() == together
    assert Library(paths.find().datasets).find("es-1m") == card
    done("import", table(HEAD + rows(10, 5, 5001), "other.csv"), *ES, "--merge")
    assert "10 bars that differ from those that were there, which stay" in capsys.readouterr().out
    assert kept() == together
    assert (
        call(["data", "import", more, "--symbol", "MES", "--stamp", "open", "--name", "es-1m", "--merge"])
        == 2
    )
    done("import", more, *ES, "--replace")
    assert len(kept()) == 10


def test_an_instrument_that_nobody_knows_is_described_on_the_way(table: Callable[..., str]) -> None:
    text = (
        HEAD + "1772636400,60000.1,60010.2,59990,60005,1.2345\n1772636460,60005,60006,60004,60005.5,0.0019\n"
    )
    words = (
        "--symbol",
        "BTCUSDT",
        "--tick",
        "0.1",
        "--lot",
        "0.001",
        "--calendar",
        "always",
        "--stamp",
        "open",
    )
    done("import", table(text), *words)
    assert [bar[1:] for bar in kept("btcusdt-1m")] == [
        (600_001, 600_102, 599_900, 600_050, 1234),
        (600_050, 600_060, 600_040, 600_055, 1),
    ]
    card = Library(paths.find().datasets).find("btcusdt-1m")
    assert (card.instrument.kind, card.instrument.base, card.instrument.calendar) == (
        "perpetual",
        "BTC",
        "always",
    )


def test_a_contract_of_a_product_is_picked_by_its_name(table: Callable[..., str]) -> None:
    text = HEAD.replace("\n", ",symbol\n") + "".join(
        f"{row},{name}\n" for row in rows(4).splitlines() for name in ("ESH6", "ESM6")
    )
    assert call(["data", "import", table(text), *ES]) == 2
    done("import", table(text), "--symbol", "ESH6", "--stamp", "open")
    assert len(kept()) == 4


def test_changes_of_the_contract_are_told_and_can_be_taken_out(
    table: Callable[..., str], capsys: Out, tmp_path: Path
) -> None:
    head = HEAD.replace("\n", ",symbol\n")
    old = "".join(f"{row},ESH6\n" for row in rows(5).splitlines())
    new = "".join(f"{row},ESM6\n" for row in rows(5, 5, 5052.25).splitlines())
    done("import", table(head + old + new), *ES)
    assert "1 changes of the contract" in (out := capsys.readouterr().out)
    assert "ESH6 to ESM6: +210 ticks" in out
    done("export", "es-1m", "--csv", str(tmp_path / "plain.csv"))
    done("export", "es-1m", "--csv", str(tmp_path / "adjusted.csv"), "--adjusted")
    plain, adjusted = ((tmp_path / f"{one}.csv").read_text().splitlines() for one in ("plain", "adjusted"))
    assert plain[5].split(",")[4] == "5004.75"
    assert adjusted[5].split(",")[4] == adjusted[6].split(",")[1] == "5057.25"
    assert adjusted[6:] == plain[6:]
    done("import", table(HEAD + rows(10), "unnamed.csv"), *ES, "--replace")
    assert call(["data", "export", "es-1m", "--csv", "-", "--adjusted"]) == 2
    assert "give their times with --rolls FILE" in capsys.readouterr().err
    rolls = table("date,step\n2026-03-04T15:05:00Z,10.25\n", "rolls.csv")
    done("export", "es-1m", "--csv", "-", "--rolls", rolls)
    assert capsys.readouterr().out.splitlines()[5].split(",")[4] == "5015.00"
    wrong = table("2026-03-04T15:05:00Z,0.1\n", "wrong.csv")
    assert call(["data", "export", "es-1m", "--csv", "-", "--rolls", wrong]) == 2
    assert "wrong.csv, row 1: 0.1 is not a multiple" in capsys.readouterr().err


def test_longer_bars_are_exported_and_parquet_is_read_back(table: Callable[..., str], tmp_path: Path) -> None:
    done("import", table(HEAD + rows(20)), *ES)
    whole = str(tmp_path / "es.parquet")
    done("export", "es-1m", "--parquet", whole)
    done("import", whole, *ES, "--name", "back")
    assert kept("back") == kept()
    done("export", "es-1m", "--parquet", str(tmp_path / "five.parquet"), "--timeframe", "5m")
    done("import", str(tmp_path / "five.parquet"), *ES)
    assert [bar[5] for bar in kept("es-5m")] == [15, 40, 65, 90]
    assert call(["data", "export", "es-5m", "--csv", "-", "--timeframe", "1m"]) == 2


@given(
    st.lists(
        st.tuples(st.integers(1, 9), st.integers(10, 40_000), st.integers(0, 40), st.integers(0, 40),
                  st.integers(0, 10**9)),
        min_size=2, max_size=60,
    ),
    st.sampled_from(["csv", "parquet"]),
)  # fmt: skip
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_exported_and_imported_again_is_the_same(
    table: Callable[..., str], tmp_path: Path, drawn: list[tuple[int, ...]], form: str
) -> None:
    ts, text = 1_772_636_400, HEAD
    for steps, low, span, part, volume in [(1, 10, 1, 1, 1), *drawn]:
        ts += 60 * steps if text != HEAD else 0
        corners = (low + min(part, span), low + span, low, low + span // 2)
        text += f"{ts},{','.join(f'{one * 0.25:.2f}' for one in corners)},{volume}\n"
    words = (*ES, "--timeframe", "1m", "--replace")
    done("import", table(text), *words)
    file = str(tmp_path / f"out.{form}")
    done("export", "es-1m", f"--{form}", file)
    done("import", file, *words, "--name", "back")
    assert kept("back") == kept()
    assert len(kept()) == len(drawn) + 1


def test_a_venues_history_is_fetched_once_and_added_to(capsys: Out) -> None:
    words = ("fetch", "--venue", "practice", "--contract", "mnq", "--days", "4")
    done(*words)
    first = kept("mnq-1m")
    assert len(first) > 100
    assert "from practice MNQ" in capsys.readouterr().out
    done(*words)
    assert len(kept("mnq-1m")) - len(first) < 3, "a minute or two may have passed"
    assert kept("mnq-1m")[: len(first)] == first


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--contract", "XX"), "unknown contract XX; known are MNQ"),
        (("--contract", "MNQ", "--venue", "mars"), "say which venue, as in --venue practice"),
        (("--contract", "MNQ", "--timeframe", "1d"), "a venue gives bars of up to 1h"),
    ],
)
def test_a_fetch_that_cannot_be_is_refused(capsys: Out, words: Sequence[str], problem: str) -> None:
    assert call(["data", "fetch", *words]) == 2
    assert problem in capsys.readouterr().err


@needs_recordings
@pytest.mark.parametrize(
    ("file", "words", "count", "first"),
    [
        ("tradingview", ES, 3, "2024-03-08 14:30"),
        ("bom_crlf", ES, 3, "2024-03-08 14:30"),
        ("ninja", CHICAGO, 3, "2024-03-08 20:30"),
        ("sierra", CHICAGO, 2, "2024-03-08 14:29"),
        ("kibot", CHICAGO, 2, "2024-03-08 15:29"),
        ("firstrate", CHICAGO, 2, "2024-03-08 15:29"),
        ("barchart", CHICAGO, 2, "2024-03-08 14:29"),
        ("thousands", ES, 2, "2024-03-08 14:30"),
        ("excel_eu", (*ES, "--timeframe", "1m"), 1, "2024-03-08 14:30"),
        ("databento_trades", ES, 1, "2024-03-08 14:30"),
        ("databento_trades_parent", ("--symbol", "ESH4"), 1, "2024-03-08 14:30"),
    ],
)  # fmt: skip
def test_the_layouts_of_vendors(file: str, words: Sequence[str], count: int, first: str, capsys: Out) -> None:
    done("import", str(CASES / f"{file}.csv"), *words)
    out = capsys.readouterr().out
    assert f"ES 1m, {count:,} bars, {first} to" in out
    name = "es-1m"
    assert len(kept(name)) == count
    assert kept(name)[0][1] in (20_601, 20_602)


@needs_recordings
@pytest.mark.parametrize(
    ("file", "problem"),
    [
        ("ninja", "its open or its close, as in --stamp close"),
        ("sierra", "name its zone, as in --zone America/Chicago"),
        ("databento_trades_parent", "row 3: 'ESM4' after 'ESH4'"),
        ("excel_eu", "one bar does not tell its timeframe: say it, as in --timeframe 5m"),
    ],
)
def test_vendors_files_without_what_they_need_are_refused(file: str, problem: str, capsys: Out) -> None:
    words = ("--zone", "America/Chicago") if file == "ninja" else ()
    stamp = () if file == "ninja" else ("--stamp", "open")
    assert call(["data", "import", str(CASES / f"{file}.csv"), "--symbol", "ES", *words, *stamp]) == 2
    assert problem in capsys.readouterr().err


@needs_recordings
def test_defects_of_recorded_bars_are_found(capsys: Out) -> None:
    folder = DATA / "ohlcv"
    coins = ("--lot", "0.00001", "--calendar", "always", "--tick", "0.01", "--dry-run")
    done("import", str(folder / "btcusdt_5m_broken_tail_2025.csv.gz"), "--symbol", "BTCUSDT", "--zone", "UTC",
         "--stamp", "open", *coins)  # fmt: skip
    out = capsys.readouterr().out
    assert "9 rows with columns left empty" in out
    assert "2025-09-20 05:30 to 2025-09-21 00:05: 223 bars" in out
