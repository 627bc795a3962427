"""F41: what the stream alone says, and what can hardly be so, is counted when a query says the same."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec import structs

from engine.model import effects as fx
from engine.model import events as ev
from engine.model import records as r
from engine.model.commands import Flatten
from engine.model.config import Brackets
from engine.model.limits import RiskLimits
from engine.model.market import Side
from engine.model.orders import Fill, OrderType, Slot, VenueOrder, VenueStatus
from tests.support.manual_venue import BOOK, ManualVenue, connected, entered
from tests.support.venue_orders import MNQ, PRICE

HUGE = 10**12


def said(bench: ManualVenue, order: str, qty: int, price: int = PRICE, cost: Decimal = Decimal(1)) -> Fill:
    """A fill that the stream tells, of an order by venue id."""
    side = bench.orders[order].side if order in bench.orders else Side.BUY
    return Fill("X1", order, "MNQ", side, price, qty, cost, bench.now)


def absurd(bench: ManualVenue, ids: dict[str, str]) -> dict[str, Fill]:
    stranger = bench.new_id()
    bench.orders[stranger] = VenueOrder(
        stranger, None, "MNQ", Side.BUY, OrderType.MARKET, HUGE, VenueStatus.WORKING
    )
    bench.tell(stranger)
    del bench.orders[stranger]
    return {
        "an order that nobody knows": said(bench, "999", HUGE),
        "an order that is not ours": said(bench, stranger, HUGE),
        "beyond what it had left": said(bench, ids["entry"], 1),
        "far beyond what it had": said(bench, ids["SL"], HUGE, PRICE - 40),
        "at a price of another world": said(bench, ids["TP"], 1, PRICE * 2),
        "at no price": said(bench, ids["TP"], 1, 0),
        "at costs of another world": said(bench, ids["TP"], 1, PRICE + 80, Decimal(10) ** 9),
    }


@pytest.mark.parametrize("answering", [True, False], ids=["the venue denies it", "the venue does not answer"])
@pytest.mark.parametrize("what", absurd(*entered()))
def test_f41_a_fill_that_can_hardly_be_so_is_shown_and_nothing_is_sold_on_its_word(
    what: str, answering: bool
) -> None:
    bench, ids = entered()
    bench.wait(2)
    fill = absurd(bench, ids)[what]
    before = bench.core.books[BOOK].day_usd
    bench.answering = answering
    bench.tell_fill(fill)
    bench.wait(40)
    assert bench.book.position("MNQ").qty == 5
    assert bench.core.books[BOOK].day_usd == before
    assert (bench.of(fx.ClosePosition), bench.of(fx.ModifyOrder)) == ([], [])
    assert bench.core.turn.counts["quarantined fills"] == 1
    assert sum("it is not counted" in text for text in bench.critical()) == 1
    assert not any("somebody else bought" in text for text in bench.critical())
    assert (bench.written(r.PositionAdjusted), bench.core.state.restrictions) == ([], {})
    assert (bench.stops(), bench.targets()) == ([(5, PRICE - 40)], [(5, PRICE + 80)])


def test_f41_what_the_venue_says_itself_is_counted_and_its_own_numbers_are_taken() -> None:
    bench, ids = entered()
    bench.wait(2)
    fill = bench.execute(ids["TP"], PRICE + 80)
    bench.tell_fill(structs.replace(fill, qty=HUGE, price=1))
    bench.wait(1.5)
    assert bench.book.position("MNQ").qty == 0
    assert bench.book.trades[-1].gross_usd == MNQ.usd(5 * 80)
    assert bench.core.turn.counts["quarantined fills"] == 1


def test_f41_somebody_elses_trade_is_told_once_the_venue_has_said_so() -> None:
    bench, _ = entered()
    bench.wait(2)
    by_hand = bench.new_id()
    bench.orders[by_hand] = VenueOrder(
        by_hand, None, "MNQ", Side.BUY, OrderType.MARKET, 2, VenueStatus.PENDING, ts_venue=bench.now
    )
    bench.tell(by_hand)
    bench.tell_fill(bench.execute(by_hand))
    bench.wait(1.5)
    assert bench.book.position("MNQ").qty == 7
    assert any("somebody else bought 2" in text for text in bench.critical())
    assert not any("not counted" in text for text in bench.critical())


def test_f41_the_close_of_a_flatten_is_believed_at_once_though_it_has_no_name() -> None:
    bench, _ = entered()
    bench.wait(2)
    bench.answering = False
    bench.say(Flatten(id="f"))
    bench.reply(bench.of(fx.ClosePosition)[0], ev.Outcome.ACCEPTED)
    bench.close_all()
    assert bench.book.position("MNQ").qty == 0


def test_f41_an_order_of_ours_does_not_grow_by_the_streams_word() -> None:
    bench, entry = connected()
    venue_id = bench.accept(entry)[0]
    real = bench.orders[venue_id]
    bench.change(venue_id, qty=HUGE)
    bench.tell(venue_id)
    bench.orders[venue_id] = real
    bench.wait(0.5)
    assert bench.in_slot(Slot.ENTRY)[0].qty == 5
    assert bench.core.turn.counts["absurd reports"] == 1


def test_f41_a_fill_that_the_first_look_does_not_show_yet_alarms_nobody() -> None:
    """One empty answer proves nothing: the venue's list of trades may be behind its stream."""
    bench, _ = entered()
    bench.wait(2)
    by_hand = bench.new_id()
    bench.orders[by_hand] = VenueOrder(
        by_hand, None, "MNQ", Side.BUY, OrderType.MARKET, 2, VenueStatus.PENDING, ts_venue=bench.now
    )
    bench.tell(by_hand)
    bench.tell_fill(bench.execute(by_hand))
    late = bench.fills.pop()
    bench.wait(1)
    bench.fills.append(late)
    bench.wait(4)
    assert bench.book.position("MNQ").qty == 7
    assert not any("not counted" in text for text in bench.critical())
    assert bench.written(r.PositionAdjusted) == []


def test_f41_a_fill_of_what_a_change_under_way_has_added_is_believed() -> None:
    """The stop grows with the entry and fills before its change is answered; no query is to be had."""
    bench, entry = connected(brackets=Brackets.OWN)
    [entered] = bench.accept(entry)
    bench.tell_fill(bench.execute(entered, qty=2))
    stop, _ = bench.accept(*bench.of(fx.PlaceOrder)[1:])
    bench.wait(1)
    bench.tell_fill(bench.execute(entered))
    assert [change.qty for change in bench.of(fx.ModifyOrder) if change.venue_id == stop] == [5]
    bench.answering = False
    bench.change(stop, qty=5)
    bench.tell_fill(bench.execute(stop, PRICE - 41))
    assert bench.book.position("MNQ").qty == 0
    assert (bench.core.turn.counts["quarantined fills"], bench.critical()) == (0, [])


def test_f41_a_balance_that_can_hardly_be_so_closes_nothing() -> None:
    bench, _ = entered(risk=RiskLimits(max_loss_usd=Decimal(2000)))
    bench.wait(7)
    asked = len(bench.of(fx.TakeSnapshot))
    lost = Decimal(-(10**9))
    bench.step(ev.AccountReported(ts_recv=bench.now, book=BOOK, balance_usd=lost, can_trade=True))
    bench.wait(1)
    assert len(bench.of(fx.TakeSnapshot)) == asked + 1
    assert bench.core.books[BOOK].orders.balance_usd == bench.account().balance_usd
    assert (bench.of(fx.ClosePosition), bench.core.state.restrictions, bench.critical()) == ([], {}, [])


@pytest.mark.parametrize("printed", [True, False])
@pytest.mark.parametrize("price", [PRICE // 10, PRICE * 10, 0])
def test_f41_one_price_of_another_world_closes_and_moves_nothing(price: int, printed: bool) -> None:
    bench, _ = entered(risk=RiskLimits(trail_ticks=20))
    bench.wait(7)
    if printed:
        bench.step(ev.Print(ts_recv=bench.now, ts_venue=bench.now, instrument="MNQ", price=price, size=1))
    else:
        bench.quote(price)
    bench.wait(1)
    bench.quote()
    bench.wait(1)
    assert {change.stop for change in bench.of(fx.ModifyOrder)} == {PRICE - 20}
    assert (bench.of(fx.ClosePosition), bench.critical()) == ([], [])
    assert bench.core.books[BOOK].day_usd == -5 * MNQ.cost_usd


def test_f41_two_prices_far_from_the_last_one_are_the_market() -> None:
    bench, _ = entered()
    bench.wait(7)
    bench.quote(PRICE * 93 // 100)
    assert bench.of(fx.ClosePosition) == []
    bench.quote(PRICE * 93 // 100 - 3)
    bench.wait(0.5)
    assert bench.of(fx.ClosePosition) == [fx.ClosePosition(BOOK, "MNQ")]
    assert bench.core.state.restrictions
