"""The acceptance cards: what an adapter and its twin have to come through, whatever the venue.

Each card takes the venue, in a market that stands at `venue.price`, and a folder for journals. Truth is what
the venue's own books say; nothing is asserted of how a venue reaches it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from engine.model.commands import ChangeManual, Flatten, ReduceManual
from engine.model.effects import CancelOrder, ClosePosition, ModifyOrder, PlaceOrder
from engine.model.errors import RefusedError, RetryableError, UnknownOutcomeError
from engine.model.events import AccountAdopted, ContractResolved, LinkState, Print, Quote, SnapshotTaken
from engine.model.instrument import InstrumentKind
from engine.model.market import MINUTE, Side, Timeframe
from engine.model.orders import OrderSpec, OrderStatus, OrderType, Slot, VenueStatus
from tests.acceptance.runs import AtPort, at_port, engine_on
from tests.acceptance.venue_under_test import START, VenueUnderTest
from tests.support.patience import patient
from tests.support.waits import LOOK_S, until

Card = Callable[[VenueUnderTest, Path], Awaitable[None]]

STEP = 100
"""Ticks between prices that a card uses: nothing of them is met by chance."""


def spec_of(venue: VenueUnderTest, side: Side, kind: OrderType, at: int | None = None) -> OrderSpec:
    limit = at if kind is OrderType.LIMIT else None
    stop = at if kind is OrderType.STOP else None
    return OrderSpec(side, kind, venue.qty, limit, stop, reduces=side is Side.SELL)


def placed(venue: VenueUnderTest, name: str, spec: OrderSpec) -> PlaceOrder:
    return PlaceOrder(venue.name, f"ts-acceptan-1-{name}", venue.symbol, spec)


async def closed(at: AtPort, name: str) -> None:
    """Close what is held, as the engine does: so many coins, of a position what the venue knows."""
    venue = at.venue
    coins = venue.instrument.kind is InstrumentKind.SPOT
    await at.broker.close(
        ClosePosition(
            venue.name, venue.symbol, f"ts-acceptan-1-{name}" if coins else "", venue.held() if coins else 0
        )
    )
    await until(lambda: not venue.held())


async def looked_up(at: AtPort) -> SnapshotTaken:
    """The whole account, asked again while the venue can't tell it yet."""
    async with asyncio.timeout(patient(20)):
        while True:
            try:
                return await at.broker.snapshot(0)
            except RetryableError:
                await asyncio.sleep(LOOK_S)


# -- at the port ---------------------------------------------------------------------------------------------


async def market_data(venue: VenueUnderTest, _folder: Path) -> None:
    """The contract comes before quotes, each print once and in order; a dropped feed comes back by itself."""
    async with at_port(venue) as at:
        inbox = at.inbox
        [resolved] = inbox.of(ContractResolved)
        assert resolved.instrument.symbol == venue.symbol
        for step in range(1, 6):
            venue.market(venue.price + step, 10 * step)
        await inbox.until(lambda: inbox.of(Quote) and inbox.of(Quote)[-1].bid == venue.price + 5)
        await inbox.until(lambda: len(inbox.of(Print)) >= 5)
        assert [(one.price, one.size) for one in inbox.of(Print)][-5:] == [
            (venue.price + step, 10 * step) for step in range(1, 6)
        ]
        assert inbox.of(Quote)[-1].ask == venue.price + 6
        before = len(inbox.of(Print))
        venue.fault("reset")
        await inbox.live("market", 2)
        await inbox.live("user", 2)
        venue.market(venue.price + 7, 70)
        await inbox.until(lambda: any(one.price == venue.price + 7 for one in inbox.of(Print)))
        assert [one.price for one in inbox.of(Print)[before:]] == [venue.price + 7]
        assert LinkState.DOWN in inbox.states("market")
        assert len(inbox.of(AccountAdopted)) >= 1


async def warm_up(venue: VenueUnderTest, _folder: Path) -> None:
    """History is the venue's closed minutes, each once and oldest first, and the half hours before them."""
    async with at_port(venue) as at:
        feed = at.open.feed
        assert feed is not None
        first = venue.past[0].open_ts
        minutes = await feed.history(venue.symbol, first, venue.clock() + MINUTE)
        told = [
            (one.open_ts, one.open, one.high, one.low, one.close) for one in minutes if one.open_ts < START
        ]
        assert told == [(one.open_ts, one.open, one.high, one.low, one.close) for one in venue.past]
        assert all(one.backfilled and one.close_ts <= venue.clock() for one in minutes)
        part = await feed.history(venue.symbol, START - 5 * MINUTE, START - 2 * MINUTE)
        assert [one.open_ts for one in part] == [START - n * MINUTE for n in (5, 4, 3)]
        half = Timeframe.M30.nanos
        halves = await feed.history(venue.symbol, first, START, Timeframe.M30)
        assert [one.open_ts for one in halves] == list(range(first, START, half))
        assert [one.close for one in halves] == [
            one.close for one in venue.past if (one.open_ts + MINUTE) % half == 0
        ]


async def order_life(venue: VenueUnderTest, _folder: Path) -> None:
    """Placed, moved, filled in part, cancelled; bought at market, and sold by a stop that rested there."""
    price, qty, book = venue.price, venue.qty, venue.name
    async with at_port(venue) as at:
        bid = placed(venue, "bid", spec_of(venue, Side.BUY, OrderType.LIMIT, price - 2 * STEP))
        venue_id = await at.broker.place(bid)
        resting = await at.told(bid.client_id, lambda one: one.status is VenueStatus.WORKING)
        assert (resting.venue_id, resting.qty, resting.limit) == (venue_id, qty, price - 2 * STEP)
        await at.broker.modify(ModifyOrder(book, bid.client_id, venue_id, venue.symbol, limit=price - STEP))
        moved = await at.told(bid.client_id, lambda one: one.limit == price - STEP and one.status.live)
        await until(lambda: [one.limit for one in venue.working()] == [price - STEP])
        venue.market(price - STEP - 1, qty // 2)
        await at.told(bid.client_id, lambda one: one.filled_qty == qty // 2)
        [left] = venue.working()
        assert left.filled_qty == qty // 2
        venue.market(price)
        await at.broker.cancel(CancelOrder(book, bid.client_id, moved.venue_id, venue.symbol))
        over = await at.ended(bid.client_id, VenueStatus.CANCELED)
        assert over.filled_qty == qty // 2
        await at.inbox.until(lambda: at.filled() == qty // 2)
        await closed(at, "first")
        bought = placed(venue, "buy", spec_of(venue, Side.BUY, OrderType.MARKET))
        await at.broker.place(bought)
        await at.ended(bought.client_id, VenueStatus.FILLED)
        spec = spec_of(venue, Side.SELL, OrderType.STOP, price - STEP)
        held = venue.held()
        stop = placed(venue, "stop", OrderSpec(spec.side, spec.type, held, stop=spec.stop, reduces=True))
        await at.broker.place(stop)
        await at.told(stop.client_id, lambda one: one.status is VenueStatus.WORKING)
        await until(lambda: [one.stop for one in venue.working()] == [price - STEP])
        venue.market(price - STEP - 1)
        venue.market(price - STEP - 2)
        await at.ended(stop.client_id, VenueStatus.FILLED)
        await until(lambda: not venue.held() and not venue.working())
        await at.inbox.until(lambda: at.filled() == venue.traded())
        taken = await looked_up(at)
        assert sum(fill.qty for fill in taken.fills) == venue.traded()
        assert not any(one.status.live for one in taken.orders)
        assert not any(one.qty for one in taken.positions)


async def gone_orders(venue: VenueUnderTest, _folder: Path) -> None:
    """What is not there can be neither cancelled nor moved, and closing nothing is success."""
    async with at_port(venue) as at:
        bid = placed(venue, "bid", spec_of(venue, Side.BUY, OrderType.LIMIT, venue.price - STEP))
        venue_id = await at.broker.place(bid)
        cancel = CancelOrder(venue.name, bid.client_id, venue_id, venue.symbol)
        await at.told(bid.client_id, lambda one: one.status is VenueStatus.WORKING)
        await at.broker.cancel(cancel)
        await at.ended(bid.client_id, VenueStatus.CANCELED)
        with pytest.raises(RefusedError):
            await at.broker.cancel(cancel)
        with pytest.raises(RefusedError):
            await at.broker.modify(
                ModifyOrder(venue.name, bid.client_id, venue_id, venue.symbol, limit=venue.price - 2 * STEP)
            )
        await closed(at, "nothing")
        assert venue.traded() == 0


async def refused_orders(venue: VenueUnderTest, _folder: Path) -> None:
    """Nothing, or less than the venue takes, is refused, and nothing of it is there."""
    async with at_port(venue) as at:
        for number, qty in enumerate((0, -1)):
            spec = OrderSpec(Side.BUY, OrderType.MARKET, qty)
            with pytest.raises(RefusedError):
                await at.broker.place(placed(venue, f"odd{number}", spec))
        refuse = venue.fault("refuse", call="place")
        with pytest.raises(RefusedError):
            await at.broker.place(placed(venue, "no", spec_of(venue, Side.BUY, OrderType.MARKET)))
        assert refuse.acted == 1
        assert (venue.working(), venue.traded()) == ([], 0)


async def lost_answers(venue: VenueUnderTest, _folder: Path) -> None:
    """An order whose answer is lost is unknown, is not sent again, and is found by its client id."""
    async with at_port(venue) as at:
        lost = venue.fault("lost-reply", call="place")
        bid = placed(venue, "lost", spec_of(venue, Side.BUY, OrderType.LIMIT, venue.price - STEP))
        with pytest.raises(UnknownOutcomeError):
            await at.broker.place(bid)
        assert lost.acted == 1
        await until(lambda: at.inbox.states("user")[-1] is LinkState.LIVE)
        [there] = venue.working()
        taken = await looked_up(at)
        [found] = [one for one in taken.orders if one.client_id == bid.client_id]
        assert (found.qty, found.limit, found.status) == (there.qty, there.limit, VenueStatus.WORKING)
        await at.broker.cancel(CancelOrder(venue.name, bid.client_id, found.venue_id, venue.symbol))
        await until(lambda: not venue.working())
        unsent = venue.fault("lost-request", call="place")
        with pytest.raises(UnknownOutcomeError):
            await at.broker.place(
                placed(venue, "gone", spec_of(venue, Side.BUY, OrderType.LIMIT, venue.price - STEP))
            )
        assert unsent.acted == 1
        await until(lambda: at.inbox.states("user")[-1] is LinkState.LIVE)
        taken = await looked_up(at)
        assert not [one for one in taken.orders if one.client_id == "ts-acceptan-1-gone"]
        assert venue.working() == []


# -- with the engine ---------------------------------------------------------------------------------------


async def bracket(venue: VenueUnderTest, folder: Path) -> None:
    """An entry gets its stop and its target; when the target is reached, nothing is left of the other. Where
    one alone can rest it is the stop, and the target is watched.
    """
    price = venue.price
    async with engine_on(venue, folder) as run:
        await run.buy(stop=price - 2 * STEP, target=price + STEP)
        await until(lambda: run.protected(price - 2 * STEP))
        await until(lambda: run.book.plans)
        venue.market(price + STEP + 1)
        venue.market(price + STEP + 2)
        await until(run.quiet, 20)
        assert venue.traded() == sum(one.filled_qty for one in run.book.orders.values())


async def stopped_out(venue: VenueUnderTest, folder: Path) -> None:
    """The stop fills, and the target beside it goes: nothing is sold twice."""
    price = venue.price
    async with engine_on(venue, folder) as run:
        await run.buy(stop=price - STEP, target=price + 2 * STEP)
        await until(lambda: run.protected(price - STEP))
        venue.market(price - STEP - 1)
        venue.market(price - STEP - 2)
        await until(run.quiet, 20)
        assert venue.traded() in (2 * venue.qty, sum(one.filled_qty for one in run.book.orders.values()))


async def entry_with_a_lost_answer(venue: VenueUnderTest, folder: Path) -> None:
    """The answer to an entry is lost with its connection: it exists once, and is protected."""
    price = venue.price
    async with engine_on(venue, folder) as run:
        lost = venue.fault("lost-reply", call="place")
        await run.buy(stop=price - 2 * STEP, target=price + 2 * STEP)
        await until(lambda: lost.acted == 1)
        venue.market(price)
        await until(lambda: run.protected(price - 2 * STEP), 20)
        assert venue.traded() == venue.qty


async def events_twice(venue: VenueUnderTest, folder: Path) -> None:
    """Everything that streams tell of orders comes twice: it counts once."""
    price = venue.price
    async with engine_on(venue, folder) as run:
        venue.fault("duplicate", stream="orders", times=0)
        await run.buy(stop=price - 2 * STEP, target=price + 2 * STEP)
        await until(lambda: run.protected(price - 2 * STEP), 20)
        await run.say(Flatten(id="all", source="cli"))
        await until(run.quiet, 20)
        assert venue.traded() == sum(one.filled_qty for one in run.book.orders.values())


async def filled_while_away(venue: VenueUnderTest, folder: Path) -> None:
    """Connections break, and while there are none the stop fills: it is known as soon as they are back."""
    price = venue.price
    async with engine_on(venue, folder) as run:
        await run.buy(stop=price - STEP, target=price + 2 * STEP)
        await until(lambda: run.protected(price - STEP))
        venue.fault("reset")
        venue.market(price - STEP - 1)
        venue.market(price - STEP - 2)
        await until(lambda: not venue.held())
        await until(run.quiet, 20)


async def restart(venue: VenueUnderTest, folder: Path) -> None:
    """A killed run's position is the next one's, with its stop; nothing is sent for it again."""
    price = venue.price
    async with engine_on(venue, folder) as run:
        await run.buy(stop=price - 2 * STEP, target=price + 2 * STEP)
        await until(lambda: run.standing(price - 2 * STEP), 20)
        before = [(one.venue_id, one.type) for one in venue.working()]
        await run.crash()
    async with engine_on(venue, folder) as again:
        await until(lambda: again.protected(price - 2 * STEP), 20)
        assert [(one.venue_id, one.type) for one in venue.working()] == before
        assert again.core.state.issued == 0
        venue.market(price + 2 * STEP + 1)
        venue.market(price + 2 * STEP + 2)
        await until(again.quiet, 20)


async def stopped_out_between_runs(venue: VenueUnderTest, folder: Path) -> None:
    """A position ends while nobody runs: the next run finds it out, and has nothing left."""
    price = venue.price
    async with engine_on(venue, folder) as run:
        await run.buy(stop=price - STEP, target=price + 2 * STEP)
        await until(lambda: run.standing(price - STEP), 20)
        await run.crash()
    venue.market(price - STEP - 1)
    venue.market(price - STEP - 2)
    await until(lambda: not venue.held())
    async with engine_on(venue, folder) as again:
        await until(again.quiet, 20)


async def flatten(venue: VenueUnderTest, folder: Path) -> None:
    """Position, stop, target and a resting entry are gone by one command."""
    price = venue.price
    async with engine_on(venue, folder) as run:
        await run.buy(stop=price - 2 * STEP, target=price + 2 * STEP)
        await until(lambda: run.protected(price - 2 * STEP))
        await run.say(Flatten(id="all", source="cli"))
        await until(run.quiet, 20)
        await until(lambda: not run.book.flattening)


async def flatten_in_trouble(venue: VenueUnderTest, folder: Path) -> None:
    """The first closes are limited or lost, and connections break: it ends flat, on no other side."""
    price = venue.price
    async with engine_on(venue, folder) as run:
        await run.buy(stop=price - 2 * STEP, target=price + 2 * STEP)
        await until(lambda: run.protected(price - 2 * STEP))
        venue.fault("rate-limit", call="place", seconds=0)
        hang = venue.fault("lost-reply", call="place", nth=2)
        await run.say(Flatten(id="all", source="cli"))
        await until(run.quiet, 40)
        assert hang.acted <= 1
        assert venue.traded() == 2 * venue.qty or venue.instrument.kind is InstrumentKind.SPOT


async def part_closed(venue: VenueUnderTest, folder: Path) -> None:
    """The stop is moved, half is sold, and what stays has that stop: where a stop has the coins that it
    sells, it gives them up first. Nothing is refused, and nothing is sold twice.
    """
    price, half = venue.price, venue.qty // 2
    async with engine_on(venue, folder) as run:
        name = await run.buy(stop=price - 3 * STEP, target=price + 3 * STEP)
        await until(lambda: run.standing(price - 3 * STEP), 20)
        nearer = venue.instrument.price(price - 2 * STEP)
        moved = await run.say(ChangeManual(id="nearer", source="cli", order=name, stop=nearer))
        assert moved.done, moved.text
        await until(lambda: run.standing(price - 2 * STEP), 20)
        before = run.qty()  # fees may have been taken out of it
        answer = await run.say(ReduceManual(id="half", source="cli", instrument=venue.symbol, qty=half))
        assert answer.done, answer.text
        await until(lambda: run.qty() == venue.held() == before - half, 20)
        await until(lambda: run.standing(price - 2 * STEP), 20)
        sold = [one for one in run.book.orders.values() if one.slot is Slot.PART]
        assert [one.status for one in sold] == [OrderStatus.FILLED]
        assert sum(one.filled_qty for one in run.book.orders.values()) == venue.traded() == venue.qty + half
        await run.say(Flatten(id="all", source="cli"))
        await until(run.quiet, 20)


AT_PORT: tuple[Card, ...] = (market_data, warm_up, order_life, gone_orders, refused_orders, lost_answers)
WITH_ENGINE: tuple[Card, ...] = (
    bracket,
    stopped_out,
    entry_with_a_lost_answer,
    events_twice,
    filled_while_away,
    restart,
    stopped_out_between_runs,
    flatten,
    flatten_in_trouble,
    part_closed,
)
CARDS: tuple[Card, ...] = (*AT_PORT, *WITH_ENGINE)
