"""What lies over the candles: curves, own trades, resting orders, the crosshair, and names side by side."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from engine.model.chart import ChartView, CurveView, ZoneView
from engine.model.market import MINUTE, Bar, Side, Timeframe
from engine.model.orders import AccountKind, OrderStatus, OrderType, Slot
from engine.model.view import ContractView
from tests.tui import fake
from tests.tui.test_chart import START
from tui.rows.chart import Extras, candles
from tui.rows.chart_marks import OVERLAYS, PriceLine, TradeMark, hidden_kinds, resting_of, trades_of
from tui.styled_text import text_of

MNQ: ContractView = replace(fake.contracts()[0], last=None)
BARS = tuple(Bar("MNQ", Timeframe.M5, START + i * 5 * MINUTE, 100, 130, 70, 110, 5) for i in range(30))
WIDTH, HEIGHT = 90, 20


def drawn(extras: Extras, pitch: int = 2, back: int = 0, **chart: object) -> list[str]:
    view = replace(ChartView("MNQ", Timeframe.M5, BARS, None, ()), **chart)
    rows = candles(view, MNQ, [], WIDTH, HEIGHT, pitch, back, extras=extras)
    return [text_of(row) for row in rows]


def test_candles_read_as_bodies_where_they_have_room_and_need_no_colour() -> None:
    up, down = (100, 130, 70, 120), (120, 130, 70, 80)
    for pitch, solid, broken in ((1, "┃", "┇"), (2, "█", "▓"), (3, "▐█▌", "▐▓▌")):
        for prices, body, other in ((up, solid, broken), (down, broken, solid)):
            chart = ChartView("MNQ", Timeframe.M5, (Bar("MNQ", Timeframe.M5, START, *prices, 5),), None, ())
            text = "\n".join(text_of(row) for row in candles(chart, MNQ, [], 60, 11, pitch))
            assert body in text
            assert other not in text
            assert "│" in text or "╵" in text, "thin wicks"


def test_own_trades_are_marked_where_they_were_bought_and_sold() -> None:
    trade = TradeMark(Side.BUY, BARS[5].open_ts + 1, 90, BARS[15].open_ts + 1, 120, Decimal(30))
    rows = drawn(Extras(trades=[trade]))
    (bought,), (sold,) = [[r for r in rows if mark in r] for mark in "▲▼"]
    right = WIDTH - 9 - 8
    assert bought.index("▲") == right - 2 * (30 - 5)
    assert sold.index("▼") == right - 2 * (30 - 15)
    assert any("⠒" in row[bought.index("▲") : sold.index("▼")] for row in rows), "its life"
    assert not any("▲" in row for row in drawn(Extras(frozenset("f"), [trade])))
    short = replace(trade, side=Side.SELL)
    assert next(r for r in drawn(Extras(trades=[short])) if "▼" in r).index("▼") == bought.index("▲")
    assert not any("▼" in row for row in drawn(Extras(trades=[trade]), back=20)), "later than what is shown"


def test_a_trade_of_before_the_window_and_one_that_is_open_are_drawn_as_far_as_they_are_seen() -> None:
    old = TradeMark(Side.BUY, START - 9 * MINUTE, 90, BARS[10].open_ts, 100)
    assert sum(row.count("▼") for row in drawn(Extras(trades=[old]))) == 1
    opened = TradeMark(Side.BUY, BARS[25].open_ts, 100, net_usd=Decimal(-5))
    rows = drawn(Extras(trades=[opened]))
    assert sum(row.count("▲") for row in rows) == 1
    assert sum(row.count("▼") for row in rows) == 0


def test_what_the_view_tells_of_trades_and_resting_entries() -> None:
    view = fake.trading_view()
    marks = trades_of(view, MNQ)
    assert [mark.closed_ts > 0 for mark in marks] == [True] * (len(marks) - 1) + [False]
    assert (marks[-1].side, marks[-1].entry) == (Side.BUY, 84114)
    assert resting_of(view, MNQ) == [], "stops and targets stand with their positions"
    order = replace(
        view.orders[0], slot=Slot.ENTRY, side=Side.BUY, qty=4, filled_qty=1, price=Decimal("21000.25"),
        status=OrderStatus.WORKING, type=OrderType.LIMIT,
    )  # fmt: skip
    resting = replace(view, orders=(order, replace(order, kind=AccountKind.PAPER)))
    assert resting_of(resting, MNQ) == [PriceLine(84001, "buy 3 limit", "buy")]


def test_curves_are_drawn_and_named_and_switched_off_by_letter() -> None:
    curves = (
        CurveView("VWAP", (90,) * 30),
        CurveView("VWAP+1", (100,) * 30),
        CurveView("ema 20", (None,) * 20 + (120,) * 10, indicator=True),
    )
    names = {
        kind
        for kind in ("VWAP ", "VWAP+1", "ema 20")
        if any(kind in r for r in drawn(Extras(), curves=curves))
    }
    assert names == {"VWAP ", "VWAP+1", "ema 20"}
    for letter, gone in (("v", "VWAP "), ("b", "VWAP+1"), ("i", "ema 20")):
        text = "\n".join(drawn(Extras(frozenset(letter)), curves=curves))
        assert gone not in text
        assert all(kind in text for kind in names - {gone})


def test_every_kind_of_zone_and_curve_belongs_to_one_letter() -> None:
    kinds = [kind for _, members in OVERLAYS.values() for kind in members]
    assert len(kinds) == len(set(kinds))
    told = {"OB", "BRK", "S/R", "FVG", "IFVG", "LIQ", "PDH", "PDL", "PWH", "PWL", "EQ", "ONH", "ONL", "OPEN"}
    assert told | {"HI", "LO", "PC", "VWAP"} <= set(kinds)
    assert hidden_kinds(OVERLAYS) == set(kinds)


@pytest.mark.parametrize("letter", ["p", "s", "o"])
def test_levels_of_the_session_are_switched_off_by_letter(letter: str) -> None:
    zones = tuple(ZoneView(kind, 0, at, at, START) for kind, at in (("PC", 75), ("HI", 90), ("ONL", 126)))
    belongs = {"p": "PC", "s": "HI", "o": "ONL"}
    text = "\n".join(drawn(Extras(frozenset(letter)), zones=zones))
    assert {kind for kind in belongs.values() if f" {kind} " in text} == set(belongs.values()) - {
        belongs[letter]
    }


@pytest.mark.parametrize(("above", "said"), [(40, " S/R×3 VWAP T1 "), (0, "╿┄┄┄┄ T1 ")])
def test_names_in_one_row_stand_beside_each_other_and_hide_no_candle(above: int, said: str) -> None:
    zone = ZoneView("S/R", 0, 100, 100, START, 3)
    bars = tuple(
        replace(b, open=b.open + above, high=b.high + above, low=b.low + above, close=b.close + above)
        for b in BARS
    )
    chart = ChartView("MNQ", Timeframe.M5, bars, None, (zone,), curves=(CurveView("VWAP", (100,) * 30),))
    rows = candles(chart, MNQ, [PriceLine(100, "T1", "target")], WIDTH, HEIGHT)
    (row,) = [text_of(row) for row in rows if "T1" in text_of(row)]
    assert said in row


def test_the_crosshair_stands_on_its_bar_with_its_close_at_the_side() -> None:
    bars = (*BARS[:12], replace(BARS[12], high=112, low=98), *BARS[13:])
    rows = drawn(Extras(cross=BARS[12].open_ts), bars=bars)
    x = WIDTH - 9 - 8 - 2 * (30 - 12)
    assert rows[0][x] == rows[-5][x] == "│"
    assert any(row.rstrip().endswith("27.50") and "─" in row for row in rows), "110 ticks"
    assert drawn(Extras(cross=START - 1)) == drawn(Extras())
