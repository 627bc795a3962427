"""Trades of several bots beside each other in a contract of a book (docs/semantics.md#beside-each-other)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from msgspec import structs

from engine.books.bots import Bot
from engine.lab.replay import BOOK
from engine.model import events as ev
from engine.model import records as r
from engine.model.bots import BotConfig
from engine.model.commands import BreakEven, ChangeManual, Flatten, PlaceManual
from engine.model.instrument import CME_FUTURES
from engine.model.limits import RiskLimits
from engine.model.market import MINUTE, Side
from engine.model.orders import Fill, OrderSpec, OrderType, Slot
from engine.model.plans import Idea, PlanStatus
from engine.model.refusals import Refusal
from engine.state.fold import apply
from engine.state.state import State
from tests.market.feed import T0
from tests.strategies.scripted import ScriptedStrategy
from tests.support.scripted_replay import PRICE, ScriptedReplay, idea

Market = Iterator[ev.Quote | ev.Print]
RISK = RiskLimits(risk_per_trade_usd=Decimal(50), daily_loss_usd=Decimal(5_000))


def bot(name: str, *script: tuple[int, Idea], **terms: Any) -> Bot:
    return Bot(BotConfig(name, "scripted", **terms), ScriptedStrategy(script, relative=True))


def beside(script: Any, **terms: Any) -> ScriptedReplay:
    """The second bot enters a minute after the first, with a nearer stop."""
    late = structs.replace(idea(stop=20, targets=(60, 120))[1], ts=0)
    bots = [bot("first", idea()), bot("second", (T0 + 2 * MINUTE, late))]
    return ScriptedReplay(script, [], bots=bots, risk=structs.replace(RISK, **terms))


def shares(play: ScriptedReplay) -> dict[str, int]:
    return {one.plan.bot: one.open_qty for one in play.book.plans.values()}


def refused(play: ScriptedReplay) -> list[tuple[str, tuple[Refusal, ...]]]:
    return [(one.idea.owner, one.refusals) for one in play.written(r.IdeaRefused)]


def test_each_keeps_its_own_stop_targets_and_result() -> None:
    seen: list[Any] = []

    def script(play: ScriptedReplay) -> Market:
        yield from play.minutes(3)
        seen.append((shares(play), play.replay.held("MNQ"), sorted(play.stops())))
        yield from play.move(PRICE - 25, seconds=3)
        seen.append((shares(play), play.replay.held("MNQ"), sorted(play.stops())))
        yield from play.move(PRICE + 170, seconds=3)

    play = beside(script)
    (both, held, stops), (one, left, left_stops) = seen
    assert set(both) == {"first", "second"}
    assert held == sum(both.values()) == sum(qty for qty, _ in stops)
    entered = play.entry_price()
    assert {price for _, price in stops} == {entered - 40, entered - 20}
    assert one == {"first": both["first"]}
    assert left == both["first"]
    assert {price for _, price in left_stops} == {entered - 40}
    assert (play.replay.held("MNQ"), play.standing()) == (0, [])
    records = play.book.records
    assert {name: (one.wins, one.losses) for name, one in records.items()} == {
        "first": (1, 0),
        "second": (0, 1),
    }
    assert play.book.bot_usd["first"] > 0 > play.book.bot_usd["second"]
    assert sum(play.book.bot_usd.values()) == play.book.earned_usd
    assert len(play.book.trades) == 1, "to the account it was one position"


@pytest.mark.parametrize(
    ("script", "terms", "wanted"),
    [
        ([idea(), idea(Side.SELL)], {}, ("second", (Refusal.OPPOSED,))),
        ([idea(), idea()], {"plans_per_contract": 1}, ("second", (Refusal.IN_POSITION,))),
        ([idea(), idea(Side.SELL)], {"plans_per_contract": 1}, ("second", (Refusal.IN_POSITION,))),
    ],
    ids=["opposed", "one-at-a-time", "one-at-a-time-opposed"],
)
def test_what_may_not_stand_beside_is_refused(script: Any, terms: Any, wanted: Any) -> None:
    def minutes(play: ScriptedReplay) -> Market:
        yield from play.minutes(2)

    bots = [bot("first", script[0]), bot("second", script[1])]
    play = ScriptedReplay(minutes, [], bots=bots, risk=structs.replace(RISK, **terms))
    assert refused(play) == [wanted]
    assert set(shares(play)) == {"first"}
    [words] = play.written(r.IdeaRefused)[0].words
    if Refusal.OPPOSED in wanted[1]:
        [plan] = play.book.plans
        qty = abs(play.replay.held("MNQ"))
        told = f"the trade of first ({plan}, long {qty}) goes the other way there, and the account nets"
        assert words == told


@pytest.mark.parametrize(("own", "plans"), [(1, 1), (2, 2)])
def test_a_bot_has_one_trade_in_a_contract_unless_its_settings_say_more(own: int, plans: int) -> None:
    def minutes(play: ScriptedReplay) -> Market:
        yield from play.minutes(3)

    again = structs.replace(idea()[1], ts=0)
    one = bot("one", idea(), (T0 + 2 * MINUTE, again), plans_per_contract=own)
    play = ScriptedReplay(minutes, [], bots=[one, bot("other")], risk=RISK)
    assert len(play.book.plans) == plans
    assert [one.words for one in play.written(r.IdeaRefused)] == [
        ("1 trade of one open in this contract, 1 allowed (bots, one: plans_per_contract)",)
    ] * (2 - plans)


@pytest.mark.parametrize(("allowed", "placed"), [(None, False), (2, True)])
def test_a_persons_trade_stands_beside_a_bots_where_the_setting_allows_it(
    allowed: int | None, placed: bool
) -> None:
    def script(play: ScriptedReplay) -> Market:
        yield from play.minutes(2)
        play.say(
            PlaceManual(id="m", instrument="MNQ", side=Side.BUY, qty=1, stop_ticks=30, target_ticks=(60,))
        )
        yield from play.pass_time(3)

    limits = structs.replace(RISK, plans_per_contract=allowed)
    play = ScriptedReplay(script, [], bots=[bot("alone", idea())], risk=limits)
    assert (len(play.book.plans) == 2) is placed
    assert sum(qty for qty, _ in play.stops()) == play.replay.held("MNQ") == play.book.shares("MNQ")
    assert ("placed as" in play.answers()[0]) is placed


def test_a_persons_change_moves_the_orders_of_that_trade_alone() -> None:
    def script(play: ScriptedReplay) -> Market:
        yield from play.minutes(2)
        play.say(
            PlaceManual(id="m", instrument="MNQ", side=Side.BUY, qty=1, stop_ticks=30, target_ticks=(60,))
        )
        yield from play.pass_time(3)
        seen.append(play.stops())
        play.say(ChangeManual(id="c", order="m", stop=CME_FUTURES["MNQ"].price(PRICE - 20)))
        play.say(
            PlaceManual(id="o", instrument="MNQ", side=Side.SELL, qty=1, stop_ticks=30, target_ticks=(60,))
        )
        yield from play.pass_time(3)
        seen.append(play.stops())

    seen: list[Any] = []
    limits = structs.replace(RISK, plans_per_contract=2)
    play = ScriptedReplay(script, [], bots=[bot("alone", idea())], risk=limits)
    before, after = seen
    assert [one for one in before if one not in after] == [(1, max(price for _, price in before))]
    assert [one for one in after if one not in before] == [(1, PRICE - 20)]
    assert "goes the other way there, and the account nets" in play.answers()[-1]


def test_what_a_person_closes_at_the_venue_the_newest_trade_gives() -> None:
    seen: list[Any] = []

    def script(play: ScriptedReplay) -> Market:
        yield from play.minutes(3)
        before = shares(play)
        spec = OrderSpec(Side.SELL, OrderType.MARKET, before["second"] + 1)
        play.replay._report(play.replay.venue.place("MNQ", spec, play.now).events)
        yield from play.pass_time(8)
        seen.append((before, shares(play), sum(qty for qty, _ in play.stops())))
        yield from play.move(PRICE + 200, seconds=5)

    play = beside(script)
    [(before, after, stops)] = seen
    assert after == {"first": before["first"] - 1}
    assert stops == before["first"] - 1
    assert (play.replay.held("MNQ"), play.standing()) == (0, [])
    assert sum(play.book.bot_usd.values()) == play.book.earned_usd


def test_stop_and_target_of_one_that_both_fill_take_from_the_other_whose_exits_shrink() -> None:
    """The venue keeps its own legs apart; a stop and a target that tstream keeps may race."""
    seen: list[Any] = []

    def script(play: ScriptedReplay) -> Market:
        yield from play.minutes(2)
        before = shares(play)
        first = next(one for one in play.book.plans.values() if one.plan.bot == "first")
        stop = play.book.orders[first.legs[0].slots[Slot.STOP]].venue_id or ""
        venue, now, high = play.replay.venue, play.now, PRICE + 85
        play.replay._report(  # both, before anybody hears of either
            [
                *venue.adjust(stop, now, stop=PRICE + 50),
                *venue.on_quote(ev.Quote(ts_recv=now, instrument="MNQ", bid=high, ask=high + 1, last=high)),
                *venue.on_print(ev.Print(ts_recv=now, instrument="MNQ", price=high, size=50)),
            ]
        )
        yield from play.move(PRICE + 70, seconds=10)
        seen.append((before, shares(play), play.replay.held("MNQ"), sum(qty for qty, _ in play.stops())))
        yield from play.move(PRICE - 60, seconds=5)

    bots = [bot("first", idea(targets=(80,))), bot("second", idea(stop=10, targets=(300,)))]
    play = ScriptedReplay(script, [], bots=bots, risk=RISK, brackets=False)
    [(before, after, held, stops)] = seen
    assert play.core.turn.counts["double exits"]
    assert after == {"second": before["second"] - before["first"]}
    assert held == stops == after["second"] > 0
    assert (play.replay.held("MNQ"), play.standing()) == (0, [])
    assert [trade.side for trade in play.book.trades] == [Side.BUY]
    assert sum(play.book.bot_usd.values()) == play.book.earned_usd


def test_break_even_moves_the_trade_that_is_ahead_and_leaves_the_other() -> None:
    def script(play: ScriptedReplay) -> Market:
        yield from play.minutes(1)
        yield from play.move(PRICE + 30)
        yield from play.minutes(1)
        play.say(BreakEven(id="b", instrument="MNQ"))
        yield from play.pass_time(3)

    play = beside(script)
    assert set(shares(play)) == {"first", "second"}
    [answer] = play.answers()
    assert "stop(s) to break-even; of another trade price has not passed break-even" in answer
    entered = play.entry_price()
    low, *high = sorted({price for _, price in play.stops() if price is not None})
    assert low > entered
    assert high == [entered + 30 - 20]


def test_flatten_closes_both_and_the_journal_folds_to_the_same() -> None:
    def script(play: ScriptedReplay) -> Market:
        yield from play.minutes(3)
        play.say(Flatten(id="f", instrument="MNQ"))
        yield from play.pass_time(8)

    play = beside(script)
    assert (play.replay.held("MNQ"), play.standing(), play.book.plans) == (0, [], {})
    assert set(play.book.records) == {"first", "second"}
    assert sum(play.book.bot_usd.values()) == play.book.earned_usd
    again = State()
    for record in play.journal:
        apply(again, r.decode(r.encode(record)))
    assert again.books[BOOK].records == play.book.records


def test_what_was_flat_before_another_stood_beside_it_is_credited_with_its_rest() -> None:
    """An entry fills in parts, its stop takes the first; only then a second trade comes beside it."""
    play = beside(lambda one: one.minutes(1))
    state, book = play.core.state, play.book
    (first,) = book.plans.values()
    held, numbers = first.open_qty, itertools.count(900)
    orders = {order.slot: order for order in book.live_orders("MNQ")} | {
        Slot.ENTRY: book.orders[first.legs[0].slots[Slot.ENTRY]]
    }

    def fill(slot: Slot, side: Side, price: int, qty: int) -> None:
        number = f"{next(numbers)}"
        made = Fill(number, "1", "MNQ", side, price, qty, Decimal("0.61") * qty, T0 + 2 * MINUTE)
        apply(
            state, r.FillApplied(ts=T0 + 2 * MINUTE, book=BOOK, client_id=orders[slot].client_id, fill=made)
        )

    fill(Slot.STOP, Side.SELL, PRICE - 40, held)
    assert book.records["first"].losses == 1
    fill(Slot.ENTRY, Side.BUY, PRICE, 1)
    apply(state, r.PlanOpened(ts=T0 + 2 * MINUTE, plan=structs.replace(first.plan, plan_id="9-9")))
    fill(Slot.STOP, Side.SELL, PRICE + 70, 1)
    for name in (first.plan.plan_id, "9-9"):
        apply(state, r.PlanChanged(ts=T0 + 2 * MINUTE, book=BOOK, plan_id=name, status=PlanStatus.CLOSED))
    record = book.records["first"]
    assert (record.wins, record.losses) == (1, 1)
    assert record.net_usd == book.bot_usd["first"] == book.earned_usd
