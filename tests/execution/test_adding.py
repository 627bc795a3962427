"""More of a trade that is held, targets that come and go, stops that follow: every lot is always covered."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.model import effects as fx
from engine.model import events as ev
from engine.model.commands import AddManual, CancelManual, ChangeManual, Flatten, PlaceManual, ReduceManual
from engine.model.limits import RiskLimits
from engine.model.market import Side
from engine.model.orders import Slot
from engine.model.refusals import Refusal
from engine.model.verdicts import RoomUnit
from tests.support.manual_venue import ManualVenue
from tests.support.venue_orders import MNQ, PRICE


def held(qty: int = 2, targets: tuple[int, ...] = (80,), risk: RiskLimits | None = None) -> ManualVenue:
    """A trade by hand that is open with its bracket."""
    venue = ManualVenue(risk=risk)
    venue.connect()
    venue.say(
        PlaceManual(id="one", instrument="MNQ", side=Side.BUY, qty=qty, stop_ticks=40, target_ticks=targets)
    )
    for order in venue.of(fx.PlaceOrder):
        venue.enter(order)
    venue.obey(2)
    return venue


def add(venue: ManualVenue, **terms: Any) -> str:
    return venue.say(AddManual(id=f"add{len(venue.journal)}", order="one", **terms))


def change(venue: ManualVenue, **terms: Any) -> str:
    prices: dict[str, Any] = {k: MNQ.price(v) for k, v in terms.items() if k in ("stop", "add_target")}
    prices |= {k: tuple(map(MNQ.price, v)) for k, v in terms.items() if k in ("drop_targets", "targets")}
    return venue.say(ChangeManual(id=f"c{len(venue.journal)}", order="one", **(terms | prices)))


def test_what_is_added_is_protected_by_its_own_stop_at_the_price_of_the_trades() -> None:
    venue = held()
    change(venue, stop=PRICE - 30)
    venue.obey(2)
    answer = add(venue, qty=1)
    assert answer == (
        "adding: buy 1 MNQ at market in hand, added to 2 of 1-1, stop 19992.50, target 20020.00; "
        "52.16 USD of the whole at risk, costs included"
    )
    order = venue.of(fx.PlaceOrder)[-1]
    assert (order.qty, order.stop_offset, order.target_offset) == (1, -31, 79)
    venue.enter(order)
    venue.obey(2)
    assert venue.stops() == [(1, PRICE - 30), (2, PRICE - 30)]
    assert venue.targets() == [(1, PRICE + 80), (2, PRICE + 80)]
    assert len(venue.book.plans) == 1
    venue.say(ReduceManual(id="half", instrument="MNQ", qty=3))
    for part in [o for o in venue.of(fx.PlaceOrder) if venue.order(o.client_id).slot is Slot.PART]:
        [venue_id] = venue.accept(part)
        venue.tell_fill(venue.execute(venue_id, PRICE + 10))
        venue.tell(venue_id)
    venue.obey(4)
    assert (venue.standing(), venue.book.plans, venue.positions["MNQ"]) == ([], {}, 0)


@pytest.mark.parametrize(
    ("limits", "terms", "refusal", "words"),
    [
        ({"risk_per_trade_usd": Decimal(60)}, {"qty": 1}, Refusal.SIZE_LESS, "the whole would risk 67.16"),
        ({"max_contracts": 3}, {"qty": 2}, Refusal.SIZE_LESS, "the whole would be 4, 3 allowed"),
        ({"daily_loss_usd": Decimal(60)}, {"qty": 1}, Refusal.DAILY_LOSS, "1 contract would risk"),
        ({"max_open_trades": 1}, {"qty": 1}, None, ""),
        ({}, {"risk_usd": Decimal(5)}, Refusal.SIZE_ZERO, "5 asked for"),
    ],
)
def test_the_gate_is_asked_of_what_is_added_and_of_the_whole(
    limits: dict[str, Any], terms: dict[str, Any], refusal: Refusal | None, words: str
) -> None:
    venue = held(risk=RiskLimits(**limits))
    told = venue.ask(AddManual(id="a", order="one", dry_run=True, **terms))
    [verdict] = told.verdicts
    assert (verdict.held, verdict.held_after) == (2, 2 + verdict.qty)
    assert told.done is (refusal is None)
    assert refusal is None or (refusal in {one.refusal for one in verdict.against} and words in told.text)
    venue.say(AddManual(id="a", order="one", **terms))
    assert len(venue.of(fx.PlaceOrder)) == (2 if refusal is None else 1)


def test_what_is_added_and_refused_by_the_venue_leaves_the_trade_as_it_was() -> None:
    venue = held()
    add(venue, qty=1)
    venue.reply(venue.of(fx.PlaceOrder)[-1], ev.Outcome.REFUSED, reason="no margin")
    venue.obey(4)
    assert (venue.stops(), venue.targets()) == ([(2, PRICE - 40)], [(2, PRICE + 80)])
    assert add(venue, qty=1).startswith("adding")
    venue.enter(venue.of(fx.PlaceOrder)[-1])
    venue.obey(3)
    assert sum(qty for qty, _ in venue.stops()) == 3


def test_adding_says_why_not() -> None:
    venue = ManualVenue()
    venue.connect()
    resting = PlaceManual(id="one", instrument="MNQ", side=Side.BUY, qty=1, stop_ticks=40, target_ticks=(80,))
    venue.say(resting)
    assert "is not over yet" in add(venue, qty=1)
    venue.enter(venue.of(fx.PlaceOrder)[-1])
    venue.obey(1)
    assert "say how much more" in add(venue)
    venue.quote(PRICE - 60)
    assert "wrong side" in add(venue, qty=1)
    venue.say(Flatten(id="f"))
    assert "is being closed" in add(venue, qty=1)


def test_a_second_target_splits_what_is_held_and_its_stop_never_covers_less() -> None:
    venue = held(qty=5)
    assert "a target at 20050.00" in change(venue, add_target=PRICE + 200)
    for _ in range(30):
        assert sum(qty for qty, _ in venue.stops()) >= 5
        venue.obey(0.2)
    assert venue.stops() == [(2, PRICE - 40), (3, PRICE - 40)]
    assert venue.targets() == [(2, PRICE + 200), (3, PRICE + 80)]
    assert "at most 2" in change(venue, add_target=PRICE + 300)
    assert "no target at 20050.00 any more" in change(venue, drop_targets=(PRICE + 200,))
    venue.obey(3)
    assert venue.targets() == [(3, PRICE + 80)]
    assert venue.stops() == [(2, PRICE - 40), (3, PRICE - 40)]
    assert "a target at 20060.00" in change(venue, add_target=PRICE + 240)
    venue.obey(3)
    assert venue.targets() == [(2, PRICE + 240), (3, PRICE + 80)]
    assert "has no target at" in change(venue, drop_targets=(PRICE + 77,))
    assert "can't be split" in change(held(qty=1), add_target=PRICE + 200)


def test_its_stop_follows_at_a_distance_and_never_goes_back() -> None:
    venue = held()
    assert "its stop follows at 30 ticks" in change(venue, trail_ticks=30)
    venue.quote()
    venue.obey(2)
    assert venue.stops() == [(2, PRICE - 30)]
    venue.trade(PRICE + 20)
    venue.obey(3)
    assert venue.stops() == [(2, PRICE - 10)]
    venue.trade(PRICE + 5)
    venue.obey(3)
    assert venue.stops() == [(2, PRICE - 10)]
    assert "its stop stays" in change(venue, trail_ticks=0)
    venue.trade(PRICE + 60)
    venue.obey(3)
    assert venue.stops() == [(2, PRICE - 10)]
    assert "follows at 2 to" in change(venue, trail_ticks=1)
    again = venue.restart()
    again.connect()
    again.trade(PRICE + 70)
    again.obey(3)
    assert again.stops() == [(2, PRICE - 10)]


def test_the_verdict_says_in_numbers_what_a_ticket_shows() -> None:
    venue = ManualVenue(risk=RiskLimits(daily_loss_usd=Decimal(500), max_trades=4))
    venue.connect()
    buy = PlaceManual(
        id="t", instrument="MNQ", side=Side.BUY, sized=True, stop_ticks=40, target_ticks=(20,), dry_run=True
    )
    before = len(venue.journal)
    told = venue.ask(buy)
    assert len(venue.journal) == before, "what is only tried is not written down"
    assert not any(n.command_id == "t" for n in venue.notices), "and told to nobody else"
    [verdict] = told.verdicts
    assert (verdict.done, verdict.qty, verdict.risk, verdict.costs) == (
        False,
        5,
        Decimal("111.10"),
        Decimal("6.10"),
    )
    assert (verdict.entry, verdict.stop, verdict.targets) == (
        MNQ.price(PRICE + 1),
        MNQ.price(PRICE - 39),
        (MNQ.price(PRICE + 21),),
    )
    assert (verdict.reward_to_risk, verdict.held, verdict.held_after) == (0.5, 0, 5)
    [against] = verdict.against
    assert (against.refusal, against.override) == (Refusal.REWARD_TO_RISK, "reward-to-risk")
    assert "0.50, at least" in against.words
    rooms = {one.name: (one.left, one.after, one.unit) for one in verdict.left}
    assert rooms["daily loss"] == (Decimal(475), Decimal("363.90"), RoomUnit.MONEY)
    assert rooms["trades today"] == (Decimal(4), Decimal(3), RoomUnit.TRADES)
    assert rooms["risk a trade"][0] - rooms["risk a trade"][1] == Decimal("111.10")


@settings(max_examples=10)
@given(
    st.lists(
        st.sampled_from(["add", "target", "drop", "tighten", "loosen", "half", "fill", "wait", "kill"]),
        min_size=2,
        max_size=8,
    )
)
def test_whatever_is_asked_in_whatever_order_every_lot_has_its_stop(moves: list[str]) -> None:
    """The invariants are looked at after every event; here that the stops cover what is held in the end."""
    venue = held(qty=4, risk=RiskLimits(risk_per_trade_usd=Decimal(1000), max_contracts=20))
    stop = PRICE - 40
    for move in moves:
        match move:
            case "add":
                add(venue, qty=1)
            case "target":
                change(venue, add_target=PRICE + 200)
            case "drop":
                change(venue, drop_targets=(PRICE + 80,))
            case "tighten" | "loosen":
                stop += 5 if move == "tighten" else -5
                change(venue, stop=stop)
            case "half":
                venue.say(ReduceManual(id=f"h{len(venue.journal)}", instrument="MNQ"))
            case "fill":
                _fill(venue)
            case "kill":
                venue = venue.restart()
                venue.connect()
            case _:
                venue.obey(0.6)
    venue.obey(2)
    _fill(venue)
    venue.obey(6)
    qty = venue.positions["MNQ"]
    assert qty >= 0
    assert sum(lots for lots, _ in venue.stops()) == qty
    assert sum(lots for lots, _ in venue.targets()) <= qty


def _fill(venue: ManualVenue) -> None:
    """Whatever is at market and stands is filled."""
    for order in list(venue.book.live_orders()):
        if order.slot in (Slot.ENTRY, Slot.PART) and order.venue_id in venue.orders:
            shown = venue.orders[order.venue_id]
            if shown.status.live:
                venue.tell_fill(venue.execute(order.venue_id, PRICE))
                venue.tell(order.venue_id)


def added_at(venue: ManualVenue, price: int, **terms: Any) -> str:
    """One more lot that rests at a limit; the venue has it."""
    answer = add(venue, qty=1, price=MNQ.price(price), **terms)
    venue.obey(1)
    return answer


def resting(venue: ManualVenue) -> list[tuple[int, int | None]]:
    return [(o.open_qty, o.limit) for o in venue.book.live_orders() if o.slot is Slot.ENTRY]


def test_what_is_added_at_a_limit_rests_is_moved_and_protected_when_it_fills() -> None:
    venue = held()
    assert added_at(venue, PRICE - 20) == (
        "adding: buy 1 MNQ limit 19995.00 in hand, added to 2 of 1-1, stop 19990.00, target 20020.00; "
        "56.66 USD of the whole at risk, costs included"
    )
    assert (resting(venue), venue.stops()) == ([(1, PRICE - 20)], [(2, PRICE - 40)])
    assert "is not over yet" in add(venue, qty=1)
    told = venue.ask(ChangeManual(id="lower", order="one", price=MNQ.price(PRICE - 24)))
    assert "entry to 19994.00" in told.text
    venue.obey(1)
    assert resting(venue) == [(1, PRICE - 24)]
    assert "wrong side" in change(venue, stop=PRICE - 24) or "must be below" in change(venue, stop=PRICE - 24)
    [order] = [o for o in venue.book.live_orders() if o.slot is Slot.ENTRY]
    assert order.venue_id is not None
    legs = [o.venue_id for o in venue.orders.values() if o.parent_id == order.venue_id]
    venue.tell_fill(venue.execute(order.venue_id, PRICE - 24))
    for one in (order.venue_id, *legs):
        venue.tell(one)
    venue.obey(4)
    assert venue.stops() == [(1, PRICE - 40), (2, PRICE - 40)]
    assert venue.targets() == [(1, PRICE + 80), (2, PRICE + 80)]
    assert venue.book.plans["1-1"].open_qty == 3


def test_a_resting_addition_goes_along_with_the_stop_and_ends_with_its_trade() -> None:
    venue = held()
    added_at(venue, PRICE - 10)
    venue.trade(PRICE + 25)
    change(venue, trail_ticks=50)
    venue.trade(PRICE + 26)
    venue.obey(3)
    [stop] = venue.stops()
    assert stop == (2, PRICE - 24)
    assert [leg.stop for leg in venue.book.plans["1-1"].plan.legs] == [PRICE - 24, PRICE - 24]
    venue.trade(PRICE + 60)
    venue.obey(3)
    # The trade's stop is beyond where it rests: it keeps its own.
    assert [leg.stop for leg in venue.book.plans["1-1"].plan.legs] == [PRICE + 10, PRICE - 24]
    [held_stop] = [o for o in venue.book.live_orders() if o.slot is Slot.STOP and not o.suspended]
    assert held_stop.venue_id is not None
    venue.tell_fill(venue.execute(held_stop.venue_id, PRICE + 9))
    venue.tell(held_stop.venue_id)
    venue.obey(4)
    assert (resting(venue), venue.book.plans, venue.positions["MNQ"]) == ([], {}, 0)


def test_one_that_fills_while_the_trade_is_stopped_out_has_its_own_stop() -> None:
    venue = held()
    added_at(venue, PRICE - 10)
    [order] = [o for o in venue.book.live_orders() if o.slot is Slot.ENTRY]
    [stop] = [o for o in venue.book.live_orders() if o.slot is Slot.STOP and not o.suspended]
    assert order.venue_id is not None
    assert stop.venue_id is not None
    legs = [o.venue_id for o in venue.orders.values() if o.parent_id == order.venue_id]
    venue.tell_fill(venue.execute(stop.venue_id, PRICE - 40))
    venue.tell_fill(venue.execute(order.venue_id, PRICE - 10))
    for one in (stop.venue_id, order.venue_id, *legs):
        venue.tell(one)
    venue.obey(4)
    assert venue.stops() == [(1, PRICE - 40)]
    assert venue.positions["MNQ"] == 1


@pytest.mark.parametrize("how", ["cancel", "time", "flatten"])
def test_a_resting_addition_is_taken_back(how: str) -> None:
    venue = held()
    added_at(venue, PRICE - 10, minutes=1)
    if how == "cancel":
        assert "the 2 held keep their stops" in venue.say(CancelManual(id="c", order="one"))
    elif how == "flatten":
        venue.say(Flatten(id="f"))
        venue.close_all()
    else:
        venue.wait(61)
    venue.obey(4)
    assert resting(venue) == []
    assert venue.stops() == ([] if how == "flatten" else [(2, PRICE - 40)])
    again = venue.restart()
    again.connect()
    assert resting(again) == []


def test_an_addition_that_can_not_rest_there_is_refused() -> None:
    venue = held()
    assert "is on the wrong side" in added_at(venue, PRICE - 41)
    assert "must lie beyond" in added_at(venue, PRICE + 81)
    assert "lies between two ticks" in add(venue, qty=1, price=MNQ.price(PRICE) + Decimal("0.1"))
    assert "look at the digits" in add(venue, qty=1, price=MNQ.price(PRICE * 2))
    assert "does not rest" in add(venue, qty=1, minutes=3)
    assert "would be taken: buy 1 MNQ limit 19997.50" in added_at(venue, PRICE - 10, dry_run=True)
    assert resting(venue) == []
