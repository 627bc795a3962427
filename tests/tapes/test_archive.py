"""Zip recordings of contract months: what is taken from them, and what is wrong with the broken ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.tapes.fields import TapeError
from adapters.tapes.tape import open_tape
from engine.market.candles import fold
from engine.model.events import Print, Quote
from engine.model.market import MINUTE, NANOS, Bar, Timeframe
from tests.tapes.archives import MIDNIGHT, archive, minutes, ticks

TWO_MINUTES = "0,1676.5,1676.75,1676.5,1676.75,19\n60000,1676.75,1676.75,1676.25,1676.25,60\n"


def test_minutes_are_stamped_by_their_open_in_milliseconds_of_the_day(tmp_path: Path) -> None:
    tape = open_tape(minutes(tmp_path / "es.zip", TWO_MINUTES), "ES")
    assert (tape.kind, tape.rows, tape.month) == ("bars", 2, "201312")
    assert (tape.start_ts, tape.end_ts) == (MIDNIGHT, MIDNIGHT + 2 * MINUTE)
    assert list(tape.bars()) == [
        Bar("ES", Timeframe.M1, MIDNIGHT, 6706, 6707, 6706, 6707, 19),
        Bar("ES", Timeframe.M1, MIDNIGHT + MINUTE, 6707, 6707, 6705, 6705, 60),
    ]


def test_ticks_keep_their_order_and_size_zero(tmp_path: Path) -> None:
    tape = open_tape(
        ticks(tmp_path / "gc.zip", "276,1313.7,1,usa,,0\n276,1313.6,0,usa,,0\n61000,1314,2\n"), "GC"
    )
    assert (tape.kind, tape.start_ts, tape.end_ts) == ("ticks", MIDNIGHT, MIDNIGHT + 61 * NANOS)
    assert [(one.ts_venue - MIDNIGHT, one.price, one.size, one.seq) for one in tape.prints()] == [
        (276 * 10**6, 13137, 1, 1),
        (276 * 10**6, 13136, 0, 2),
        (61 * NANOS, 13140, 2, 3),
    ]
    with pytest.raises(TapeError, match="folded from its prints"):
        tape.bars()


def test_the_month_with_most_volume_plays_unless_another_is_asked(tmp_path: Path) -> None:
    path = archive(
        tmp_path / "es.zip",
        {
            "20131007_es_minute_trade_201312.csv": "0,1676.5,1676.5,1676.5,1676.5,9\n",
            "20131007_es_minute_trade_201403.csv": TWO_MINUTES,
            "notes.txt": "not a market",
        },
    )
    assert open_tape(path, "ES").month == "201403"
    assert open_tape(path, "ES", "201312").rows == 1
    with pytest.raises(TapeError, match=r"'201406'; it has 201312 \(volume 9\), 201403 \(volume 79\)"):
        open_tape(path, "ES", "201406")


def test_a_micro_plays_the_recording_of_its_mini_and_nobody_elses(tmp_path: Path) -> None:
    path = minutes(tmp_path / "es.zip", TWO_MINUTES)
    assert {event.instrument for event in open_tape(path, "MES").events()} == {"MES"}
    with pytest.raises(TapeError, match=r"es\.zip: holds ES, not GC"):
        open_tape(path, "GC")
    with pytest.raises(TapeError, match="unknown contract 'CL'; known are MNQ, NQ"):
        open_tape(path, "CL")


def test_minutes_of_quotes_become_four_quotes_each_and_crossed_pairs_are_left_out(tmp_path: Path) -> None:
    text = (
        "0,3223.5,3224,3222.75,3223,20,3223.75,3224.25,3223,3223.25,20\n"
        "60000,3216.5,3216.75,3216.25,3216.25,1,,,,,0\n"
        "120000,3223,3224,3223,3224,20,3223.75,3224.25,3223,3223.25,20\n"
    )
    tape = open_tape(archive(tmp_path / "q.zip", {"20131007_es_minute_quote_202003.csv": text}), "ES")
    eighth = MINUTE // 8
    corners = {
        (event.ts_venue - MIDNIGHT) / eighth: (event.bid, event.ask)
        for event in tape.events()
        if isinstance(event, Quote) and (event.ts_venue - MIDNIGHT) % (2 * eighth) == eighth
    }
    assert corners == {
        1: (12894, 12895),
        3: (12896, 12897),
        5: (12891, 12892),
        7: (12892, 12893),
        9: (12866, None),
        11: (12867, None),
        13: (12865, None),
        15: (12865, None),
        17: (12892, 12895),
        19: (12892, 12892),
        21: (12896, 12897),
    }
    for call in (tape.bars, tape.prints):
        with pytest.raises(TapeError, match="holds quotes"):
            call()


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("x,1676.5,1676.5,1676.5,1676.5,9", "row 3: time 'x' is not whole milliseconds since midnight"),
        ("120000,abc,1676.5,1676.5,1676.5,9", "row 3: price 'abc' is not a number"),
        ("120000,1676.3,1676.5,1676.5,1676.5,9", "row 3: price 1676.3 is not a multiple of ES's tick 0.25"),
        ("120000,1676.5,1676.5,1676.5,1676.5,-9", "row 3: volume -9 is negative"),
        ("120000,1676.5,1676.5,1676.5,1676.5", "row 3: 5 columns instead of 6"),
        ("120000,1676.5,1676.5,1676.5,1676.5,9,9", "row 3: 7 columns instead of 6"),
        ("120000,1676.5,1676.25,1676.25,1676.5,9", "row 3: high '1676.25' is below another price"),
        ("120000,1676.5,1676.75,1676.75,1676.75,9", "row 3: low '1676.75' is above another price"),
        ("60000,1676.5,1676.5,1676.5,1676.5,9", "row 3: time '60000' repeats the time of the row before"),
        ("0,1676.5,1676.5,1676.5,1676.5,9", "row 3: time '0' is earlier than the row before"),
        ("120500,1676.5,1676.5,1676.5,1676.5,9", "row 3: time '120500' is not the open of a 1m bar"),
        ("86400000,1676.5,1676.5,1676.5,1676.5,9", "row 3: time '86400000' is later than the end of the day"),
        ("\x00\xff", "row 3: 1 columns instead of 6"),
    ],
)
def test_a_broken_minute_is_named_by_file_and_row(tmp_path: Path, row: str, problem: str) -> None:
    path = minutes(tmp_path / "es.zip", TWO_MINUTES + row + "\n")
    with pytest.raises(TapeError) as caught:
        open_tape(path, "ES")
    assert str(caught.value).startswith(f"es.zip:20131007_es_minute_trade_201312.csv, {problem}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("275,1313.7,1", "row 2: time '275' is earlier than the row before"),
        ("277,1313.75,1", "row 2: price 1313.75 is not a multiple of GC's tick 0.10"),
        ("277,1313.7,-1", "row 2: size -1 is negative"),
        ("277,1313.7", "row 2: 2 columns instead of 3"),
    ],
)
def test_a_broken_tick_is_named_by_file_and_row(tmp_path: Path, row: str, problem: str) -> None:
    with pytest.raises(TapeError, match=problem):
        open_tape(ticks(tmp_path / "gc.zip", f"276,1313.7,1,usa,,0\n{row}\n"), "GC")


def test_blank_rows_are_passed_over_but_counted(tmp_path: Path) -> None:
    with pytest.raises(TapeError, match="row 4: price 'abc'"):
        open_tape(ticks(tmp_path / "gc.zip", "276,1313.7,1\n\n\n277,abc,1\n"), "GC")
    assert open_tape(ticks(tmp_path / "gc.zip", "276,1313.7,1\r\n\r\n"), "GC").rows == 1


def test_archives_without_a_market_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TapeError, match="has no rows"):
        open_tape(minutes(tmp_path / "es.zip", ""), "ES")
    with pytest.raises(TapeError, match="no file in it is named as"):
        open_tape(archive(tmp_path / "x.zip", {"readme.txt": ""}), "ES")
    with pytest.raises(TapeError, match="20131399 in a file name is no date"):
        open_tape(archive(tmp_path / "x.zip", {"20131399_es_minute_trade_201312.csv": TWO_MINUTES}), "ES")
    with pytest.raises(TapeError, match=r"absent\.zip: No such file"):
        open_tape(tmp_path / "absent.zip", "ES")
    (tmp_path / "bad.zip").write_bytes(b"PK\x03\x04 this is no archive")
    with pytest.raises(TapeError, match=r"bad\.zip: is damaged"):
        open_tape(tmp_path / "bad.zip", "ES")
    with pytest.raises(TapeError, match="stamped by their open"):
        open_tape(minutes(tmp_path / "es.zip", TWO_MINUTES), "ES", stamp="close")


def test_a_damaged_member_is_a_tape_error(tmp_path: Path) -> None:
    path = minutes(tmp_path / "es.zip", TWO_MINUTES)
    data = bytearray(path.read_bytes())
    data[70] ^= 0xFF
    path.write_bytes(bytes(data))
    with pytest.raises(TapeError, match=r"es\.zip"):
        open_tape(path, "ES")


def test_playing_gives_time_ordered_events_again_and_again(tmp_path: Path) -> None:
    tape = open_tape(minutes(tmp_path / "es.zip", TWO_MINUTES), "ES")
    first = list(tape.events())
    assert first == list(tape.events())
    times = [event.ts_venue for event in first]
    assert times == sorted(times)
    assert times == [event.ts_recv for event in first]
    assert [event for event in first if isinstance(event, Print)] == list(tape.prints())
    assert [bar.close for bar in fold(tape.prints(), Timeframe.M1)] == [6707, 6705]
