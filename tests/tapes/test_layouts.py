"""The layouts of tables that traders have: each is read right, or refused with the row and the reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.tapes.fields import TapeError
from adapters.tapes.tape import Tape, open_tape
from engine.model.market import MINUTE

NOON = 1_709_899_200 * 10**9
"""2024-03-08T12:00:00Z: 06:00 in Chicago."""
MINUTES = [(NOON, 20_601, 20_604, 20_599, 20_602, 812), (NOON + MINUTE, 20_602, 20_609, 20_601, 20_608, 1655)]


def opened(folder: Path, text: str, contract: str = "ES", **how: str) -> Tape:
    path = folder / "market.csv"
    path.write_bytes(text.encode())
    return open_tape(path, contract, **how)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "stamp"),
    [
        ("20240308 060100;5150.25;5151.00;5149.75;5150.50;812\r\n"
         "20240308 060200;5150.50;5152.25;5150.25;5152.00;1655\r\n", "close"),
        ("03/08/2024,06:00,5150.25,5151,5149.75,5150.5,812\n03/08/2024,06:01,5150.5,5152.25,5150.25,5152,1655\n",
         "open"),
        ("2024-03-08 06:00:00,5150.25,5151.0,5149.75,5150.5,812\n"
         "2024-03-08 06:01:00,5150.5,5152.25,5150.25,5152.0,1655\n", "open"),
        ("Date, Time, Open, High, Low, Last, Volume, NumberOfTrades\n"
         "2024/3/8, 6:00:00.000000, 5150.25, 5151.00, 5149.75, 5150.50, 812, 310\n"
         "2024/3/8, 6:01:00.000000, 5150.50, 5152.25, 5150.25, 5152.00, 1655, 280\n", "open"),
        ('Time,Open,High,Low,Latest,Change,Volume\n"2024-03-08 06:01",5150.5,5152.25,5150.25,5152,1.5,1655\n'
         '"2024-03-08 06:00",5150.25,5151,5149.75,5150.5,0.25,812\n'
         '"Downloaded from Barchart.com as of today"\n', "open"),
        ("time,open,high,low,close,volume\n"
         '2024-03-08T06:00:00-06:00,"5,150.25","5,151.00","5,149.75","5,150.50",812\n'
         '2024-03-08T06:01:00-06:00,"5,150.50","5,152.25","5,150.25","5,152.00","1,655"\n', "open"),
        ("\ufefftime;open;high;low;close;volume\r\n08.03.2024 06:00;5150,25;5151;5149,75;5150,5;812\r\n"
         "08.03.2024 06:01;5.150,50;5152,25;5150,25;5152;1655\r\n", "open"),
        ("time\topen\thigh\tlow\tclose\tvolume\n2024-03-08 06:00\t5150.25\t5151\t5149.75\t5150.5\t812\n"
         "2024-03-08 06:01\t5150.5\t5152.25\t5150.25\t5152\t1655\n", "open"),
        ("time,open,high,low,close,VWAP,Band #1,Band #1,Volume,Volume MA\n"
         "1709899200,5150.25,5151,5149.75,5150.5,5150.31,5152.1,5148.2,812,NaN\n"
         "1709899260,5150.5,5152.25,5150.25,5152,5150.9,5152.4,5148.5,1655,733.5\n", "open"),
        ("ts_event,rtype,publisher_id,instrument_id,open,high,low,close,volume,symbol\n"
         "2024-03-08T12:00:00.000000000Z,33,1,17077,5150.250000000,5151.0,5149.75,5150.5,812,ESH4\n"
         "2024-03-08T12:01:00.000000000Z,33,1,17077,5150.5,5152.25,5150.25,5152,1655,ESH4\n", "open"),
    ],
    ids=["ninja", "kibot", "firstrate", "sierra", "barchart", "thousands", "excel", "tabs", "tradingview",
         "ohlcv"],
)  # fmt: skip
def test_f57_layouts_that_traders_have(tmp_path: Path, text: str, stamp: str) -> None:
    bars = opened(tmp_path, text, stamp=stamp, zone="America/Chicago").bars()
    assert [(bar.open_ts, bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in bars] == MINUTES
    with pytest.raises(TapeError, match="its open or its close"):
        opened(tmp_path, text, zone="America/Chicago")


HEAD = "ts_recv,ts_event,rtype,instrument_id,action,side,price,size,symbol\n"
TRADES = (
    "2024-03-08T12:00:00.001234567Z,2024-03-08T12:00:00.001Z,0,17077,T,B,5150.250000000,2,ESH4\n"
    "2024-03-08T12:00:00.009234567Z,2024-03-08T12:00:00.008Z,0,17077,T,A,5150.000000000,1,ESH4\n"
)
OTHER = "2024-03-08T12:00:01Z,2024-03-08T12:00:01Z,0,5602,T,A,5213.5,1,ESM4\n"
SPREAD = "2024-03-08T12:00:02Z,2024-03-08T12:00:02Z,0,4918,T,A,63.25,5,ESM4-ESH4\n"


def prices(tape: Tape) -> list[tuple[int, int, int]]:
    return [(one.ts_venue - NOON, one.price, one.size) for one in tape.prints()]


def test_f57_a_table_of_one_contract_is_played_by_its_own_clock(tmp_path: Path) -> None:
    expected = [(1_000_000, 20_601, 2), (8_000_000, 20_600, 1)]
    assert prices(opened(tmp_path, HEAD + TRADES)) == expected
    assert prices(opened(tmp_path, HEAD + TRADES, "MES", month="202403")) == expected
    assert prices(opened(tmp_path, HEAD.replace("ts_recv", "time") + TRADES)) == expected


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        (TRADES + OTHER, r"row 4: 'ESM4' after 'ESH4': the file holds several contracts; .* --symbol ESH4"),
        (TRADES + SPREAD, r"row 4: 'ESM4-ESH4' after 'ESH4': .* --symbol ESH4"),
        (TRADES + OTHER.replace("ESM4", "ESH4"), r"row 4: '5602' after '17077': .* --symbol 17077"),
        (SPREAD, "row 2: holds 'ESM4-ESH4', which is no contract of ES"),
        (TRADES.replace("ESH4", "NQH4"), "row 2: holds 'NQH4', which is no contract of ES"),
        (TRADES.replace("ESH4", "MESH4"), "row 2: holds 'MESH4', which is no contract of ES"),
        (TRADES.replace(",T,", ",Z,"), "row 2: 'Z' tells neither a trade nor anything else known"),
        (TRADES.replace(",T,", ",C,"), "has no rows"),
    ],
)
def test_f57_what_is_not_one_contracts_trades_is_refused(tmp_path: Path, rows: str, problem: str) -> None:
    with pytest.raises(TapeError, match=problem):
        opened(tmp_path, HEAD + rows)


@pytest.mark.parametrize(
    "how", [{"symbol": "ESH4"}, {"symbol": "esh4"}, {"symbol": "17077"}, {"month": "202403"}]
)
def test_f57_one_of_several_contracts_can_be_asked_for(tmp_path: Path, how: dict[str, str]) -> None:
    tape = opened(tmp_path, HEAD + OTHER.replace(":01Z", ":00Z") + TRADES + SPREAD, **how)
    assert prices(tape) == [(1_000_000, 20_601, 2), (8_000_000, 20_600, 1)]


@pytest.mark.parametrize(
    ("how", "problem"),
    [
        ({"symbol": "ESU4"}, "has no rows of 'ESU4'; it holds 'ESH4', 'ESM4'"),
        ({"month": "202409"}, "has no rows of '202409'; it holds 'ESH4', 'ESM4'"),
        ({"month": "201403", "contract": "NQ"}, "has no rows of '201403'"),
        ({"symbol": "ESH4", "contract": "NQ"}, "row 2: holds 'ESH4', which is no contract of NQ"),
    ],
)
def test_f57_what_is_asked_for_and_not_there_is_named(
    tmp_path: Path, how: dict[str, str], problem: str
) -> None:
    with pytest.raises(TapeError, match=problem):
        opened(tmp_path, HEAD + TRADES + OTHER, **how)


def test_f57_an_expiry_names_a_contract_too(tmp_path: Path) -> None:
    rows = "1709899200,5150.25,2,{}\n1709899201,5213.5,1,{}\n"
    for one, other in (("202403", "202406"), ("2024-03-15", "2024-06-21"), ("20240315", "20240621")):
        text = "time,price,size,expiry\n" + rows.format(one, other)
        with pytest.raises(TapeError, match=f"row 3: '{other}' after '{one}'"):
            opened(tmp_path, text)
        assert prices(opened(tmp_path, text, month="202406")) == [(10**9, 20_854, 1)]


def test_f57_quotes_at_instants_are_no_trades(tmp_path: Path) -> None:
    text = (
        "ts_event,instrument_id,side,price,size,bid_px_00,ask_px_00\n1709899200,1,B,5150.25,2,5150,5150.25\n"
    )
    with pytest.raises(TapeError, match="row 1: tells quotes, and has no column that says which rows"):
        opened(tmp_path, text)


def test_f57_events_of_the_book_are_no_trades(tmp_path: Path) -> None:
    book = "".join(
        TRADES.splitlines(keepends=True)[0].replace(",T,", f",{action},").replace("5150.25", "1")
        for action in "ACMRFN"
    )
    assert len(prices(opened(tmp_path, HEAD + book + TRADES))) == 2
    typed = "time,type,price,size\n1709899200,bid,5150,9\n1709899200,Trade,5150.25,2\n1709899200,ask,,\n"
    assert prices(opened(tmp_path, typed)) == [(0, 20_601, 2)]


@pytest.mark.parametrize(
    "name", ["ESH4", "ESH24", "ESH2024", "ES 03-24", "ES.FUT", "ES.c.0", "ES1!", "CME_MINI:ES1!",
             "CON.F.US.EP.H24", "ES=F", "@ES", "/ESH24:XCME", "ESH24_FUT_CME", "H24", "EPH4", "17077", ""]
)  # fmt: skip
def test_f57_a_contract_has_many_names(tmp_path: Path, name: str) -> None:
    assert len(prices(opened(tmp_path, HEAD + TRADES.replace("ESH4", name)))) == 2


@pytest.mark.parametrize(
    "name", ["ESH4-ESM4", "ES:BF H4-M4-U4", "ESH4 ESM4", "CLJ4", "ESX", "E", "NQ 03-24", "Gold"]
)
def test_f57_other_names_are_no_contract_of_it(tmp_path: Path, name: str) -> None:
    with pytest.raises(TapeError, match="row 2: holds '"):
        opened(tmp_path, HEAD + TRADES.replace("ESH4", name))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("2024-03-08 06:00:00,5150.25,5151,5149.75,5150.5\n",
         "row 1: no header, and 5 columns instead of time, open, high, low, close, volume"),
        ("time,open,high,low,close,volume\n2024-03-08 06:00,1,1,1,1,1\n", "has no offset from UTC"),
        ("time,open,high,low,close,volume\n03/08/2024 06:00,1,1,1,1,1\n", "neither ISO-8601 nor an epoch"),
        ("time,open,high,low,close,volume\n2024-03-10 02:30,1,1,1,1,1\n", "comes twice or not at all in"),
        ("time;open;high;low;close;volume\n2024-03-08 06:00;5.150;5151;5150;5151;1\n",
         "row 2: '5.150' may have thousands or decimals"),
        ('time,open,high,low,close,volume\n2024-03-08 06:00,"5150,25",5151,5149,5150,1\n',
         "row 2: price '5150,25'"),
        ("time;open;high;low;close;volume\n2024-03-08 06:00;5150,25;5151;5149,75;5150;1,5\n", "is not whole"),
    ],
)  # fmt: skip
def test_f57_what_may_mean_two_things_is_refused_by_row(tmp_path: Path, text: str, problem: str) -> None:
    zone = {} if "no offset" in problem else {"zone": "America/Chicago"}
    with pytest.raises(TapeError, match=problem):
        opened(
            tmp_path,
            text + text.splitlines(keepends=True)[-1].replace("06:00", "06:01"),
            stamp="open",
            **zone,
        )


def test_f57_an_unknown_zone_and_a_symbol_of_a_zip_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TapeError, match="no time zone is called 'Mars'"):
        opened(tmp_path, HEAD + TRADES, zone="Mars")
    (tmp_path / "market.zip").touch()
    with pytest.raises(TapeError, match="of a zip a contract month is picked"):
        open_tape(tmp_path / "market.zip", "ES", symbol="ESH4")
