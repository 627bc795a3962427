"""Contracts that nobody here opened: told, restricted, and not left naked (docs/reliability.md#protection,
F10).
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from msgspec import structs

from engine.lab.replay import BOOK as PLAYED_BOOK
from engine.model import effects as fx
from engine.model import events as ev
from engine.model import records as r
from engine.model.commands import Resume
from engine.model.limits import ForeignPositions, RiskLimits
from engine.model.market import MINUTE, Side
from engine.model.orders import Fill, OrderSpec, OrderType, VenueOrder, VenueStatus
from engine.model.restrictions import TradingState
from tests.support.manual_venue import BOOK, ManualVenue, entered, idea
from tests.support.scripted_replay import PRICE as PLAYED
from tests.support.scripted_replay import ScriptedReplay
from tests.support.scripted_replay import idea as played_idea
from tests.support.venue_orders import PRICE

Market = Iterator[ev.Quote | ev.Print]


def rule(foreign: ForeignPositions, **fields: object) -> RiskLimits:
    return structs.replace(RiskLimits(), foreign_positions=foreign, **fields)


def by_hand(bench: ManualVenue, side: Side, qty: int, price: int = PRICE) -> None:
    """A person trades on the venue's own platform; the stream tells of the fill only."""
    venue_id = bench.new_id()
    bench.orders[venue_id] = VenueOrder(
        venue_id, None, "MNQ", side, OrderType.MARKET, qty, VenueStatus.WORKING
    )
    bench.tell_fill(bench.execute(venue_id, price))


def idle(risk: RiskLimits | None = None) -> ManualVenue:
    bench = ManualVenue(risk=risk)
    bench.connect()
    return bench


def state_of(bench: ManualVenue) -> TradingState:
    found = bench.core.state.restriction(BOOK, "MNQ")
    return found.state if found is not None else TradingState.ACTIVE


def test_f10_a_position_opened_by_hand_gets_a_stop_where_the_days_limit_would_close_it() -> None:
    bench = idle()
    by_hand(bench, Side.BUY, 2)
    bench.wait(1.2)
    assert state_of(bench) is TradingState.REDUCING
    assert any("somebody else bought 2" in text for text in bench.critical())
    assert bench.of(fx.PlaceOrder) == []
    bench.wait(2.2)
    [stop] = bench.of(fx.PlaceOrder)
    # 800 USD of a day, less 1.22 for each side, at a dollar a tick for two
    assert (stop.type, stop.side, stop.qty, stop.stop) == (OrderType.STOP, Side.SELL, 2, PRICE - 797)
    bench.accept(stop)
    bench.wait(70)
    assert len(bench.of(fx.PlaceOrder)) == 1
    assert bench.written(r.PositionAdjusted) == []


def test_f10_an_adjusted_position_is_protected_too_and_in_one_cycle() -> None:
    bench = idle()
    bench.positions["MNQ"] = -3
    bench.look()
    bench.wait(5)
    [stop] = bench.of(fx.PlaceOrder)
    assert (stop.side, stop.qty, stop.stop) == (Side.BUY, 3, PRICE + 532)
    assert [a.delta for a in bench.written(r.PositionAdjusted)] == [-3]
    assert len(bench.critical()) == 1
    assert state_of(bench) is TradingState.REDUCING


def test_f10_a_trade_of_ours_that_is_enlarged_gets_the_rest_a_stop_beside_its_own() -> None:
    bench, _ = entered()
    by_hand(bench, Side.BUY, 2, PRICE + 9)
    bench.wait(3.5)
    [stop] = bench.of(fx.PlaceOrder)[1:]
    assert (stop.type, stop.qty, stop.stop) == (OrderType.STOP, 2, PRICE - 40)
    bench.accept(stop)
    assert bench.stops() == [(2, PRICE - 40), (5, PRICE - 40)]
    assert bench.of(fx.ModifyOrder) == []


def test_f10_what_the_person_closes_again_is_taken_from_the_persons_part() -> None:
    bench, _ = entered()
    by_hand(bench, Side.BUY, 2)
    bench.obey(4)
    by_hand(bench, Side.SELL, 2)
    bench.obey(4)
    assert bench.stops() == [(5, PRICE - 40)]
    assert [found.fostered for found in bench.book.plans.values()] == [False]
    assert bench.book.position("MNQ").qty == 5


def test_f10_before_anything_is_done_about_it_a_person_may_close_again() -> None:
    bench, _ = entered()
    by_hand(bench, Side.BUY, 2)
    by_hand(bench, Side.SELL, 2)
    bench.obey(5)
    assert bench.stops() == [(5, PRICE - 40)]
    assert bench.of(fx.ModifyOrder) == []


def test_f10_a_person_who_closes_our_trade_ends_it() -> None:
    bench, _ = entered()
    by_hand(bench, Side.SELL, 5)
    bench.obey(4)
    assert (bench.standing(), bench.book.plans) == ([], {})
    assert [t.reason for t in bench.book.trades] == ["manual"]
    assert state_of(bench) is TradingState.REDUCING


def test_f10_a_person_who_turns_our_trade_around_is_protected_on_the_other_side() -> None:
    bench, _ = entered()
    by_hand(bench, Side.SELL, 7)
    bench.obey(6)
    assert bench.book.position("MNQ").qty == -2
    [(qty, price)] = bench.stops()
    assert qty == 2
    assert price is not None
    assert price > PRICE


def test_f10_stops_of_the_person_count_first() -> None:
    bench = idle()
    by_hand(bench, Side.BUY, 2)
    theirs = bench.new_id()
    bench.orders[theirs] = VenueOrder(
        theirs, None, "MNQ", Side.SELL, OrderType.STOP, 2, VenueStatus.WORKING, stop=PRICE - 20
    )
    bench.tell(theirs)
    bench.wait(70)
    assert bench.of(fx.PlaceOrder) == []
    bench.end(theirs)
    bench.wait(1.2)
    assert [(p.qty, p.type) for p in bench.of(fx.PlaceOrder)] == [(2, OrderType.STOP)]
    assert bench.of(fx.CancelOrder) == []


def test_f10_the_waiting_leg_of_a_persons_entry_protects_nothing() -> None:
    bench = idle()
    theirs = bench.new_id()
    bench.orders[theirs] = VenueOrder(
        theirs, None, "MNQ", Side.SELL, OrderType.STOP, 2, VenueStatus.SUSPENDED, stop=PRICE - 90
    )
    bench.tell(theirs)
    by_hand(bench, Side.BUY, 2)
    bench.wait(3.5)
    assert [(p.qty, p.type) for p in bench.of(fx.PlaceOrder)] == [(2, OrderType.STOP)]


def test_f15_a_replaced_stop_of_ours_does_not_outlive_its_trade_beside_a_persons_contracts() -> None:
    """Two stops stand while the venue changes the size of neither; one fills, and the larger must go."""
    bench, ids = entered()
    by_hand(bench, Side.BUY, 2)
    bench.obey(4)
    bench.tell_fill(bench.execute(ids["TP"], PRICE + 80, qty=2))
    bench.answer(bench.of(fx.ModifyOrder)[-1], ev.Outcome.REFUSED)
    bench.wait(0.5)
    smaller = bench.of(fx.PlaceOrder)[-1]
    assert (smaller.type, smaller.qty) == (OrderType.STOP, 3)
    venue_id = bench.lodge(smaller)
    bench.execute(venue_id, PRICE - 40)  # at once: its answer and its fill come together
    bench.end(ids["TP"])
    bench.reply(smaller, ev.Outcome.ACCEPTED, venue_id)
    bench.tell_fill(bench.fills[-1])
    bench.wait(1)
    assert ids["SL"] in [cancel.venue_id for cancel in bench.of(fx.CancelOrder)]
    bench.end(ids["SL"])
    bench.wait(3)
    assert bench.stops() == [(2, PRICE - 40)]
    assert bench.book.position("MNQ").qty == 2
    assert bench.of(fx.ClosePosition) == []


def test_f10_hands_off_where_configured() -> None:
    bench = idle(rule(ForeignPositions.LEAVE))
    by_hand(bench, Side.BUY, 2)
    bench.wait(70)
    assert (bench.of(fx.PlaceOrder), bench.of(fx.ClosePosition)) == ([], [])
    assert state_of(bench) is TradingState.REDUCING
    assert bench.core.books[BOOK].orders.busy is False


def test_f10_flattened_where_configured() -> None:
    bench = idle(rule(ForeignPositions.FLATTEN))
    by_hand(bench, Side.BUY, 2)
    bench.wait(3.5)
    assert bench.of(fx.PlaceOrder) == []
    assert bench.of(fx.ClosePosition) == [fx.ClosePosition(BOOK, "MNQ")]


def test_f10_the_restriction_ends_by_a_resume_and_not_by_itself() -> None:
    bench = idle()
    by_hand(bench, Side.BUY, 1)
    by_hand(bench, Side.SELL, 1)
    bench.wait(70)
    assert state_of(bench) is TradingState.REDUCING
    bench.say(Resume(id="r"))
    assert state_of(bench) is TradingState.ACTIVE


def test_f10_a_fostered_position_survives_a_restart_and_its_stop_too() -> None:
    bench = idle()
    by_hand(bench, Side.BUY, 2)
    bench.obey(4)
    assert len(bench.stops()) == 1
    again = bench.restart()
    again.connect()
    again.wait(5)
    assert again.of(fx.PlaceOrder) == []
    [found] = again.book.plans.values()
    assert (found.fostered, found.open_qty, found.plan.strategy) == (True, 2, "external")


def test_f13_a_position_that_is_beyond_the_limit_already_is_closed() -> None:
    bench = idle()
    by_hand(bench, Side.BUY, 2)
    bench.wait(3.5)
    bench.reply(bench.of(fx.PlaceOrder)[0], ev.Outcome.REFUSED)
    assert bench.of(fx.ClosePosition)


@pytest.mark.parametrize("brackets", [True, False])
def test_f10_a_person_beside_us_on_the_virtual_clock(brackets: bool) -> None:
    """They buy two beside our five, the price falls to the stops: everything is out, once."""
    seen: dict[str, object] = {}

    def script(play: ScriptedReplay) -> Market:
        yield from play.minutes(2)
        placed = play.replay.venue.place("MNQ", OrderSpec(Side.BUY, OrderType.MARKET, 2), play.now)
        play.replay._report(placed.events)
        yield from play.pass_time(5)
        seen["held"] = play.replay.held("MNQ")
        seen["stops"] = sum(qty for qty, _ in play.stops())
        yield from play.move(PLAYED - 60, seconds=5)

    play = ScriptedReplay(script, [played_idea()], brackets=brackets)
    assert seen == {"held": 7, "stops": 7}
    assert (play.replay.held("MNQ"), play.standing(), play.book.plans) == (0, [], {})
    restriction = play.core.state.restriction(PLAYED_BOOK, "MNQ")
    assert restriction is not None
    assert restriction.state is TradingState.REDUCING


def test_the_day_of_an_account_that_a_new_journal_meets_pauses_nothing() -> None:
    bench = ManualVenue(idea())
    for number, (side, price) in enumerate(((Side.BUY, PRICE), (Side.SELL, PRICE + 8))):
        when = bench.now - (20 - number) * MINUTE
        bench.fills.append(Fill(f"old{number}", f"o{number}", "MNQ", side, price, 1, Decimal("0.61"), when))
    bench.connect()
    bench.wait(5)
    assert bench.core.state.restriction(BOOK, "MNQ") is None
    assert bench.critical() == []
    assert [trade.net_usd for trade in bench.book.trades] == [Decimal("2.78")]
    assert bench.trade_idea(), "and entries are allowed"


@pytest.mark.parametrize(("own", "ticks"), [(0, 997), (2000, 997), (800, 797)])
def test_f58_the_stricter_of_all_daily_limits_sizes_the_stop(own: int, ticks: int) -> None:
    bench = idle(risk=RiskLimits(daily_loss_usd=Decimal(own), firm_daily_loss_usd=Decimal(1000)))
    by_hand(bench, Side.BUY, 2)
    bench.wait(3.5)
    [stop] = bench.of(fx.PlaceOrder)
    assert stop.stop == PRICE - ticks
