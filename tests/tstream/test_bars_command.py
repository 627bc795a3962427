"""tstream bars."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.recordings import DATA, needs_recordings
from tstream.cli import call

Out = pytest.CaptureFixture[str]
Tape = Callable[..., str]

HEAD = "time,open,high,low,close,volume\n"


@pytest.fixture
def tape(tmp_path: Path) -> Tape:
    def write(*rows: str, head: str = HEAD) -> str:
        file = tmp_path / "tape.csv"
        file.write_text(head + "".join(f"{row}\n" for row in rows), encoding="utf-8")
        return str(file)

    return write


def minutes(count: int) -> list[str]:
    return [
        f"2024-03-08T15:{m:02}:00Z,{5000 + m}.00,{5001 + m}.25,{4999 + m}.50,{5000 + m}.75,{m + 1}"
        for m in range(count)
    ]


def bars(file: str, *more: str) -> int:
    """The exit code of the command on bars of ES that are stamped by their open."""
    return call(["bars", file, "--contract", "ES", "--stamp", "open", *more])


def test_a_table_of_the_last_bars(tape: Tape, capsys: Out) -> None:
    assert bars(tape(*minutes(25))) == 0
    out = capsys.readouterr().out
    assert "ES, 1m: 25 bars" in out
    assert "2024-03-08 15:24" in out
    assert "15:04" not in out
    assert "5024.75" in out


def test_longer_bars_as_csv(tape: Tape, capsys: Out) -> None:
    assert bars(tape(*minutes(10)), "--timeframe", "5m", "--csv", "-") == 0
    assert capsys.readouterr().out == (
        f"{HEAD}2024-03-08T15:00:00Z,5000.00,5005.25,4999.50,5004.75,15\n"
        "2024-03-08T15:05:00Z,5005.00,5010.25,5004.50,5009.75,40\n"
    )


def test_a_csv_file_reads_back_the_same(tape: Tape, tmp_path: Path, capsys: Out) -> None:
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    assert bars(tape(*minutes(7)), "--csv", str(first)) == 0
    assert bars(str(first), "--csv", str(second)) == 0
    assert first.read_text(encoding="utf-8") == second.read_text(encoding="utf-8")
    assert "7 bars written to" in capsys.readouterr().err


def test_a_broken_row_is_named(tape: Tape, capsys: Out) -> None:
    rows = [*minutes(3), "2024-03-08T15:03:00Z,oops,1,1,1,1"]
    assert bars(tape(*rows)) == 2
    assert capsys.readouterr().err == "tstream: tape.csv, row 5: price 'oops' is not a number\n"


@pytest.mark.parametrize("timeframe", ["1m", "3m"])
def test_bars_are_made_of_whole_ones_only(timeframe: str, tape: Tape, capsys: Out) -> None:
    assert bars(tape(*minutes(60)[::5]), "--timeframe", timeframe) == 2
    said = f"the tape holds bars of 5m: those of {timeframe} can't be made of them"
    assert said in capsys.readouterr().err


def test_a_file_that_cannot_be_written(tape: Tape, tmp_path: Path, capsys: Out) -> None:
    assert bars(tape(*minutes(3)), "--csv", str(tmp_path / "no" / "x.csv")) == 2
    assert "can't write" in capsys.readouterr().err


@needs_recordings
@pytest.mark.recordings
def test_recorded_ticks_fold_to_the_exchanges_minutes(capsys: Out) -> None:
    day = "20131007_trade.zip"
    written = []
    for folder in ("gc_ticks", "gc_minutes"):
        argv = ["bars", str(DATA / folder / day), "--contract", "GC", "--month", "201312", "--csv", "-"]
        assert call(argv) == 0
        written.append(capsys.readouterr().out.splitlines())
    folded, exchange = written
    assert len(folded) == len(exchange) == 1 + 1314
    assert folded[:-1] == exchange[:-1]
    # the last minute's volume is cut off
    assert folded[-1].rpartition(",")[0] == exchange[-1].rpartition(",")[0]


@needs_recordings
@pytest.mark.recordings
def test_a_month_the_recording_does_not_have(capsys: Out) -> None:
    argv = ["bars", str(DATA / "gc_ticks" / "20131007_trade.zip"), "--contract", "GC", "--month", "201313"]
    assert call(argv) == 2
    argv[-1] = "199912"
    assert call(argv) == 2
    assert "199912" in capsys.readouterr().err
