"""Plain CSV with a header."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.tapes.export import write_bars
from adapters.tapes.fields import TapeError
from adapters.tapes.plain import read_plain
from adapters.tapes.tables import Stamp
from adapters.tapes.tape import open_tape
from engine.model.instrument import CME_FUTURES
from engine.model.market import MINUTE, Bar, Timeframe
from tests.tapes.archives import MIDNIGHT

BARS = (
    "time,open,high,low,close,volume\n"
    "2013-10-07T00:00:00Z,1676.5,1676.75,1676.5,1676.75,19\n"
    "2013-10-07T00:01:00Z,1676.75,1676.75,1676.25,1676.25,60\n"
)


def csv(folder: Path, text: str) -> Path:
    path = folder / "es.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_bars_need_to_be_told_what_their_stamp_means(tmp_path: Path) -> None:
    path = csv(tmp_path, BARS)
    with pytest.raises(TapeError, match="its open or its close, as in --stamp close"):
        open_tape(path, "ES")
    with pytest.raises(TapeError, match="stamp 'middle' is neither open nor close"):
        open_tape(path, "ES", stamp="middle")
    assert [bar.open_ts - MIDNIGHT for bar in open_tape(path, "ES", stamp="open").bars()] == [0, MINUTE]
    assert [bar.open_ts - MIDNIGHT for bar in open_tape(path, "ES", stamp="close").bars()] == [-MINUTE, 0]


def test_columns_are_known_by_their_names_in_any_order_and_writing(tmp_path: Path) -> None:
    text = (
        "\ufeffVolume, Close ,remark,LOW,High,Open,Timestamp\r\n"
        '19,1676.75,"a, b",1676.5,1676.75,1676.5,1381104000\r\n'
        "60,1676.25,,1676.25,1676.75,1676.75,1381104060\r\n"
    )
    assert list(open_tape(csv(tmp_path, text), "ES", stamp="open").bars()) == list(
        open_tape(csv(tmp_path, BARS), "ES", stamp="open").bars()
    )


def test_the_timeframe_is_the_smallest_step_or_given(tmp_path: Path) -> None:
    head = "ts,open,high,low,close,volume\n"
    rows = [f"{1381104000 + 300 * i},1676.5,1676.5,1676.5,1676.5,1\n" for i in (0, 3, 4)]
    bars = open_tape(csv(tmp_path, head + "".join(rows)), "ES", stamp="close").bars()
    assert {bar.timeframe for bar in bars} == {Timeframe.M5}
    assert bars[0].open_ts == MIDNIGHT - 5 * MINUTE
    with pytest.raises(TapeError, match="one bar does not tell its timeframe: two are needed"):
        open_tape(csv(tmp_path, head + rows[0]), "ES", stamp="open")
    one = open_tape(csv(tmp_path, head + rows[0]), "ES", stamp="open", timeframe=Timeframe.M15).bars()
    assert one[0].timeframe is Timeframe.M15
    with pytest.raises(TapeError, match=r"row 3: time '1381104900' is not the open of a 1h bar"):
        open_tape(csv(tmp_path, head + "".join(rows)), "ES", stamp="open", timeframe=Timeframe.H1)
    apart = csv(tmp_path, head + rows[0] + rows[0].replace("1381104000", "1381104240"))
    with pytest.raises(TapeError, match="bars 240 s apart are none of 1m, 2m"):
        open_tape(apart, "ES", stamp="open")


def test_ticks_have_a_price_and_a_size(tmp_path: Path) -> None:
    path = csv(tmp_path, "size,price,date\n2,1676.5,2013-10-07T02:00:00.5+02:00\n0,1676.25,1381104001000\n")
    prints = list(open_tape(path, "ES").prints())
    assert [(one.ts_venue - MIDNIGHT, one.price, one.size) for one in prints] == [
        (500_000_000, 6706, 2),
        (1_000_000_000, 6705, 0),
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "es.csv: is empty"),
        ("time,price,size\n", "es.csv: has no rows"),
        ("1,2,3\n", "row 1: no time column; one of time, timestamp, ts, date"),
        ("time,ts,price,size\n", "row 1: 2 time columns"),
        (
            "time,cost\n",
            "row 1: the header 'time,cost' has neither open, high, low, close, volume nor price, size",
        ),
        ("time,price,price,size\n", "row 1: the header has 'price' 2 times"),
        ("time,price,size\n1381104000,1676.5\n", "row 2: 2 columns instead of 3"),
        (
            "time,price,size\n1381104000,1676.5,1\n2013-10-07,1676.5,1\n",
            "row 3: time '2013-10-07' has no offset",
        ),
        (
            "time,price,size\n1381104000,1676.5,1\n1381103999,1676.5,1\n",
            "row 3: time '1381103999' is earlier",
        ),
        ('time,price,size\n1381104000,"1676.5,1\n', "row 2: unexpected end of data"),
        ("time,price,size\n1381104000,16\x1b[2J,1\n", r"row 2: price '16\\x1b\[2J' is not a number"),
    ],
)
def test_a_broken_file_is_named_by_row(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(TapeError, match=problem):
        open_tape(csv(tmp_path, text), "ES")


def test_gzipped_files_are_read_and_cut_ones_refused(tmp_path: Path) -> None:
    path = tmp_path / "es.csv.gz"
    path.write_bytes(gzip.compress(BARS.encode()))
    assert open_tape(path, "ES", stamp="open").rows == 2
    path.write_bytes(gzip.compress(BARS.encode())[:-9])
    with pytest.raises(TapeError, match=r"es\.csv\.gz: is damaged"):
        open_tape(path, "ES", stamp="open")
    path.write_bytes(BARS.encode())
    with pytest.raises(TapeError, match="Not a gzipped file"):
        open_tape(path, "ES", stamp="open")


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TapeError, match=r"es\.parquet: is none of \.zip, \.csv"):
        open_tape(tmp_path / "es.parquet", "ES")
    with pytest.raises(TapeError, match="no column that names contracts"):
        open_tape(csv(tmp_path, BARS), "ES", "201312", "open")


@given(st.lists(st.tuples(st.integers(1, 40_000), st.integers(0, 40), st.integers(0, 9_999)), min_size=2))
def test_written_bars_are_read_back_the_same(rows: list[tuple[int, int, int]]) -> None:
    bars = [
        Bar("GC", Timeframe.M1, MIDNIGHT + i * MINUTE, low, low + span, low, low + span // 2, volume)
        for i, (low, span, volume) in enumerate(rows)
    ]
    out = io.StringIO()
    assert write_bars(bars, CME_FUTURES["GC"], out) == len(bars)
    out.seek(0)
    assert list(read_plain("x.csv", out, CME_FUTURES["GC"], None, Stamp.OPEN).bars()) == bars


def test_written_prices_have_the_digits_of_the_tick() -> None:
    out = io.StringIO()
    write_bars([Bar("ES", Timeframe.M1, MIDNIGHT, 6706, 6708, 6705, 6707, 3)], CME_FUTURES["ES"], out)
    assert out.getvalue() == (
        "time,open,high,low,close,volume\n2013-10-07T00:00:00Z,1676.50,1677.00,1676.25,1676.75,3\n"
    )
