"""What goes wrong on the way: nothing is sent twice, nothing is taken for done, and exits stand."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from msgspec import structs

from adapters.binance.config import Environment
from adapters.common.secret import Secret
from engine.model.effects import CancelOrder
from engine.model.errors import FatalError, PortError, RefusedError, RetryableError, UnknownOutcomeError
from engine.model.events import FillReported, LinkState
from engine.model.market import NANOS, Side
from engine.model.orders import OrderSpec, OrderType, VenueStatus
from tests.binance.practice import PRICE, SpotBench, bench
from tests.binance.samples import BTC, NOW
from tests.binance.test_orders import STOP, TARGET
from tests.support.waits import until

LIMIT = OrderSpec(Side.BUY, OrderType.LIMIT, 1_000, limit=PRICE - 100)
SINCE = NOW - 3600 * NANOS


def orders_of(made: SpotBench, client_id: str) -> int:
    """Orders at the venue that go by an id of ours, in whatever version."""
    return sum(
        (one.order.client_id or "").partition("_")[0] == client_id
        for one in made.twin.account.orders.values()
    )


@pytest.mark.parametrize(
    ("fault", "options", "arrived"),
    [
        ("lost-reply", {}, 1),
        ("lost-request", {}, 0),
        ("error", {"status": 503, "done": True}, 1),
        ("error", {"status": 502}, 0),
        ("garbled-reply", {"how": "html"}, 1),
        ("hang", {"done": True}, 1),
        ("hang", {}, 0),
    ],
)
async def test_an_order_of_unknown_outcome_is_sent_once_and_found_by_its_id(
    fault: str, options: dict[str, Any], arrived: int
) -> None:
    async with bench() as made:
        made.twin.faults.add(fault, call="place", **options)
        order = made.order(LIMIT)
        with pytest.raises(UnknownOutcomeError):
            await made.broker.place(order)
        assert orders_of(made, order.client_id) == arrived
        taken = await made.broker.snapshot(SINCE)
        assert [one.client_id for one in taken.orders] == [order.client_id] * arrived


@pytest.mark.parametrize(("status", "times"), [(429, 1), (418, 1)])
async def test_who_asks_too_much_waits_as_long_as_the_venue_says(status: int, times: int) -> None:
    async with bench() as made:
        made.twin.faults.add("rate-limit", call="place", status=status, seconds=30, times=times)
        with pytest.raises(RetryableError, match=f"HTTP {status}"):
            await made.place(LIMIT)
        with pytest.raises(RetryableError, match="not sent"):
            await made.place(LIMIT)
        assert made.twin.account.orders == {}
        assert made.inbox.states("rest")[-1] is LinkState.DOWN


async def test_during_a_ban_even_a_close_is_not_sent() -> None:
    async with bench() as made:
        await made.bought()
        made.twin.faults.add("rate-limit", call="place", status=418, seconds=60)
        with pytest.raises(RetryableError):
            await made.place(LIMIT)
        acted = len(made.twin.faults.log)
        with pytest.raises(RetryableError, match="not sent"):
            await made.close(998)
        assert len(made.twin.faults.log) == acted


@pytest.mark.parametrize("skew_s", [-30, 30])
async def test_a_clock_that_is_wrong_is_taken_into_account(skew_s: int) -> None:
    async with bench(skew_ns=skew_s * NANOS) as made:
        name = await made.bought()
        assert made.fills(name) == 1_000
        offset = made.venue.transport.offset_ns
        assert offset is not None
        assert abs(offset + skew_s * NANOS) < NANOS


async def test_after_a_jump_of_the_clock_a_question_goes_again_and_an_order_is_looked_for() -> None:
    async with bench() as made:
        made.venue.transport.offset_ns = 20 * NANOS
        order = made.order(LIMIT)
        with pytest.raises(RetryableError, match="not the venue's"):
            await made.broker.place(order)
        assert orders_of(made, order.client_id) == 0
        made.venue.transport.offset_ns = -20 * NANOS
        assert (await made.broker.snapshot(SINCE)).orders == ()
        assert orders_of(made, await made.place(LIMIT)) == 1


@pytest.mark.parametrize(
    ("call", "fault"), [("oco", "lost-reply"), ("oco", "error"), ("oco", "lost-request")]
)
async def test_a_pair_of_unknown_outcome_leaves_a_stop_in_every_case(call: str, fault: str) -> None:
    async with bench() as made:
        await made.bought()
        stop = await made.place(STOP)
        made.twin.faults.add(fault, call=call, **({"done": True} if fault == "error" else {}))
        try:
            target = await made.place(TARGET, beside=stop)
        except RefusedError:
            target = ""
        kinds = [kind for _, kind, _, _ in made.there()]
        assert kinds == (["STOP_LOSS", "LIMIT_MAKER"] if target else ["STOP_LOSS"])
        assert bool(target) is (fault != "lost-request")
        assert made.told()[stop].status is VenueStatus.WORKING


@pytest.mark.parametrize("fault", ["lost-reply", "lost-request", "error"])
async def test_a_change_of_unknown_outcome_is_looked_up(fault: str) -> None:
    async with bench() as made:
        await made.bought()
        stop = await made.place(STOP)
        made.twin.faults.add(fault, call="replace")
        moved = PRICE - 20_000
        with suppress(UnknownOutcomeError):
            await made.modify(stop, stop=moved)
        [(_, _, qty, price)] = made.there()
        at = moved if fault == "lost-reply" else STOP.stop
        assert (qty, price) == ("1000", str(at))
        [told] = [one for one in (await made.broker.snapshot(SINCE)).orders if one.client_id == stop]
        assert (told.stop, told.status) == (at, VenueStatus.WORKING)


async def test_a_cancel_whose_answer_is_lost_took_place() -> None:
    async with bench() as made:
        name = await made.place(LIMIT)
        made.twin.faults.add("lost-reply", call="cancel")
        await made.cancel(name)
        await made.status(name, VenueStatus.CANCELED)
        assert [acted.on for acted in made.twin.faults.log] == ["cancel"]


@pytest.mark.parametrize("fault", ["lost-reply", "error"])
async def test_a_target_whose_cancel_is_lost_leaves_its_stop(fault: str) -> None:
    async with bench() as made:
        await made.bought()
        stop = await made.place(STOP)
        target = await made.place(TARGET, beside=stop)
        made.twin.faults.add(fault, call="cancel", **({"done": True} if fault == "error" else {}))
        await made.cancel(target)
        assert [(kind, qty) for _, kind, qty, _ in made.there()] == [("STOP_LOSS", "1000")]
        assert made.told()[stop].status is VenueStatus.WORKING
        assert made.told()[target].status is VenueStatus.CANCELED


async def test_a_symbol_that_is_listed_no_more_takes_no_order_and_stays_known() -> None:
    async with bench() as made:
        await made.bought()
        listed = dict(made.twin.exchange.by_root)
        made.twin.exchange.by_root = {"ETHUSDT": listed["ETHUSDT"]}
        await made.venue.symbols.resolve()
        with pytest.raises(RefusedError, match="DELISTED"):
            await made.place(LIMIT)
        made.twin.exchange.by_root = listed
        assert (await made.broker.snapshot(SINCE)).fills


@pytest.mark.parametrize("call", ["open_orders", "all_orders", "my_trades", "account"])
@pytest.mark.parametrize("how", ["html", "empty", "null", "deep", "cut"])
async def test_half_an_answer_is_no_flat_account(call: str, how: str) -> None:
    async with bench() as made:
        await made.bought()
        made.twin.faults.add("garbled-reply", call=call, how=how, times=6)
        with pytest.raises(RetryableError):
            await made.broker.snapshot(SINCE)


async def test_a_snapshot_is_whole() -> None:
    async with bench() as made:
        bought = await made.bought()
        stop = await made.place(STOP)
        target = await made.place(TARGET, beside=stop)
        taken = await made.broker.snapshot(SINCE)
        assert {(one.client_id, one.status) for one in taken.orders} == {
            (bought, VenueStatus.FILLED),
            (stop, VenueStatus.WORKING),
            (target, VenueStatus.WORKING),
        }
        [fill] = taken.fills
        assert (fill.venue_order_id, fill.qty, taken.since, taken.positions) == (bought, 1_000, SINCE, ())
        assert {one.currency: one.total for one in taken.balances} == {
            "BTC": Decimal("0.50999"),
            "ETH": Decimal(0),
        }
        assert taken.account.cash
        assert taken.account.balance_usd < 50_000
        assert fill == made.inbox.of(FillReported)[-1].fill


async def test_a_new_run_finds_orders_that_an_earlier_one_has_changed() -> None:
    async with bench() as made:
        await made.bought()
        stop = await made.place(STOP)
        await made.modify(stop, stop=PRICE - 20_000)
        later = type(made.broker)(made.venue, "binance")
        taken = await later.snapshot(SINCE)
        [told] = [one for one in taken.orders if one.client_id == stop]
        assert (told.stop, told.qty, told.status) == (PRICE - 20_000, 1_000, VenueStatus.WORKING)
        await later.cancel(_cancel(stop))
        assert made.there() == []


def _cancel(name: str) -> Any:
    return CancelOrder("binance", name, name, "BTCUSDT")


async def test_orders_and_trades_of_others_are_none_of_ours() -> None:
    async with bench() as made:
        theirs = OrderSpec(Side.BUY, OrderType.MARKET, 3_000)
        made.twin.account.place("BTCUSDT", theirs, "web_abc", note={"type": "MARKET"})
        ours = await made.bought()
        await until(lambda: len(made.twin.account.fills) == 2)
        taken = await made.broker.snapshot(SINCE)
        assert [one.client_id for one in taken.orders] == [ours]
        assert [one.venue_order_id for one in taken.fills] == [ours]
        assert {e.fill.venue_order_id for e in made.inbox.of(FillReported)} == {ours}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"api_key": "of-another-binance"}, "-2015.*testnet and of the demo.*environment"),
        ({"api_secret": "another"}, "-1022.*does not belong to the key"),
        ({"environment": Environment.DEMO}, None),
    ],
)
async def test_keys_of_the_wrong_side_are_told_in_one_line(
    changes: dict[str, Any], words: str | None
) -> None:
    given: dict[str, Any] = {
        name: Secret(value) if name.startswith("api") else value for name, value in changes.items()
    }
    async with bench(broker=False, **given) as made:
        if words is None:
            await made.venue.rest.account()
            return
        with pytest.raises(FatalError, match=words) as raised:
            await made.broker.run(made.inbox)
        assert "another" not in str(raised.value).replace("keys of another", "").replace("of another", "")
        assert made.inbox.states("user")[-1] is LinkState.DOWN


async def test_symbols_that_are_not_listed_are_named() -> None:
    unlisted = structs.replace(BTC, symbol="DOGEUSDT", root="DOGEUSDT", base="DOGE")
    async with bench(broker=False, instruments=(BTC, unlisted)) as made:
        with pytest.raises(FatalError, match="does not list DOGEUSDT"):
            await made.venue.symbols.resolve()
        assert await made.venue.rest.symbols(["BTCUSDT", "DOGEUSDT"])


@pytest.mark.parametrize("fault", ["drop", "reset"])
async def test_fills_that_nobody_heard_are_in_the_snapshot(fault: str) -> None:
    async with bench() as made:
        name = await made.place(LIMIT)
        made.twin.faults.add("lost-message", stream="orders", times=50)
        made.market(PRICE - 110, PRICE - 110)
        await until(lambda: made.twin.account.fills)
        made.twin.faults.add(fault, socket="account")
        await made.inbox.live("user", 2)
        taken = await made.broker.snapshot(SINCE)
        assert [(one.venue_order_id, one.qty) for one in taken.fills] == [(name, 1_000)]
        assert taken.orders[0].status is VenueStatus.FILLED


async def test_a_stream_that_keeps_a_fill_to_itself_is_left() -> None:
    async with bench(untold_s=0.1) as made:
        name = await made.place(LIMIT)
        await made.status(name, VenueStatus.WORKING)
        await until(lambda: made.twin.now() > NOW + NANOS)
        made.twin.faults.add("silent", stream="any", socket="account")
        made.market(PRICE - 110, PRICE - 110)
        await until(lambda: made.twin.account.fills)
        taken = await made.broker.snapshot(SINCE)
        assert taken.fills
        await made.inbox.until(lambda: LinkState.STALE in made.inbox.states("user"))
        await made.inbox.live("user", 2)
        assert made.inbox.states("user").count(LinkState.STALE) == 1


async def test_events_that_come_twice_are_told_once() -> None:
    async with bench() as made:
        made.twin.faults.add("duplicate", stream="orders", times=50)
        await made.bought()
        await made.inbox.until(lambda: made.inbox.of(FillReported))
        assert len(made.inbox.of(FillReported)) == 1


@pytest.mark.parametrize("what", ["join", "modify", "cancel"])
@pytest.mark.parametrize("call", ["order", "cancel", "oco"])
@pytest.mark.parametrize("times", [1, 50])
async def test_whatever_fails_within_a_change_what_is_told_of_an_exit_is_so(
    what: str, call: str, times: int
) -> None:
    """A stop that was cancelled for a pair that came to nothing is not taken for one that works."""
    async with bench() as made:
        await made.bought()
        stop = await made.place(STOP)
        target = await made.place(TARGET, beside=stop) if what != "join" else ""
        made.twin.faults.add("error", call=call, times=times)
        with suppress(PortError):
            if what == "join":
                await made.place(TARGET, beside=stop)
            elif what == "modify":
                await made.modify(stop, stop=PRICE - 20_000)
            else:
                await made.cancel(target)
        made.twin.faults.clear()
        taken = await made.broker.snapshot(SINCE)
        told = {one.client_id for one in taken.orders if one.status.live}
        assert told == {name.partition("_")[0] for name, *_ in made.there()}
        if stop in told:  # what is said to work can be cancelled
            await made.cancel(stop)
            await made.status(stop, VenueStatus.CANCELED)
        elif times == 1:
            pytest.fail("one answer that failed has cost the stop")
