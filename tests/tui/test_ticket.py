"""What stands in a ticket, what keys make of it, and the order that it comes to."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from engine.model.chart import ChartView, ZoneView
from engine.model.commands import PlaceManual
from engine.model.instrument import CME_FUTURES
from engine.model.market import Side, Timeframe
from engine.model.orders import OrderType
from tests.tui import fake, rooms
from tests.tui.charts import charts
from tui import things
from tui.market_range import atr_ticks, zone_stop
from tui.ticket import (
    FieldValue,
    HowSaid,
    Prefill,
    Ticket,
    TicketField,
    UnfinishedError,
    erased,
    moved,
    opened,
    order,
    sided,
    turned,
    typed,
)
from tui.trading_by_hand import from_alert

MNQ = next(one for one in fake.contracts() if one.instrument == "MNQ")
CHART = charts(CME_FUTURES["MNQ"])[Timeframe.M5]
TICK = MNQ.tick_size
ASK, BID = MNQ.ask, MNQ.bid
assert ASK is not None
assert BID is not None


def ticket(**given: Any) -> Ticket:
    base = Ticket("MNQ", books=("practice",), stop=FieldValue(HowSaid.TICKS, "40"))
    return replace(base, **given)


def placed(one: Ticket, chart: ChartView | None = None) -> PlaceManual:
    return order(one, MNQ, chart, "t", dry_run=True)


PRICE = FieldValue(HowSaid.PRICE, "21000.00")
ORDERS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {"sized": True, "stop_ticks": 40, "target_ticks": (80,), "book": "practice", "qty": None}),
    ({"quantity": FieldValue(HowSaid.TYPED, "3")}, {"sized": False, "qty": 3}),
    ({"quantity": FieldValue(HowSaid.RISK, "150")}, {"risk_usd": Decimal(150), "qty": None}),
    ({"target": FieldValue(HowSaid.NONE)}, {"target_ticks": (), "targets": ()}),
    ({"second": FieldValue(HowSaid.R, "3")}, {"target_ticks": (80, 120)}),
    ({"stop": PRICE}, {"stop": Decimal("21000.00"), "targets": (ASK + 2 * (ASK - Decimal(21000)),)}),
    (
        {"entry": OrderType.LIMIT, "price": "21000", "side": Side.SELL, "minutes": "30"},
        {"entry": OrderType.LIMIT, "price": Decimal(21000), "minutes": 30},
    ),
    ({"books": ("a", "b"), "chosen": 2}, {"book": None, "books": ("a", "b")}),
    ({"books": ("a", "b"), "chosen": 1}, {"book": "b", "books": ()}),
    ({"override": "hours, paus reward-to-risk"}, {"override": ("hours", "reward-to-risk")}),
]


@pytest.mark.parametrize(("given", "wanted"), ORDERS)
def test_a_ticket_comes_to_an_order(given: dict[str, Any], wanted: dict[str, Any]) -> None:
    sent = placed(ticket(**given))
    assert {name: getattr(sent, name) for name in wanted} == wanted


UNFINISHED: list[tuple[dict[str, Any], str]] = [
    ({"quantity": FieldValue(HowSaid.TYPED, "")}, "how much"),
    ({"quantity": FieldValue(HowSaid.TYPED, "1.5")}, "in steps of 1"),
    ({"stop": FieldValue(HowSaid.ATR, "1.5")}, "range is not known"),
    ({"stop": FieldValue(HowSaid.ZONE)}, "no zone"),
    ({"stop": FieldValue(HowSaid.TICKS, "0")}, "above 0"),
    ({"entry": OrderType.STOP}, "where the stop entry rests"),
    ({"second": PRICE}, "the same way"),
]


@pytest.mark.parametrize(("given", "words"), UNFINISHED)
def test_what_is_missing_is_said(given: dict[str, Any], words: str) -> None:
    with pytest.raises(UnfinishedError, match=words):
        placed(ticket(**given))


def test_stops_by_the_chart() -> None:
    atr = atr_ticks(CHART)
    assert atr is not None
    assert placed(ticket(stop=FieldValue(HowSaid.ATR, "2")), CHART).stop_ticks == round(2 * atr)
    zones = tuple(ZoneView("OB", 1, low, low + 20, 0) for low in (83_000, 84_000, 85_000))
    chart = replace(CHART, zones=zones)
    assert (zone_stop(chart, Side.BUY, 84_100), zone_stop(chart, Side.SELL, 84_100)) == (83_999, 85_021)
    assert zone_stop(chart, Side.BUY, 82_000) is None


def test_keys_make_another_ticket() -> None:
    at = replace(ticket(), at=TicketField.STOP)
    assert typed(typed(at, "2"), "5").stop.text == "25"  # takes the place of what stood there
    assert erased(at).stop.text == "4"
    assert turned(at, 1).stop == FieldValue(HowSaid.ATR, "1.5")
    assert typed(replace(at, at=TicketField.QUANTITY), "2").quantity == FieldValue(HowSaid.TYPED, "2")
    limit = typed(replace(at, at=TicketField.ENTRY), "2")
    assert (limit.entry, limit.price) == (OrderType.LIMIT, "2")
    assert moved(ticket(), -1).at is TicketField.OVERRIDE
    assert TicketField.SECOND not in ticket(target=FieldValue(HowSaid.NONE)).fields
    assert sided(ticket(stop=PRICE), Side.SELL).stop.text == ""
    assert typed(at, "x") == at


def test_opened_from_an_alert_it_has_the_alerts_prices() -> None:
    view = rooms.view()
    alert = next(one for one in view.alerts if one.side is Side.BUY)
    prefill = from_alert(view, things.of_message(alert))
    assert prefill == Prefill(
        instrument="MES",
        side=Side.BUY,
        entry=OrderType.LIMIT,
        price=alert.entry,
        stop=alert.stop,
        targets=alert.targets,
    )
    made = opened(prefill, "MNQ", ["practice", "paper"], "paper", 2)
    assert (made.instrument, made.price, made.stop.text, made.second.text) == (
        "MES",
        "6010.00",
        "6000.00",
        "6022.00",
    )
    assert made.where == ("paper",)
    assert from_alert(view, things.of_contract(MNQ)) is None
