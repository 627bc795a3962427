"""Stops that move: break-even, trailing, and one contract that is held for the second target."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise

import pytest
from msgspec import structs

from engine.model import effects as fx
from engine.model import events as ev
from engine.model import records as r
from engine.model.instrument import CME_FUTURES
from engine.model.limits import RiskLimits, SingleContract
from engine.model.market import NANOS, Side
from engine.model.orders import OrderType, Slot
from engine.model.plans import StopRule
from tests.support.manual_venue import BOOK, ManualVenue, entered
from tests.support.scripted_replay import PRICE as PLAYED
from tests.support.scripted_replay import ScriptedReplay
from tests.support.scripted_replay import idea as played_idea
from tests.support.venue_orders import PRICE

Market = Iterator[ev.Quote | ev.Print]
COSTS = 3 + 1
"""Ticks that pay for both sides of a contract, and for a tick of slippage."""


def limits(**fields: object) -> RiskLimits:
    return structs.replace(RiskLimits(), **fields)


# --- break-even ------------------------------------------------------------------------------------------


def test_the_first_part_of_the_first_target_moves_every_stop() -> None:
    bench, ids = entered(targets=(80, 160))
    bench.tell_fill(bench.execute(ids["TP"], PRICE + 80, qty=1))
    bench.obey()
    assert bench.stops() == [(1, PRICE + COSTS), (3, PRICE + COSTS)]
    [changed] = bench.written(r.PlanChanged)
    assert (changed.reason, {leg.rule for leg in changed.legs or ()}) == (
        "first target",
        {StopRule.BREAK_EVEN},
    )


@pytest.mark.parametrize(
    ("offset", "stop"), [(None, PRICE + COSTS), (0, PRICE), (7, PRICE + 7), (-4, PRICE - 4)]
)
def test_the_offset_is_configured(offset: int | None, stop: int) -> None:
    bench, ids = entered(targets=(80, 160), risk=limits(break_even_offset_ticks=offset))
    bench.tell_fill(bench.execute(ids["TP"], PRICE + 80))
    bench.obey()
    assert bench.stops() == [(3, stop)]


@pytest.mark.parametrize(("slippage", "cost"), [(0, 3), (1, 4), (5, 8)])
def test_t7_break_even_pays_for_costs_and_the_assumed_slippage(slippage: int, cost: int) -> None:
    """A stop that slips as far as assumed loses nothing."""
    bench, ids = entered(targets=(80, 160), risk=limits(slippage_ticks=slippage))
    bench.tell_fill(bench.execute(ids["TP"], PRICE + 80))
    bench.obey()
    assert bench.stops() == [(3, PRICE + cost)]
    assert not any("may still lose" in notice.text for notice in bench.notices)
    mnq = CME_FUTURES["MNQ"]
    assert mnq.usd(cost - slippage) >= 2 * mnq.cost_usd


def test_t7_where_it_does_not_the_words_say_what_it_may_lose() -> None:
    bench, ids = entered(targets=(80, 160), risk=limits(break_even_offset_ticks=0))
    orders = bench.core.books[BOOK].orders
    answer = orders.to_break_even("MNQ", PRICE + 5, PRICE + 6)
    # Five contracts: costs of 1.22 USD each, and a tick of 0.50 USD.
    assert answer == (
        "MNQ: 2 stop(s) to break-even; it may still lose 8.60 USD, as costs and slippage are not covered"
    )
    again, ids = entered(targets=(80, 160), risk=limits(break_even_offset_ticks=0))
    again.tell_fill(again.execute(ids["TP"], PRICE + 80))
    again.obey()
    [told] = [notice.text for notice in again.notices if "may still lose" in notice.text]
    assert "5.16 USD" in told


def test_break_even_never_stands_where_the_target_has_just_filled() -> None:
    bench, ids = entered(targets=(80, 160), risk=limits(break_even_offset_ticks=200))
    bench.tell_fill(bench.execute(ids["TP"], PRICE + 80))
    bench.obey()
    assert bench.stops() == [(3, PRICE + 79)]


def test_break_even_takes_no_better_stop_back() -> None:
    """By the plan, by the venue's order that a person moved, and by the key."""
    bench, ids = entered(targets=(80, 160))
    runner = next(o for o in bench.standing() if o.type is OrderType.STOP and o.venue_id != ids["SL"])
    bench.change(runner.venue_id, stop=PRICE + 30)
    bench.tell(runner.venue_id)
    bench.tell_fill(bench.execute(ids["TP"], PRICE + 80))
    bench.obey()
    assert bench.stops() == [(3, PRICE + 30)]
    answer = bench.core.books[BOOK].orders.to_break_even("MNQ", PRICE + 70, PRICE + 71)
    assert answer == "MNQ: stops are at break-even or better"
    assert bench.stops() == [(3, PRICE + 30)]


# --- trailing --------------------------------------------------------------------------------------------


def trailing(bench: ManualVenue, *marks: int, seconds: float = 1.1) -> list[int | None]:
    """The stop after each mark, at a venue that obeys."""
    stops = []
    for mark in marks:
        bench.trade(mark)
        bench.obey(seconds)
        [(_, stop)] = bench.stops()
        stops.append(stop)
    return stops


def test_a_stop_follows_the_best_mark_and_never_falls_back() -> None:
    bench, _ = entered(risk=limits(trail_ticks=20))
    marks = (PRICE, PRICE + 10, PRICE + 30, PRICE + 12, PRICE + 31, PRICE + 40)
    want = [PRICE - 20, PRICE - 10, PRICE + 10, PRICE + 10, PRICE + 10, PRICE + 20]
    assert trailing(bench, *marks) == want
    changes = bench.written(r.PlanChanged)
    assert {c.reason for c in changes} == {"trail"}
    assert len(changes) == 4


def test_trailing_moves_no_more_often_than_once_a_second() -> None:
    bench, _ = entered(risk=limits(trail_ticks=20))
    for tick in range(40):
        bench.trade(PRICE + tick)
        bench.wait(0.1)
        for change in bench.of(fx.ModifyOrder)[len(bench.written(r.PlanChanged)) - 1 :]:
            if bench.order(change.client_id).stop != change.stop:
                bench.answer(change, ev.Outcome.ACCEPTED)
    times = [c.ts for c in bench.written(r.PlanChanged)]
    assert 3 <= len(times) <= 5
    assert all(b - a >= NANOS for a, b in pairwise(times))


def test_trailing_begins_after_so_many_r() -> None:
    bench, _ = entered(risk=limits(trail_ticks=20, trail_after_r=1.0))
    assert trailing(bench, PRICE + 39, PRICE + 40) == [PRICE - 40, PRICE + 20]


def test_a_trail_goes_on_after_a_restart_where_it_stood() -> None:
    bench, _ = entered(risk=limits(trail_ticks=20))
    assert trailing(bench, PRICE + 30) == [PRICE + 10]
    again = bench.restart()
    again.connect()
    assert trailing(again, PRICE + 15, PRICE + 36) == [PRICE + 10, PRICE + 16]


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("brackets", [True, False])
def test_a_trailed_trade_ends_with_its_reason(side: Side, brackets: bool) -> None:
    def script(play: ScriptedReplay) -> Market:
        yield from play.minutes(2)
        for step in range(1, 8):
            yield from play.move(PLAYED + side.sign * 10 * step, seconds=2)
        yield from play.move(PLAYED + side.sign * 20, seconds=4)

    risk = limits(trail_ticks=25)
    play = ScriptedReplay(script, [played_idea(side, targets=(400,))], risk=risk, brackets=brackets)
    [trade] = play.book.trades
    assert trade.reason == "trail"
    assert trade.gross_usd > 0
    assert (play.standing(), play.replay.held("MNQ")) == ([], 0)


# --- one contract ----------------------------------------------------------------------------------------


def one(held: SingleContract, path: list[int], brackets: bool = True) -> ScriptedReplay:
    def script(play: ScriptedReplay) -> Market:
        yield from play.minutes(2)
        for price in path:
            yield from play.move(PLAYED + price, seconds=3)

    risk = limits(single_contract=held, max_contracts=1)
    return ScriptedReplay(script, [played_idea()], risk=risk, brackets=brackets)


def test_one_contract_leaves_at_the_first_target_by_default() -> None:
    play = one(SingleContract.T1, [90])
    assert [(t.reason, t.qty) for t in play.book.trades] == [("T1", 1)]


@pytest.mark.parametrize("brackets", [True, False])
def test_one_contract_is_held_for_the_second_target(brackets: bool) -> None:
    play = one(SingleContract.HOLD, [90, 180], brackets)
    [trade] = play.book.trades
    assert (trade.qty, trade.exit_sum - trade.entry_sum) == (1, 160)
    assert any(c.reason == "first target touched" for c in play.written(r.PlanChanged))


def test_one_contract_that_is_held_is_stopped_at_break_even() -> None:
    play = one(SingleContract.HOLD, [90, -20])
    [trade] = play.book.trades
    assert trade.reason == "be_stop"
    assert trade.exit_sum - trade.entry_sum <= COSTS


def test_a_first_target_that_was_only_nearly_touched_moves_nothing() -> None:
    play = one(SingleContract.HOLD, [80, -60])  # filled two above the price: its T1 is at 82
    assert [t.reason for t in play.book.trades] == ["stop"]


def printed(bench: ManualVenue, price: int) -> None:
    """The market trades at a price; its quote lags behind."""
    bench.step(ev.Print(ts_recv=bench.now, ts_venue=bench.now, instrument="MNQ", price=price, size=1))


@pytest.mark.parametrize("next_quote", [PRICE - 5, PRICE + 200])
def test_f46_a_target_touched_by_a_print_moves_the_stop_while_the_quote_lags(next_quote: int) -> None:
    risk = limits(single_contract=SingleContract.HOLD, max_contracts=1)
    bench, _ = entered(targets=(80, 160), risk=risk)
    bench.quote(PRICE + 70)
    printed(bench, PRICE + 80)
    assert [change.reason for change in bench.written(r.PlanChanged)] == ["first target touched"]
    bench.quote(next_quote)
    bench.obey()
    assert bench.stops() == [(1, PRICE + COSTS)]


def test_f46_a_trailing_stop_follows_prints_too() -> None:
    bench, _ = entered(risk=limits(trail_ticks=20))
    printed(bench, PRICE + 40)
    bench.obey(1)
    assert bench.stops() == [(5, PRICE + 20)]


def test_f46_a_limit_is_judged_by_prints_that_run_ahead_of_the_quote() -> None:
    bench, _ = entered(risk=limits(daily_loss_usd=Decimal(120)))
    printed(bench, PRICE - 50)
    bench.wait(0.5)
    assert [found.reason for found in bench.written(r.FlattenStarted)] == ["risk"]


# --- excursions ------------------------------------------------------------------------------------------


def test_a_trade_carries_its_excursions() -> None:
    bench, ids = entered()
    for mark in (PRICE - 10, PRICE + 30, PRICE):
        bench.quote(mark)
        bench.wait(1)
    bench.tell_fill(bench.execute(ids["TP"], PRICE + 80))
    [trade] = bench.book.trades
    assert (trade.mae_usd, trade.mfe_usd) == (Decimal(-25), Decimal(200))  # the exit itself is the best


def test_excursions_survive_a_restart_and_are_written_seldom() -> None:
    bench, _ = entered()
    for tick in range(60):
        bench.quote(PRICE - tick % 30 - tick)
        bench.wait(0.5)
    noted = bench.written(r.ExcursionNoted)
    assert 3 <= len(noted) <= 4
    bench.wait(10)
    worst = bench.book.position("MNQ").mae_usd
    assert worst == Decimal(5) / 2 * -(59 + 29)
    again = bench.restart()
    again.connect()
    again.quote(PRICE)
    assert again.core.marks.excursions(BOOK, again.book.position("MNQ"))[0] == worst
    [stop] = again.in_slot(Slot.STOP)
    again.tell_fill(again.execute(stop.venue_id or "", PRICE - 40))
    assert again.book.trades[-1].mae_usd == worst
