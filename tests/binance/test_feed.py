"""Market data on the twin, over real sockets: nothing missing, nothing twice, quiet and dead told apart."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

import pytest

from adapters.binance.feed import BinanceFeed
from adapters.binance.rest import SpotRest
from adapters.simulator.wire.binance.wire import BinanceWire
from engine.model.errors import RetryableError
from engine.model.events import ContractResolved, LinkState, Print, Quote
from engine.model.market import MINUTE, NANOS, Timeframe
from tests.binance.practice import PRICE, SpotBench, bench
from tests.binance.samples import NOW
from tests.support.waits import until


class Brief(BinanceWire):
    """A connection lives a moment instead of a day."""

    LIFE_S: ClassVar[float] = 0.25


def feed_of(made: SpotBench) -> BinanceFeed:
    assert isinstance(made.venue.feed, BinanceFeed)
    return made.venue.feed


async def test_symbols_quotes_and_prints_are_told() -> None:
    async with bench(feed=True, broker=False) as made:
        assert [e.contract_id for e in made.inbox.of(ContractResolved)] == ["BTCUSDT", "ETHUSDT"]
        made.market(PRICE + 5, PRICE + 6, PRICE + 4)
        await made.inbox.until(lambda: len(made.prints()) == 2)
        quote = [e for e in made.inbox.of(Quote) if e.instrument == "BTCUSDT"][-1]
        assert (quote.bid, quote.ask, quote.venue) == (PRICE + 5, PRICE + 6, "binance")
        assert [price for _, price in made.prints()] == [PRICE + 6, PRICE + 4]
        first, second = made.inbox.of(Print)
        assert second.seq == first.seq + 1
        assert first.size == 50_000


async def moving(made: SpotBench, until_number: int) -> list[int]:
    """A market in which something trades in every turn; the prices that were printed."""
    printed = []
    for step in range(until_number):
        price = PRICE + step % 1_000
        made.market(price, price)
        printed.append(price)
        await asyncio.sleep(0.002)
    return printed


def told_whole(made: SpotBench, printed: list[int]) -> bool:
    """Whether each was told, in order and once, but for those before the first one that was heard."""
    told = made.prints()
    numbers = [number for number, _ in told]
    assert numbers == sorted(set(numbers))
    return [price for _, price in told] == printed


@pytest.mark.parametrize("life", ["drops", "ends", "takes over"])
async def test_no_print_is_missing_or_told_twice(life: str) -> None:
    """The close after 24 hours brought forward, again and again, and connections that are cut."""
    wire = Brief if life == "ends" else BinanceWire
    changes: dict[str, Any] = {"life_s": 0.1} if life == "takes over" else {}
    async with bench(feed=True, broker=False, wire=wire, **changes) as made:
        if life == "drops":
            made.twin.faults.add("reset", socket="streams", every=0.15, times=17)
        printed = await moving(made, 300)
        await made.inbox.until(lambda: told_whole(made, printed))
        streams = feed_of(made).streams
        assert streams is not None
        assert streams.missed == 0
        if life == "takes over":
            assert LinkState.DOWN not in made.inbox.states("market")
            assert made.inbox.states("market").count(LinkState.LIVE) >= 3
        else:
            assert streams.fetched > 0
            assert made.inbox.states("market").count(LinkState.DOWN) >= 2


class Hours(BinanceWire):
    """A day of a connection is over after five minutes."""

    LIFE_S: ClassVar[float] = 300.0


async def test_at_ten_times_the_pace_seventeen_drops_lose_nothing() -> None:
    """A generated market at ten times its pace; connections are cut, and end with their day."""
    played = {"speed": 10.0, "rate": 3.0}
    async with bench(feed=True, broker=False, wire=Hours, generated=True, twin=played, life_s=9.0) as made:
        first = made.wire.market.newest("BTCUSDT")
        cuts = made.twin.faults.add("reset", socket="streams", every=1.5, times=17)
        await until(lambda: cuts.acted == 17, 20)
        made.twin.faults.clear()
        await made.inbox.live("market", made.inbox.states("market").count(LinkState.DOWN) + 1)
        last = made.wire.market.newest("BTCUSDT")
        await made.inbox.until(lambda: made.prints() and made.prints()[-1][0] >= last)
        told = [number for number, _ in made.prints()]
        assert told == list(range(told[0], told[-1] + 1))
        assert told[0] <= first + 1
        kept = dict(made.wire.market.kept("BTCUSDT"))
        assert all(kept[number].print.price == price for number, price in made.prints())
        assert len(told) > 100


async def test_a_server_that_goes_is_left_before_it_has_gone() -> None:
    async with bench(feed=True) as made:
        before = tuple(made.twin.sockets.open)
        made.wire.shut_down()
        printed = await moving(made, 100)
        await made.inbox.until(lambda: told_whole(made, printed))
        await until(lambda: len(made.inbox.links("user")) >= 3 and len(made.inbox.links("market")) >= 3)
        assert LinkState.DOWN not in made.inbox.states("market") + made.inbox.states("user")
        await until(lambda: all(one.over for one in before))


async def test_what_can_not_be_fetched_is_counted_and_left_to_history() -> None:
    async with bench(feed=True, broker=False, gap_s=0.3) as made:
        made.market(PRICE, PRICE)
        await made.inbox.until(lambda: len(made.prints()) == 1)
        made.twin.faults.add("lost-message", stream="trades", times=2)
        made.twin.faults.add("error", call="agg_trades", times=9)
        made.market(PRICE, PRICE + 1)
        made.market(PRICE, PRICE + 2)
        made.market(PRICE, PRICE + 3)
        await made.inbox.until(lambda: [price for _, price in made.prints()] == [PRICE, PRICE + 3])
        streams = feed_of(made).streams
        assert streams is not None
        assert streams.missed == 2


async def test_prints_after_a_missing_one_wait_for_it() -> None:
    async with bench(feed=True, broker=False) as made:
        made.market(PRICE, PRICE)
        await made.inbox.until(lambda: len(made.prints()) == 1)
        made.twin.faults.add("lost-message", stream="trades", times=1)
        made.twin.faults.add("late-reply", call="agg_trades", seconds=0.2)
        for step in range(1, 6):
            made.market(PRICE, PRICE + step)
        await made.inbox.until(lambda: len(made.prints()) == 6)
        assert [price - PRICE for _, price in made.prints()] == [0, 1, 2, 3, 4, 5]


async def test_a_quiet_market_is_no_dead_one(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = 0
    ask = SpotRest.top

    async def counted(self: SpotRest, *arguments: Any) -> Any:
        nonlocal asked
        told = await ask(self, *arguments)
        asked += 1
        return told

    monkeypatch.setattr(SpotRest, "top", counted)
    async with bench(feed=True, broker=False, silence_s=0.1) as made:
        before = asked
        await until(lambda: asked >= before + 8)  # of each symbol, several times
        assert made.inbox.states("market") == [LinkState.CONNECTING, LinkState.LIVE]


async def test_streams_that_say_nothing_while_it_trades_are_left() -> None:
    async with bench(feed=True, broker=False, silence_s=0.1) as made:
        made.market(PRICE, PRICE)
        await made.inbox.until(lambda: len(made.prints()) == 1)
        made.twin.faults.add("silent", stream="quotes", socket="streams")
        made.market(PRICE + 40)
        await made.inbox.until(lambda: LinkState.STALE in made.inbox.states("market"))
        await made.inbox.live("market", 2)
        quotes = [e for e in made.inbox.of(Quote) if e.instrument == "BTCUSDT"]
        assert quotes[-1].bid == PRICE + 40


async def test_a_stream_that_does_not_exist_is_noticed() -> None:
    class Deaf(BinanceWire):
        """Forgets half of what was asked for."""

        def _on_streams(self, socket: object, text: str) -> None:
            topics = socket.topics  # type: ignore[attr-defined]
            topics -= {topic for topic in topics if "ethusdt" in topic[1]}
            super()._on_streams(socket, text)  # type: ignore[arg-type]

    async with bench(broker=False, wire=Deaf) as made:
        task = asyncio.create_task(made.venue.feed.run(made.inbox))
        await made.inbox.until(
            lambda: any("does not carry ethusdt" in words for words in made.inbox.words("market"))
        )
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


@pytest.mark.parametrize(
    ("timeframe", "count"), [(Timeframe.M1, 1_150), (Timeframe.M30, 37), (Timeframe.M2, 0)]
)
async def test_history_is_whole_over_pages(timeframe: Timeframe, count: int) -> None:
    async with bench(broker=False) as made:
        start = NOW // MINUTE * MINUTE - 1_150 * MINUTE
        bars = await made.venue.feed.history("BTCUSDT", start, NOW, timeframe)
        assert len(bars) == count
        assert all(bar.backfilled and bar.close_ts <= NOW for bar in bars)
        opens = [bar.open_ts for bar in bars]
        assert opens == sorted(set(opens))
        if count:
            assert all(start <= at < NOW and at % timeframe.nanos == 0 for at in opens)


async def test_history_that_is_no_answer_is_none() -> None:
    async with bench(broker=False) as made:
        made.twin.faults.add("garbled-reply", call="klines", how="cut")
        with pytest.raises(RetryableError):
            await made.venue.feed.history("BTCUSDT", NOW - 60 * MINUTE, NOW + NANOS)
