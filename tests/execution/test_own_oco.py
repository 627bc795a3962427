"""Accounts that refuse native brackets: entries go bare, stops and targets are ours
(docs/protocols/projectx.md#position-brackets-and-auto-oco).
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.model import effects as fx
from engine.model import events as ev
from engine.model import records as r
from engine.model.commands import CancelEntries, Flatten, Pause
from engine.model.config import Brackets
from engine.model.errors import Cause
from engine.model.market import Side
from engine.model.orders import OrderStatus, OrderType, Slot, VenueOrder, VenueStatus
from tests.support.manual_venue import BOOK, ManualVenue, connected, idea
from tests.support.scripted_replay import PRICE as PLAYED
from tests.support.scripted_replay import ScriptedReplay
from tests.support.scripted_replay import idea as played_idea
from tests.support.venue_orders import PRICE

REFUSED = ev.Outcome.REFUSED
Market = Iterator[ev.Quote | ev.Print]


def refused(*, targets: tuple[int, ...] = (80,)) -> tuple[ManualVenue, list[fx.PlaceOrder]]:
    """A bench whose entries were refused for their brackets, and what went out instead."""
    bench, _ = connected(targets=targets)
    first = bench.of(fx.PlaceOrder)
    for order in first:
        bench.reply(order, REFUSED, cause=Cause.NO_BRACKETS)
    return bench, bench.of(fx.PlaceOrder)[len(first) :]


def filled(*, targets: tuple[int, ...] = (80,), qty: int | None = None) -> tuple[ManualVenue, list[str]]:
    """Bare entries filled, exits standing; the venue ids of entries, and of stop and target leg by leg."""
    bench, entries = refused(targets=targets)
    ids = []
    for entry in entries:
        [entered] = bench.accept(entry)
        before = len(bench.of(fx.PlaceOrder))
        bench.tell_fill(bench.execute(entered, qty=qty))
        ids += [entered, *bench.accept(*bench.of(fx.PlaceOrder)[before:])]
    return bench, ids


def test_a_refusal_is_remembered_and_the_entry_goes_once_more_bare() -> None:
    bench, [bare] = refused()
    [known] = bench.written(r.BracketsKnown)
    assert (known.native, bench.book.brackets) == (False, False)
    assert (bare.type, bare.qty, bare.stop_offset, bare.target_offset) == (OrderType.MARKET, 5, None, None)
    first = bench.of(fx.PlaceOrder)[0]
    assert bare.client_id != first.client_id
    assert bench.order(first.client_id).status is OrderStatus.REJECTED
    assert len(bench.book.plans) == 1
    assert any("no native brackets" in notice.text for notice in bench.notices)


def test_the_stop_follows_the_fill_at_once_and_before_the_target() -> None:
    bench, [bare] = refused()
    [entered] = bench.accept(bare)
    bench.tell_fill(bench.execute(entered))
    stop, target = bench.of(fx.PlaceOrder)[2:]
    assert (stop.type, stop.stop, stop.qty, stop.reduces) == (OrderType.STOP, PRICE - 40, 5, True)
    assert (target.type, target.limit, target.qty) == (OrderType.LIMIT, PRICE + 80, 5)
    bench.accept(stop, target)
    bench.wait(10)
    assert len(bench.of(fx.PlaceOrder)) == 4


def test_the_next_entries_go_bare_at_once_also_after_a_restart() -> None:
    bench, ids = filled()
    bench.tell_fill(bench.execute(ids[1], PRICE - 40))
    bench.end(ids[2])
    bench.wait(3)
    assert bench.book.plans == {}
    again = bench.restart(idea())
    again.connect()
    assert [(e.stop_offset, e.target_offset) for e in again.trade_idea()] == [(None, None)] * 2
    assert again.book.brackets is False


@pytest.mark.parametrize(
    ("said", "native"), [(Brackets.AUTO, False), (Brackets.NATIVE, True), (Brackets.OWN, False)]
)
def test_native_brackets_come_again_by_configuration_only(said: Brackets, native: bool) -> None:
    bench, _ = refused()
    again = bench.restart(brackets=said)
    again.connect()
    assert again.book.brackets is native


def test_own_exits_may_be_configured_from_the_start() -> None:
    _, entry = connected(brackets=Brackets.OWN)
    assert entry.stop_offset is None


def test_a_stream_that_tells_the_rejection_first_does_not_end_the_trade() -> None:
    """ProjectX makes an order row for a refused place, and streams it without a reason."""
    bench, order = connected()
    row = VenueOrder("77", order.client_id, "MNQ", Side.BUY, OrderType.MARKET, 5, VenueStatus.REJECTED)
    bench.step(ev.OrderReported(ts_recv=bench.now, book=BOOK, order=row))
    assert bench.order(order.client_id).status is OrderStatus.SENT
    bench.reply(order, REFUSED, "77", Cause.NO_BRACKETS)
    assert [p.stop_offset for p in bench.of(fx.PlaceOrder)] == [-40, None]
    # The same answer once more enters nothing twice.
    bench.reply(order, REFUSED, "77", Cause.NO_BRACKETS)
    assert len(bench.of(fx.PlaceOrder)) == 2


def test_a_rejection_whose_answer_is_lost_is_believed_when_the_venue_is_asked() -> None:
    bench, order = connected()
    bench.orders["77"] = VenueOrder(
        "77", order.client_id, "MNQ", Side.BUY, OrderType.MARKET, 5, VenueStatus.REJECTED
    )
    bench.tell("77")
    bench.wait(3)
    assert bench.order(order.client_id).status is OrderStatus.REJECTED
    assert bench.book.plans == {}


def test_an_idea_that_is_too_old_is_dropped() -> None:
    bench, order = connected()
    bench.wait(10.1)
    bench.reply(order, REFUSED, cause=Cause.NO_BRACKETS)
    bench.wait(1)
    assert len(bench.of(fx.PlaceOrder)) == 1
    assert bench.book.plans == {}
    assert any("not tried again bare: it is too old" in notice.text for notice in bench.notices)
    assert bench.book.brackets is False


@pytest.mark.parametrize("command", [Pause(id="p"), Flatten(id="f"), CancelEntries(id="c")])
def test_what_was_called_off_meanwhile_is_not_entered(command: Pause | Flatten | CancelEntries) -> None:
    bench, order = connected()
    bench.say(command)
    bench.reply(order, REFUSED, cause=Cause.NO_BRACKETS)
    bench.wait(1)
    assert len(bench.of(fx.PlaceOrder)) == 1
    assert (bench.book.plans, bench.book.flattening) == ({}, {})


def test_f17_any_exit_fill_shrinks_its_sibling_by_modify() -> None:
    bench, ids = filled()
    bench.tell_fill(bench.execute(ids[2], PRICE + 80, qty=2))
    [change] = bench.of(fx.ModifyOrder)
    assert (change.venue_id, change.qty, change.limit, change.stop) == (ids[1], 3, None, None)
    bench.answer(change, ev.Outcome.ACCEPTED)
    bench.tell_fill(bench.execute(ids[1], PRICE - 40, qty=1))
    [_, change] = bench.of(fx.ModifyOrder)
    assert (change.venue_id, change.qty) == (ids[2], 4)  # two are filled, two are left


@pytest.mark.parametrize(("exit_", "sibling"), [(1, 2), (2, 1)])
def test_a_position_that_is_gone_takes_the_sibling_along_at_once(exit_: int, sibling: int) -> None:
    bench, ids = filled()
    bench.tell_fill(bench.execute(ids[exit_], PRICE))
    assert [c.venue_id for c in bench.of(fx.CancelOrder)] == [ids[sibling]]
    bench.end(ids[sibling])
    bench.wait(3)
    assert (bench.book.plans, bench.standing()) == ({}, [])


def test_f12_exits_grow_with_a_partial_entry_fill_by_fill() -> None:
    bench, ids = filled(qty=2)
    assert (bench.stops(), bench.targets()) == ([(2, PRICE - 40)], [(2, PRICE + 80)])
    bench.tell_fill(bench.execute(ids[0], qty=1))
    assert [(c.venue_id, c.qty) for c in bench.of(fx.ModifyOrder)] == [(ids[1], 3), (ids[2], 3)]
    for change in bench.of(fx.ModifyOrder):
        bench.answer(change, ev.Outcome.ACCEPTED)
    bench.end(ids[0])
    bench.wait(3)
    assert (bench.stops(), bench.targets()) == ([(3, PRICE - 40)], [(3, PRICE + 80)])


def test_a_part_of_the_entry_that_is_closed_again_leaves_no_exit_behind_while_the_rest_works() -> None:
    bench, ids = filled(qty=2)
    bench.tell_fill(bench.execute(ids[2], PRICE + 80))
    assert bench.book.position("MNQ").qty == 0
    assert [c.venue_id for c in bench.of(fx.CancelOrder)] == [ids[1]]


def test_f17_both_own_exits_fill_and_the_rest_is_closed() -> None:
    bench, ids = filled()
    bench.tell_fill(bench.execute(ids[2], PRICE + 80))
    bench.tell_fill(bench.execute(ids[1], PRICE - 40))
    assert bench.book.position("MNQ").qty == -5
    assert bench.of(fx.ClosePosition) == [fx.ClosePosition(BOOK, "MNQ")]
    assert bench.core.turn.counts["double exits"] == 1


def test_f13_an_own_stop_that_is_rejected_flattens_at_once() -> None:
    bench, [bare] = refused()
    [entered] = bench.accept(bare)
    bench.tell_fill(bench.execute(entered))
    bench.reply(bench.of(fx.PlaceOrder)[2], REFUSED)
    assert bench.of(fx.ClosePosition) == [fx.ClosePosition(BOOK, "MNQ")]


def test_f05_killed_between_fill_and_stop_the_stop_is_placed_as_soon_as_the_venue_has_spoken() -> None:
    bench, [bare] = refused()
    [entered] = bench.accept(bare)
    bench.execute(entered)
    again = bench.restart()
    again.connect()
    assert [(p.type, p.qty) for p in again.of(fx.PlaceOrder)] == [(OrderType.STOP, 5), (OrderType.LIMIT, 5)]


def test_f04_a_refused_entry_is_not_tried_again_by_another_run() -> None:
    bench, order = connected()
    again = bench.restart(after_s=1)
    again.connect()
    again.reply(order, REFUSED, cause=Cause.NO_BRACKETS)
    again.wait(20)
    assert again.of(fx.PlaceOrder) == []
    assert again.book.plans == {}


@pytest.mark.parametrize("side", list(Side))
def test_a_whole_trade_on_the_virtual_clock(side: Side) -> None:
    """T1, break-even, T2: the venue refuses brackets, and everything else is as ever."""
    sign = side.sign
    seen: dict[str, object] = {}

    def script(play: ScriptedReplay) -> Market:
        yield from play.minutes(2)
        seen["entered"] = sorted(q for q, _ in play.stops())
        yield from play.move(PLAYED + sign * 90, seconds=3)
        seen["runner"] = play.stops()
        yield from play.move(PLAYED + sign * 180, seconds=4)

    play = ScriptedReplay(script, [played_idea(side)], brackets=False)
    assert seen["entered"] == [2, 3]
    assert seen["runner"] == [(3, play.entry_price() + sign * 4)]
    [trade] = play.book.trades
    assert (trade.reason, trade.qty) == ("T2", 5)
    assert (play.standing(), play.replay.held("MNQ"), play.book.plans) == ([], 0, {})


def test_stopped_out_on_the_virtual_clock() -> None:
    def script(play: ScriptedReplay) -> Market:
        yield from play.minutes(2)
        yield from play.move(PLAYED - 60, seconds=3)

    play = ScriptedReplay(script, [played_idea()], brackets=False)
    [trade] = play.book.trades
    assert (trade.reason, play.standing(), play.replay.held("MNQ")) == ("stop", [], 0)
    assert [o.slot for o in play.book.orders.values() if o.slot is Slot.STOP] == [Slot.STOP] * 2
