"""Switched off or not armed, tstream closes nothing by itself; a person's key still does."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from msgspec.structs import replace

from engine.core import Core
from engine.market.calendars.known import CME
from engine.model import events as ev
from engine.model.commands import Flatten
from engine.model.config import ArmedAccount, Brackets, EngineConfig, TradingSwitch
from engine.model.effects import ClosePosition, ModifyOrder, PlaceOrder
from engine.model.instrument import CME_FUTURES
from engine.model.market import MINUTE, NANOS
from engine.model.orders import Account, AccountKind, OrderType, VenuePosition
from engine.model.refusals import Refusal
from engine.model.restrictions import TradingState
from engine.model.view import HealthView
from engine.runtime.view_builder import picture
from tests.strategies.scripted import ScriptedStrategy
from tests.support.manual_venue import BOOK, connected, entered, idea
from tests.support.venue_orders import PRICE

MNQ = CME_FUTURES["MNQ"]
LIVE = Account("1", "50KTC-1", AccountKind.LIVE, Decimal(50_000), can_trade=True)
ARMED = ArmedAccount("", LIVE.name, LIVE.id)
NOON = CME.flat_by(date(2026, 11, 18)) - 180 * MINUTE
"""Within the session, hours before positions must be flat."""


def watching(trading: TradingSwitch, armed: tuple[ArmedAccount, ...]) -> Core:
    """A core whose account holds two MNQ that somebody else bought."""
    core = Core(EngineConfig((MNQ,), "test", "t", 1, trading, armed), ScriptedStrategy([]))
    core.start(NOON)
    core.step(ev.ContractResolved(ts_recv=NOON, instrument=MNQ, contract_id="c", name="MNQZ6"))
    core.step(ev.AccountAdopted(ts_recv=NOON, book="b", account=LIVE))
    for second in (1, 3):
        held = (VenuePosition("MNQ", 2, Decimal(30_000)),)
        at = NOON + second * NANOS
        core.step(ev.TimeAdvanced(ts_recv=at))
        core.step(
            ev.SnapshotTaken(ts_recv=at, book="b", since=0, account=LIVE, orders=(), fills=(), positions=held)
        )
    assert core.state.books["b"].position("MNQ").qty == 2
    return core


@pytest.mark.parametrize(
    ("trading", "armed", "closes"),
    [
        (TradingSwitch.OFF, (ARMED,), False),
        (TradingSwitch.LIVE, (), False),
        (TradingSwitch.LIVE, (ARMED,), True),
        (TradingSwitch.LIVE, (replace(ARMED, id=""),), True),
        (TradingSwitch.LIVE, (replace(ARMED, id="2"),), False),
        (TradingSwitch.LIVE, (replace(ARMED, venue="elsewhere"),), False),
    ],
)
def test_the_flat_time_acts_only_where_tstream_may(
    trading: TradingSwitch, armed: tuple[ArmedAccount, ...], closes: bool
) -> None:
    core = watching(trading, armed)
    _, effects = core.step(ev.TimeAdvanced(ts_recv=NOON + 176 * MINUTE))
    assert any(isinstance(effect, ClosePosition) for effect in effects) is closes
    shown = picture(core, 1, HealthView(ok=True)).books[0]
    assert (shown.state is TradingState.REDUCING) is not closes


@pytest.mark.parametrize("native", [True, False])
def test_what_tstream_opened_keeps_its_protection_when_it_is_switched_off(native: bool) -> None:
    """Found without its stop by a run that may open nothing: the stop is placed, kept right and replaced."""
    bench, order = connected(brackets=Brackets.AUTO if native else Brackets.OWN)
    bench.execute(bench.lodge(order, legs=False))
    again = bench.restart(idea(), trading=TradingSwitch.OFF)
    again.connect()
    while len(again.of(PlaceOrder)) < 2:
        again.wait(0.1)
    [stop, target] = again.of(PlaceOrder)
    assert (stop.type, stop.qty, stop.stop, stop.reduces) == (OrderType.STOP, 5, PRICE - 40, True)
    ids = again.accept(stop, target)
    again.tell_fill(again.execute(ids[1], PRICE + 80, qty=2))
    assert [(m.venue_id, m.qty) for m in again.of(ModifyOrder)] == [(ids[0], 3)]
    again.answer(again.of(ModifyOrder)[0], ev.Outcome.ACCEPTED)
    again.end(ids[0])
    while len(again.of(PlaceOrder)) < 3:
        again.wait(0.1)
    assert [(p.type, p.qty) for p in again.of(PlaceOrder)[2:]] == [(OrderType.STOP, 3)]
    again.accept(*again.of(PlaceOrder)[2:])
    assert again.trade_idea() == []
    assert again.of(ClosePosition) == []


def test_what_tstream_opened_is_closed_where_it_can_not_be_protected_also_when_it_is_switched_off() -> None:
    bench, order = connected()
    bench.execute(bench.lodge(order, legs=False))
    again = bench.restart(trading=TradingSwitch.OFF)
    again.connect()
    again.wait(3)
    again.reply(again.of(PlaceOrder)[0], ev.Outcome.REFUSED)
    assert again.of(ClosePosition)


def test_a_key_flattens_even_when_switched_off() -> None:
    core = watching(TradingSwitch.OFF, ())
    _, effects = core.step(ev.CommandReceived(ts_recv=NOON + MINUTE, command=Flatten(id="k")))
    assert any(isinstance(effect, ClosePosition) for effect in effects)


def test_an_account_that_the_venue_has_blocked_is_shown_as_such() -> None:
    bench, _ = entered()
    seen = picture(bench.core, 1, HealthView(ok=True)).books[0]
    assert (seen.state, seen.restriction) == (TradingState.ACTIVE, None)
    bench.step(ev.AccountReported(ts_recv=bench.now, book=BOOK, balance_usd=Decimal(48_000), can_trade=False))
    seen = picture(bench.core, 2, HealthView(ok=True)).books[0]
    assert seen.restriction is not None
    assert (seen.state, seen.restriction.reason) == (TradingState.REDUCING, Refusal.ACCOUNT_BLOCKED.sentence)
