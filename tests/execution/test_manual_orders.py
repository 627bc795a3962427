"""Orders by hand: a command becomes a plan like any other, once, and hears what stands against it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st

from engine.market.calendars.known import CME
from engine.model import effects as fx
from engine.model import events as ev
from engine.model import records as r
from engine.model.commands import CancelManual, ChangeManual, Flatten, Pause, PlaceManual
from engine.model.config import Brackets, TradingSwitch
from engine.model.limits import RiskLimits
from engine.model.market import MINUTE, NANOS, Side
from engine.model.orders import OrderStatus, OrderType, Slot, VenueStatus
from engine.model.plans import MANUAL
from engine.model.refusals import OVERRIDES
from tests.support.manual_venue import BOOK, ManualVenue
from tests.support.venue_orders import MNQ, PRICE

ASK = PRICE + 1


def _price(ticks: int) -> Decimal:
    return MNQ.price(ticks)


def place(**given: Any) -> PlaceManual:
    """Buy two at market, stop 40 ticks away, target 80."""
    terms: dict[str, Any] = {"stop_ticks": 40, "target_ticks": (80,), "qty": 2}
    terms |= {"id": "one", "source": "cli", "instrument": "MNQ", "side": Side.BUY} | given
    return PlaceManual(**terms)


def resting(kind: OrderType = OrderType.LIMIT, **given: Any) -> PlaceManual:
    """The same ten ticks below the market as a limit, or above it as a stop."""
    at = PRICE - 10 if kind is OrderType.LIMIT else PRICE + 10
    return place(**{"entry": kind, "price": _price(at)} | given)


def bench(**given: Any) -> ManualVenue:
    venue = ManualVenue(**given)
    venue.connect()
    return venue


def _placed(venue: ManualVenue) -> list[fx.PlaceOrder]:
    return venue.of(fx.PlaceOrder)


def test_an_entry_at_market_is_a_plan_with_its_bracket() -> None:
    venue = bench()
    answer = venue.say(place())
    assert answer == (
        f"placed as 1-1: buy 2 MNQ at market in {BOOK}, stop 19990.25 (40 ticks), target 20020.25, "
        "44.44 USD at risk, costs included"
    )
    [order] = _placed(venue)
    assert (order.side, order.qty, order.stop_offset, order.target_offset) == (Side.BUY, 2, -40, 80)
    [found] = venue.book.plans.values()
    assert (found.plan.strategy, found.plan.origin) == (MANUAL, "manual:one")
    venue.enter(order)
    venue.obey(2)
    assert venue.stops() == [(2, PRICE - 40)]
    assert venue.targets() == [(2, PRICE + 80)]


@pytest.mark.parametrize("kind", [OrderType.LIMIT, OrderType.STOP])
@pytest.mark.parametrize("brackets", [Brackets.NATIVE, Brackets.OWN])
def test_a_resting_entry_is_protected_at_once_also_in_parts(kind: OrderType, brackets: Brackets) -> None:
    venue = bench(brackets=brackets)
    stop, target = PRICE - 60, PRICE + 200
    venue.say(resting(kind, stop=_price(stop), stop_ticks=None, targets=(_price(target),), target_ticks=()))
    [order] = _placed(venue)
    assert (order.type, order.price) == (kind, PRICE + (10 if kind is OrderType.STOP else -10))
    [entry] = venue.accept(order, legs=True)
    venue.tell_fill(venue.execute(entry, PRICE, 1))
    for one in [o.venue_id for o in venue.orders.values() if o.parent_id == entry]:
        venue.tell(one)
    venue.obey(3)
    assert venue.stops() == [(1, stop)]
    venue.tell_fill(venue.execute(entry, PRICE, 1))
    venue.tell(entry)
    venue.obey(4)
    assert venue.stops() == [(2, stop)]
    assert venue.targets() == [(2, target)]


def test_the_same_command_twice_does_nothing_twice_over_a_restart() -> None:
    venue = bench()
    answer = venue.say(place())
    assert venue.say(place()) == f"taken already, nothing is done twice: {answer}"
    assert venue.say(place()) == f"taken already, nothing is done twice: {answer}"
    again = venue.restart()
    again.connect()
    assert again.say(place()).endswith(answer)
    assert len(_placed(venue)) + len(_placed(again)) == 1


def test_a_command_whose_answer_never_got_into_the_journal_is_not_done_again() -> None:
    venue = bench()
    venue.say(place())
    kept = [record for record in venue.journal if not isinstance(record, r.CommandTaken)]
    again = ManualVenue(journal=kept, boot=2, at=venue.now + NANOS)
    again.orders, again.positions = venue.orders, venue.positions
    again.connect()
    assert again.say(place()).startswith("taken already")
    assert not _placed(again)


def test_a_dry_run_places_nothing_and_may_be_followed_by_the_order() -> None:
    venue = bench()
    answer = venue.say(place(dry_run=True))
    assert answer.startswith("nothing is placed, and it would be taken: buy 2 MNQ at market")
    assert not venue.book.plans
    assert venue.say(place()).startswith("placed as")


SENTENCES: list[tuple[dict[str, Any], str]] = [
    ({"qty": None}, "say how much"),
    ({"risk_usd": Decimal(100)}, "say how much"),
    ({"qty": None, "risk_usd": Decimal("NaN")}, "plain number above 0"),
    ({"qty": None, "risk_usd": Decimal(5)}, "1 MNQ risks 22.22 USD, 5 asked for"),
    ({"stop_ticks": None}, "every trade has a stop"),
    ({"stop": Decimal(20_000)}, "every trade has a stop"),
    ({"stop_ticks": None, "stop": Decimal("19990.1")}, "MNQ moves in ticks of 0.25"),
    ({"stop_ticks": None, "stop": Decimal(20_010)}, "must be below 20000.25"),
    ({"stop_ticks": None, "stop": Decimal(2_000)}, "look at the digits"),
    ({"stop_ticks": None, "stop": Decimal("1E-900000")}, "lies between two ticks"),
    ({"stop_ticks": None, "stop": Decimal("Infinity")}, "plain number above 0"),
    ({"target_ticks": (), "targets": (Decimal(19_999),)}, "must lie beyond 20000.25"),
    ({"target_ticks": (80, 80)}, "the nearer one first"),
    ({"target_ticks": (80,), "targets": (Decimal(20_020),)}, "targets as prices or as ticks"),
    ({"price": Decimal(20_000)}, "one at market has none"),
    ({"entry": OrderType.LIMIT}, "a limit or stop entry has a price"),
    ({"entry": OrderType.STOP, "price": Decimal(20_000)}, "has reached 20000.00 already"),
    ({"entry": OrderType.LIMIT, "price": Decimal(20_010), "stop": Decimal(20_005), "stop_ticks": None},
     "must be below 20000.25, where it would be entered now"),
    ({"qty": 0}, "1 to 10000000000 lots"),
    ({"stop_ticks": -40}, "1 to 1000000 ticks"),
    ({"target_ticks": (80, 90, 100)}, "at most 2 targets"),
    ({"minutes": 0, "entry": OrderType.LIMIT, "price": Decimal(19_990)}, "1 to 1440 minutes"),
    ({"minutes": 5}, "leave the minutes out"),
    ({"override": ("daily_loss",)}, '"daily_loss" can\'t be overridden'),
    ({"override": ("score",)}, "has no score, so nothing is refused for it; what can be: hours, news,"),
    ({"book": "nowhere"}, "unknown book nowhere, or not connected yet; known: hand"),
    ({"instrument": "NQX"}, "unknown contract NQX; known: MNQ, ES"),
    ({"instrument": "ES"}, "ES: no price is known yet"),
    ({"qty": 9}, "9 would risk 199.98 USD; at most 5 by risk.max_contracts: 5 fit"),
    ({"target_ticks": ()}, "reward to risk is 0.00, at least 1.5 (risk.reward_to_risk_min)"),
    ({"target_ticks": (50,)}, "(--override reward-to-risk)"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "words"), SENTENCES, ids=lambda part: str(part)[:50])
def test_what_can_not_be_placed_is_said_with_the_remedy(given: dict[str, Any], words: str) -> None:
    venue = bench()
    answer = venue.say(place(**given))
    assert words in answer
    assert not venue.written(r.CommandTaken)[-1].done
    assert not _placed(venue)


def test_a_typed_word_overrides_a_pause_of_a_person_and_no_lock() -> None:
    venue = bench()
    venue.say(Pause(id="p"))
    assert "entries are paused" in venue.say(place(id="a"))
    assert venue.say(place(id="b", override=("pause",))).startswith("placed as")
    locked = bench(risk=RiskLimits(daily_loss_usd=Decimal(20)))
    refused = locked.say(place(override=tuple(OVERRIDES)))
    assert "the daily loss limit leaves" in refused
    assert "44.44 USD at risk" in refused
    off = bench(trading=TradingSwitch.OFF)
    assert "trading is off" in off.say(place(override=tuple(OVERRIDES)))
    venue.step(ev.JournalState(ts_recv=venue.now, ok=False, detail="full"))
    assert "the journal can't be written" in venue.say(place(id="c", override=tuple(OVERRIDES)))


def test_one_trade_at_a_time_says_who_holds_the_contract() -> None:
    venue = bench()
    venue.enter(_after(venue, place()))
    for side in Side:
        answer = venue.say(place(id=f"more {side}", side=side))
        assert "MNQ is held there (+2) by manual (1-1): an account nets" in answer


def _after(venue: ManualVenue, command: PlaceManual) -> fx.PlaceOrder:
    assert venue.say(command).startswith("placed")
    return _placed(venue)[-1]


def test_a_resting_entry_ends_in_time_also_after_a_restart() -> None:
    venue = bench()
    order = _after(venue, resting(minutes=2))
    venue.accept(order)
    again = venue.restart()
    again.connect()
    again.wait(60)
    assert not again.of(fx.CancelOrder)
    again.now += MINUTE
    again.quote()
    again.wait(0.3)
    assert len(again.of(fx.CancelOrder)) == 1
    again.obey(1)
    assert not again.book.plans


def test_an_entry_for_the_day_ends_before_positions_must_be_flat() -> None:
    venue = bench()
    venue.say(resting())
    [found] = venue.book.plans.values()
    guards, wall = venue.core.books[BOOK].guards, venue.core.turn.wall
    assert found.plan.ends_ts == wall + guards.hours.ns_to_flat(wall, CME) - 15 * MINUTE


@pytest.mark.parametrize("command", [Pause(id="x"), Flatten(id="x"), CancelManual(id="x", order="one")])
def test_resting_entries_are_taken_back(command: Any) -> None:
    venue = bench()
    [entry] = venue.accept(_after(venue, resting()))
    venue.say(command)
    assert [c.venue_id for c in venue.of(fx.CancelOrder)] == [entry]
    venue.tell_fill(venue.execute(entry))  # it was filled before its cancel came
    venue.tell(entry)
    venue.obey(4)
    if isinstance(command, Flatten):
        assert venue.of(fx.ClosePosition)
    else:
        assert venue.stops() == [(2, PRICE - 40)]


def test_a_second_cancel_and_one_of_nothing_say_so() -> None:
    venue = bench()
    [entry] = venue.accept(_after(venue, resting()))
    assert venue.say(CancelManual(id="a", order="1-1")).endswith("the entry is being cancelled")
    assert venue.say(CancelManual(id="b", order="1-1")).endswith("the entry is being cancelled already")
    venue.end(entry)
    assert "no open trade or order is called one (it was answered: placed as" in venue.say(
        CancelManual(id="c", order="one")
    )


def _held(**given: Any) -> ManualVenue:
    venue = bench(**given)
    venue.enter(_after(venue, place()))
    venue.obey(2)
    return venue


def _change(venue: ManualVenue, **given: Any) -> str:
    return venue.say(ChangeManual(id=f"c{len(venue.journal)}", order="one", **given))


def test_stop_and_targets_move_where_they_stand() -> None:
    venue = _held()
    answer = _change(venue, stop=_price(PRICE - 20), targets=(_price(PRICE + 100),))
    assert answer == (
        f"1-1, MNQ in {BOOK}: stop to 19995.00, targets to 20025.00; 24.44 USD at risk, costs included"
    )
    venue.obey(2)
    assert (venue.stops(), venue.targets()) == ([(2, PRICE - 20)], [(2, PRICE + 100)])
    assert not venue.of(fx.CancelOrder)
    assert _change(venue, stop=_price(PRICE - 30)).startswith("1-1")  # looser, as the gate allows
    venue.obey(2)
    assert venue.stops() == [(2, PRICE - 30)]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "say what to move"),
        ({"stop": _price(PRICE)}, "has reached"),
        ({"stop": _price(PRICE + 5)}, "has reached"),
        ({"targets": (_price(PRICE - 1),)}, "must lie beyond"),
        ({"targets": (_price(PRICE + 40), _price(PRICE + 80))}, "can't be split over 2 targets"),
        ({"stop": _price(PRICE - 400)}, "more would be at risk, and that is refused"),
        ({"price": _price(PRICE - 5)}, "at market: there is no price"),
        ({"stop": Decimal(2)}, "look at the digits"),
    ],
    ids=str,
)
def test_a_change_that_would_harm_changes_nothing(given: dict[str, Any], words: str) -> None:
    venue = _held()
    asked = len(venue.of(fx.ModifyOrder))
    assert words in _change(venue, **given)
    venue.obey(2)
    assert len(venue.of(fx.ModifyOrder)) == asked
    assert venue.stops() == [(2, PRICE - 40)]


def test_a_resting_entry_moves_and_fills_with_its_stop() -> None:
    venue = bench()
    [entry] = venue.accept(_after(venue, resting(stop=_price(PRICE - 50), stop_ticks=None)), legs=True)
    assert _change(venue, price=_price(PRICE - 20)).startswith("1-1, MNQ in hand: entry to 19995.00")
    venue.obey(1)
    assert venue.orders[entry].limit == PRICE - 20
    venue.trade(PRICE - 20)
    venue.tell_fill(venue.execute(entry, PRICE - 20))
    venue.tell(entry)
    for one in [o.venue_id for o in venue.orders.values() if o.parent_id == entry]:
        venue.tell(one)
    venue.obey(3)
    assert venue.stops() == [(2, PRICE - 50)]


def test_a_dry_run_of_a_change_says_what_it_would_be_and_moves_nothing() -> None:
    venue = _held()
    answer = _change(venue, stop=_price(PRICE - 20), dry_run=True)
    assert answer.startswith(
        "nothing is moved, and it would be taken: 1-1, MNQ in hand: stop to 19995.00; 24.44"
    )
    assert "more would be at risk" in _change(venue, stop=_price(PRICE - 400), dry_run=True)
    venue.obey(2)
    assert not venue.of(fx.ModifyOrder)
    assert not venue.written(r.PlanChanged)


@pytest.mark.parametrize("way", [{"targets": (_price(PRICE + 30),)}, {"price": _price(PRICE - 2)}])
def test_what_was_refused_to_an_entry_is_refused_to_its_move_until_the_word_is_typed(
    way: dict[str, Any],
) -> None:
    venue = bench()
    aims: dict[str, Any] = {"stop": _price(PRICE - 50), "targets": (_price(PRICE + 50),)}
    [entry] = venue.accept(_after(venue, resting(**aims, stop_ticks=None, target_ticks=())), legs=True)
    answer = _change(venue, **way)
    assert "that is refused: reward to risk is" in answer
    assert answer.endswith("(--override reward-to-risk)")
    venue.obey(1)
    assert not venue.of(fx.ModifyOrder)
    assert "can't be overridden" in _change(venue, **way, override=("daily_loss",))
    assert _change(venue, **way, override=("reward-to-risk",)).startswith("1-1, MNQ in hand")
    assert venue.written(r.PlanChanged)[-1].reason == "by hand, reward-to-risk overridden"
    venue.tell_fill(venue.execute(entry, PRICE))
    venue.tell(entry)
    venue.obey(3)
    # What has begun is not measured anew: no word is needed to bring its target nearer.
    assert _change(venue, targets=(_price(PRICE + 20),)).startswith("1-1, MNQ in hand")


def test_a_looser_stop_of_what_is_held_has_no_word() -> None:
    venue = _held()
    refused = _change(venue, stop=_price(PRICE - 400), override=tuple(OVERRIDES))
    assert "more would be at risk, and that is refused" in refused
    assert "--override" not in refused


def test_a_move_that_was_under_way_at_a_restart_is_looked_up_and_made() -> None:
    venue = bench()
    [entry] = venue.accept(_after(venue, resting()))
    _change(venue, price=_price(PRICE - 20))
    again = venue.restart()
    again.connect()
    again.obey(8)
    assert again.orders[entry].limit == PRICE - 20
    [order] = again.in_slot(Slot.ENTRY)
    assert (order.status, order.limit) == (OrderStatus.WORKING, PRICE - 20)


def test_an_entry_that_is_lost_on_its_way_is_looked_up_and_not_sent_again() -> None:
    venue = bench()
    order = _after(venue, resting())
    entry = venue.lodge(order)
    again = venue.restart()
    again.connect()
    again.wait(3)
    assert again.in_slot(Slot.ENTRY)[0].venue_id == entry
    assert not _placed(again)
    assert again.orders[entry].status is VenueStatus.WORKING


def test_whoever_opened_a_trade_a_person_may_tighten_its_stop_and_never_loosen_it_beyond_a_limit() -> None:
    from tests.support.manual_venue import connected

    venue, order = connected()
    venue.enter(order)
    tighter = ChangeManual(id="x", order=order.client_id, stop=_price(PRICE - 20))
    assert "stop to 19995.00" in venue.say(tighter)
    venue.obey(2)
    assert venue.stops() == [(5, PRICE - 20)]
    looser = ChangeManual(id="y", order=order.client_id, stop=_price(PRICE - 100))
    assert "more would be at risk, and that is refused" in venue.say(looser)


@settings(max_examples=15)
@examples(st.lists(st.tuples(st.integers(-90, 20), st.integers(0, 250), st.booleans()), max_size=4))
def test_protection_never_goes_down_in_between(moves: list[tuple[int, int, bool]]) -> None:
    venue = _held()
    for stop, target, answered in moves:
        _change(venue, stop=_price(PRICE + stop), targets=(_price(PRICE + target),))
        for _ in range(4):
            assert sum(qty for qty, _ in venue.stops()) == 2
            if answered:
                venue.obey(0.2)
            else:
                venue.wait(0.2)
    venue.obey(4)
    assert sum(qty for qty, _ in venue.stops()) == 2
    assert not venue.of(fx.CancelOrder)
