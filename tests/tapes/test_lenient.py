"""Bars read for a dataset: what traders have is read right; what can't be a bar is counted by its kind."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from adapters.tapes.bar_files import read_bar_file
from adapters.tapes.fields import TapeError
from adapters.tapes.lenient import HoldsTicksError, LenientReading, LenientWishes
from adapters.tapes.tables import Stamp
from adapters.tapes.tape import zone_of
from engine.model.datasets import Flaw
from engine.model.instrument import CME_FUTURES
from engine.model.market import MINUTE, Timeframe

NOON = 1_709_899_200 * 10**9
"""2024-03-08T12:00:00Z: 06:00 in Chicago."""
ES = CME_FUTURES["ES"]
ROWS = [(NOON, 20_601, 20_604, 20_599, 20_602, 812), (NOON + MINUTE, 20_602, 20_609, 20_601, 20_608, 1655)]
HEAD = "time,open,high,low,close,volume\n"
A, B = "5150.25,5151,5149.75,5150.5,812", "5150.5,5152.25,5150.25,5152,1655"
Read = Callable[..., LenientReading]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def reading(text: str | bytes, name: str = "es.csv", **how: object) -> LenientReading:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        zone = zone_of(str(how.pop("zone", "America/Chicago")))
        wanted = replace(LenientWishes(ES, Stamp.OPEN, zone), **how)
        return read_bar_file(path, wanted, lambda rows: None)

    return reading


def rows(reading: LenientReading) -> list[tuple[int, ...]]:
    return [(bar.open_ts, bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in reading.bars]


def flaws(reading: LenientReading) -> dict[Flaw, tuple[int, int]]:
    """Count and dropped of each."""
    return {one.flaw: (one.count, one.dropped) for one in reading.findings}


@pytest.mark.parametrize(
    "text",
    [
        f"2024.03.08,06:00,{A}\n2024.03.08,06:01,{B}\n",
        f"1709899200,{A},31\n1709899260,{B},12\n",
        f"1709899200000,{A},1709899259999,1,2,3,4,0\n1709899260000,{B},1709899319999,1,2,3,4,0\n",
        f"1709899200000000,{A},1709899259999999,1,2,3,4,0\n1709899260000000,{B},170989931999,1,2,3,4,0\n",
        f"t,o,h,l,c,v\n1709899200000000000,{A}\n1709899260000000000,{B}\n",
        f"<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\n"
        f"2024.03.08\t06:00:00\t{A}\n2024.03.08\t06:01:00\t{B}\n".replace(",", "\t"),
        "Gmt time,Open,High,Low,Close,Volume\n"
        f"08.03.2024 12:00:00.000,{A}\n08.03.2024 12:01:00.000,{B}\n",
        f"{HEAD.replace('time', 'timestamp_utc')}2024-03-08 12:00:00,{A}\n2024-03-08 12:01:00,{B}\n",
        f"unix,date,symbol,open,high,low,close,volume\n1709899260,2024-03-08 12:01,ES,{B}\n"
        f"1709899200,2024-03-08 12:00,ES,{A}\n",
        f"Made by a vendor, https://example.org\n{HEAD}"
        f"2024-03-08 6:00 AM,{A}\n2024-03-08 6:01 AM,{B}\n",
        f"{HEAD}2024-03-08 06:00,{A}\n2024-03-08 06:01,{B}\n".replace(",", "|"),
    ],
    ids=["metatrader4", "kraken", "binance-ms", "binance-us", "letters", "metatrader5", "dukascopy",
         "utc-heading", "unix-and-date", "notice-on-top", "pipes"],
)  # fmt: skip
def test_more_layouts_that_traders_have(read: Read, text: str) -> None:
    reading = read(text)
    assert rows(reading) == ROWS
    assert reading.bars[0].timeframe is Timeframe.M1
    assert set(flaws(reading)) <= {Flaw.NOTE}


def test_a_clock_of_twelve_hours(read: Read) -> None:
    text = (
        HEAD
        + f"2024-03-07 11-PM,{A}\n2024-03-08 12-AM,{A}\n"
        + f"2024-03-08 01-AM,{B}\n2024-03-08 12-PM,{B}\n"
    )
    reading = read(text, zone="UTC", timeframe=Timeframe.H1)
    assert [(bar.open_ts - NOON) // (60 * MINUTE) for bar in reading.bars] == [-13, -12, -11, 0]


@pytest.mark.parametrize(("month_first", "date"), [(True, "3/8/2024"), (False, "8/3/2024")])
def test_what_comes_first_in_a_date_is_asked_for(read: Read, month_first: bool, date: str) -> None:
    text = f"{HEAD}{date} 6:00 AM,{A}\n{date} 6:01:00 AM,{B}\n"
    assert rows(read(text, month_first=month_first)) == ROWS
    with pytest.raises(TapeError, match=r"row 2: .*: say what comes first, as in --dates month-first"):
        read(text)


def test_every_row_is_a_bar_or_is_counted_with_the_row_that_shows_it(read: Read) -> None:
    good = [f"2024-03-08 06:{m:02},{A},x\n" for m in range(10)]
    text = "time,open,high,low,close,volume,mark\n" + "".join(
        [
            *good,
            "Rows are delayed by ten minutes\n",
            "2024-03-08 06:10,5150.25,5151,5149.75\n",
            "2024-03-08 06:11,5150.25,,5149.75,5150.5,812,x\n",
            "2024-03-08 06:12,0,5151,0,5150.5,812,x\n",
            "2024-03-08 06:13,-5150.25,5151,-5150.25,5150.5,812,x\n",
            "2024-03-08 06:14,5150.30,5151,5149.75,5150.5,812,x\n",
            "2024-03-08 06:15,5150.25,5150.25,5149.75,5150.5,812,x\n",
            "2024-03-08 06:16,5150.25,n/a,5149.75,5150.5,812,x\n",
            "2024-03-08 06:16,5150.25,5151,5149.75,5150.5,-1,x\n",
            "2024-03-08 06:17:30,5150.25,5151,5149.75,5150.5,812,x\n",
            "2024-03-32 06:18,5150.25,5151,5149.75,5150.5,812,x\n",
            "2024-03-10 02:30,5150.25,5151,5149.75,5150.5,812,x\n",
            good[3],
            good[4].replace("812", "813"),
            good[5].replace("06:05", "06:19").replace(",x", ","),
        ]
    )  # fmt: skip
    reading = read(text)
    assert flaws(reading) == {
        Flaw.NOTE: (1, 1),
        Flaw.TORN: (2, 2),
        Flaw.TIME: (1, 1),
        Flaw.CLOCK_CHANGE: (1, 1),
        Flaw.OFF_TIME: (1, 1),
        Flaw.NUMBER: (2, 2),
        Flaw.NOT_POSITIVE: (2, 2),
        Flaw.OFF_GRID: (1, 1),
        Flaw.CORNERS: (1, 1),
        Flaw.REPEATED: (1, 1),
        Flaw.CONFLICT: (1, 1),
        Flaw.DISORDER: (2, 0),
        Flaw.INCOMPLETE: (1, 0),
    }
    assert reading.rows == 25 == len(reading.bars) + sum(one.dropped for one in reading.findings)
    examples = {one.flaw: one.first[0] for one in reading.findings}
    assert examples[Flaw.OFF_GRID] == "row 17: price 5150.30 is not a multiple of ES's tick 0.25"
    assert examples[Flaw.NOTE].startswith("row 12: 1 columns instead of 7: 'Rows are delayed")


def test_prices_are_rounded_only_when_asked_and_counted(read: Read) -> None:
    text = HEAD + f"2024-03-08 06:00,{A}\n2024-03-08 06:01,5150.4,5152.20,5150.3,5152,1655\n"
    assert flaws(read(text, timeframe=Timeframe.M1)) == {Flaw.OFF_GRID: (1, 1)}
    reading = read(text, rounding=True)
    assert rows(reading) == ROWS
    assert flaws(reading) == {Flaw.ROUNDED: (1, 0)}


def test_rows_out_of_order_are_sorted_and_the_newest_first_is_an_order(read: Read) -> None:
    minutes = [f"2024-03-08 06:{m:02},{A}\n" for m in range(6)]
    assert flaws(read(HEAD + "".join(reversed(minutes)))) == {}
    shuffled = [minutes[0], minutes[3], minutes[1], minutes[2], minutes[4], minutes[5]]
    reading = read(HEAD + "".join(shuffled))
    assert flaws(reading) == {Flaw.DISORDER: (2, 0)}
    assert [(bar.open_ts - NOON) // MINUTE for bar in reading.bars] == [0, 1, 2, 3, 4, 5]


def test_contracts_may_follow_each_other_and_not_stand_side_by_side(read: Read) -> None:
    head = HEAD.replace("\n", ",symbol\n")
    follows = head + f"2024-03-08 06:00,{A},ESH4\n2024-03-08 06:01,{B},ESM4\n"
    assert read(follows).contracts == ["ESH4", "ESM4"]
    beside = head + f"2024-03-08 06:00,{A},ESH4\n2024-03-08 06:00,{B},ESM4\n2024-03-08 06:01,{B},ESH4\n"
    with pytest.raises(TapeError, match="holds several contracts at a time; say which, as in --symbol ESH4"):
        read(beside)
    assert rows(read(beside, symbol="ESH4")) == ROWS


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is empty"),
        (HEAD, "has no bars; it has no rows"),
        (f"{HEAD}2024-03-08 06:00,{A}\n", "one bar does not tell its timeframe: say it, as in --timeframe"),
        (f"{HEAD}1709899200,{A}\n1709899207,{B}\n", "most bars are 7 s apart, which is none of 1m"),
        (f"{HEAD}2024-03-08 06:00,1,2,3,4,5\n", "has no bars; 1 a high or low that does not hold"),
        ("a,b\n1,2\n", "no time column"),
    ],
)  # fmt: skip
def test_a_file_of_which_nothing_can_be_made_is_refused(read: Read, text: str, problem: str) -> None:
    with pytest.raises(TapeError, match=problem):
        read(text)


def test_times_without_a_zone_are_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "es.csv").write_text(f"{HEAD}2024-03-08 06:00,{A}\n")
    with pytest.raises(TapeError, match=r"row 2: .* name its zone, as in --zone America/Chicago"):
        read_bar_file(tmp_path / "es.csv", LenientWishes(ES, Stamp.OPEN), lambda rows: None)


def test_files_zipped_gzipped_and_of_wide_characters(read: Read, tmp_path: Path) -> None:
    text = f"{HEAD}2024-03-08 06:00,{A}\n2024-03-08 06:01,{B}\n"
    assert rows(read(gzip.compress(text.encode()), "es.txt.gz")) == ROWS
    assert rows(read(text.encode("utf-16"), "es.txt")) == ROWS
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("es.csv", text)
    data = (tmp_path / "a.zip").read_bytes()
    assert rows(read(data, "es.zip")) == ROWS
    with zipfile.ZipFile(tmp_path / "a.zip", "a") as archive:
        archive.writestr("nq.csv", text)
    with pytest.raises(TapeError, match=r"one table .* is wanted in a zip, and it has 2: unpack it"):
        read((tmp_path / "a.zip").read_bytes(), "two.zip")


def test_ticks_are_told_from_bars(read: Read) -> None:
    with pytest.raises(HoldsTicksError):
        read("time,price,size\n1709899200,5150.25,1\n")


def test_a_brokers_clock_has_a_fixed_offset(read: Read) -> None:
    text = f"{HEAD}2024-03-08 15:00,{A}\n2024-03-08 15:01,{B}\n"
    assert rows(read(text, zone="UTC+3")) == ROWS
    assert rows(read(text.replace(" 15:", " 07:"), zone="UTC-5")) == ROWS
