"""The feed against Yahoo's twin over real sockets: every minute once, none before its end, failures said."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from adapters.simulator.yahoo.twin import YahooFault
from adapters.yahoo.client import ChartAsked
from adapters.yahoo.feed import LATEST_NS
from adapters.yahoo.probe import probe
from adapters.yahoo.venue import YahooVenue
from engine.model.errors import FatalError, RefusedError, RetryableError
from engine.model.events import BarReported, ContractResolved, LinkState
from engine.model.market import MINUTE, NANOS, Timeframe
from tests.support.waits import until
from tests.yahoo.markets import NQ, SHARE, START, Stand, minutes_of, stand, trade, walk

PAGE_AGENT = "Mozilla/5.0"


@asynccontextmanager
async def running(one: Stand) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(one.venue.feed.run(one.heard))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def asked_again(one: Stand, times: int = 2) -> None:
    """Wait until so many further questions were answered."""
    seen = len(one.twin.asked)
    await until(lambda: len(one.twin.asked) > seen + times)


@pytest.mark.parametrize("delay_s", [0, 600])
async def test_every_minute_is_told_once_and_when_it_is_final(delay_s: int) -> None:
    trades = walk(7, 12)
    final = minutes_of(trades)
    async with stand(trades, delay_ns=delay_s * NANOS) as one, running(one):
        await until(lambda: any(link.state is LinkState.LIVE for link in one.heard.links))
        for _ in range((12 * 60 + delay_s) // 40):
            one.clock.advance(40 * NANOS)
            await asked_again(one, 1)
        one.clock.advance(LATEST_NS + MINUTE)
        await asked_again(one)
        bars = [event.bar for event in one.heard.events if isinstance(event, BarReported)]
        assert [bar.open_ts for bar in bars] == sorted({bar.open_ts for bar in bars})
        plain = [(bar.open_ts, bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in bars]
        known = [final[ts] for ts in sorted(final) if bars[0].open_ts <= ts]
        assert plain == [(b.open_ts, b.open, b.high, b.low, b.close, b.volume) for b in known]
        assert len(bars) >= len(final) - 1
        for event in one.heard.events:
            if isinstance(event, BarReported):
                assert event.ts_recv >= event.bar.close_ts == event.ts_venue
        assert all(link.delayed for link in one.heard.links)
        assert all(agent.startswith(PAGE_AGENT) for agent in one.twin.agents)


async def test_it_says_how_late_an_exchange_is_told() -> None:
    trades = [trade(START + n * 20 * NANOS, 80_000 + n) for n in range(200)]
    async with stand(trades, delay_ns=600 * NANOS) as one, running(one):
        for _ in range(30):
            one.clock.advance(30 * NANOS)
            await asked_again(one, 1)
        await until(lambda: "up to 10 min late" in one.heard.links[-1].detail)


async def test_what_an_outage_left_out_opens_no_trade() -> None:
    trades = [trade(START + n * 30 * NANOS, 80_000 + n) for n in range(60)]
    async with stand(trades) as one, running(one):
        one.clock.advance(2 * MINUTE)
        await asked_again(one)
        one.twin.arm(*[YahooFault.BUSY] * 3)
        await until(lambda: one.heard.state is LinkState.STALE)
        one.clock.advance(6 * MINUTE)
        await until(lambda: len(one.heard.bars) >= 6)
        old, new = one.heard.bars[:-2], one.heard.bars[-2:]
        assert [bar.backfilled for bar in new] == [False, False]
        assert all(bar.backfilled for bar in old[-3:])
        assert one.heard.state is LinkState.LIVE


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (YahooFault.LIMITED, "HTTP 429"),
        (YahooFault.PAGE, "a web page"),
        (YahooFault.CUT, "truncated"),
        (YahooFault.SHORT, "another number of prices"),
        (YahooFault.BUSY, "HTTP 503"),
        (YahooFault.CONSENT, "consent"),
        (YahooFault.DROP, "can't be reached"),
        (YahooFault.OTHER, "answered for SOMETHING=F"),
        (YahooFault.GONE, "may be delisted"),
    ],
)
async def test_a_failure_makes_the_link_stale_with_its_reason_and_is_got_over(
    fault: YahooFault, words: str
) -> None:
    trades = [trade(START + n * 20 * NANOS, 80_000) for n in range(60)]
    async with stand(trades) as one, running(one):
        one.clock.advance(2 * MINUTE)
        await until(lambda: one.heard.state is LinkState.LIVE)
        one.twin.arm(fault, fault)  # one drop of a connection is got over by another request
        await until(lambda: any(link.state is LinkState.STALE for link in one.heard.links))
        stale = next(link for link in one.heard.links if link.state is LinkState.STALE)
        assert words in stale.detail
        await until(lambda: one.heard.state is LinkState.LIVE)


@pytest.mark.parametrize(
    "fault",
    [YahooFault.EMPTY, YahooFault.NULLS, YahooFault.NOT_A_NUMBER, YahooFault.CLOSED, YahooFault.DISORDER],
)
async def test_holes_in_an_answer_are_no_failure(fault: YahooFault) -> None:
    trades = [trade(START + n * 20 * NANOS, 80_000) for n in range(60)]
    async with stand(trades) as one, running(one):
        one.twin.arm(*[fault] * 4)
        one.clock.advance(3 * MINUTE)
        await asked_again(one, 6)
        assert {link.state for link in one.heard.links} == {LinkState.CONNECTING, LinkState.LIVE}
        one.clock.advance(MINUTE)
        await until(lambda: one.heard.bars)
        assert all(bar.close == 80_000 for bar in one.heard.bars)


async def test_a_wait_that_is_named_is_kept() -> None:
    async with stand([trade(START, 80_000)]) as one:
        one.twin.retry_after = "1"
        one.twin.arm(YahooFault.LIMITED)
        ask = ChartAsked("NQ=F", "1m", START - MINUTE, START + MINUTE)
        client = one.venue.feed._client
        with pytest.raises(RetryableError, match="for 1 s"):
            await client.chart(ask)
        with pytest.raises(RetryableError, match="HTTP 429"):
            await client.chart(ask)
        assert len(one.twin.asked) == 1  # the second was not sent
        assert client.held_s() > 0.5


async def test_cookie_and_crumb_are_fetched_when_they_are_asked_for() -> None:
    async with stand([trade(START, 80_000)]) as one:
        one.clock.advance(2 * MINUTE)
        one.twin.arm(YahooFault.CRUMB)
        found = await one.venue.feed.history("NQ", START, START + MINUTE)
        assert [bar.close for bar in found] == []  # nothing later is told: it may still be going on
        one.clock.advance(LATEST_NS)
        found = await one.venue.feed.history("NQ", START, START + MINUTE)
        assert [bar.close for bar in found] == [80_000]
        assert all(bar.backfilled for bar in found)


async def test_a_split_is_another_contract() -> None:
    trades = [trade(START + n * 20 * NANOS, 20_000, instrument=SHARE) for n in range(200)]
    async with stand(trades, instruments=(SHARE,)) as one, running(one):
        one.clock.advance(3 * MINUTE)
        await until(lambda: one.heard.state is LinkState.LIVE)
        one.twin.told.splits["ACME"] = [(START + 3 * MINUTE, 4, 1)]
        one.clock.advance(MINUTE)
        await until(lambda: sum(isinstance(event, ContractResolved) for event in one.heard.events) == 2)
        ids = [event.contract_id for event in one.heard.events if isinstance(event, ContractResolved)]
        assert ids == ["ACME", f"ACME#{(START + 3 * MINUTE) // NANOS}"]


async def test_what_yahoo_does_not_have_is_left_out_and_the_others_go_on() -> None:
    trades = [trade(START + n * 20 * NANOS, 80_000) for n in range(60)]
    async with stand(trades, instruments=(NQ,)) as one:
        config = one.venue.config
        wanted = {"ACME": SHARE, "NQ": NQ}
        venue = YahooVenue(
            type(config)(
                instruments=wanted, polling=config.polling, hosts=config.hosts, cookie_url=config.cookie_url
            ),
            one.clock,
        )
        task = asyncio.create_task(venue.feed.run(one.heard))
        one.clock.advance(2 * MINUTE)
        await until(lambda: any(link.state is LinkState.LIVE for link in one.heard.links))
        one.clock.advance(2 * MINUTE)
        await until(lambda: one.heard.bars)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        checks = await probe(venue.config, one.clock)
        assert [check.ok for check in checks] == [False, True]
        assert "may be delisted" in checks[0].detail
        assert "NQ=F" in checks[1].detail


async def test_nothing_to_price_needs_a_person() -> None:
    async with stand([], instruments=(NQ,), names={"NQ": "NQ=F"}) as one:
        one.twin.told._instruments.clear()
        with pytest.raises(FatalError):
            await one.venue.feed.run(one.heard)


async def test_history_is_refused_for_what_is_not_ours_and_empty_where_there_is_no_interval() -> None:
    async with stand(walk(3, 90)) as one:
        one.clock.advance(100 * MINUTE)
        with pytest.raises(RefusedError):
            await one.venue.feed.history("ES", START, START + MINUTE)
        assert await one.venue.feed.history("NQ", START, START + MINUTE, Timeframe.M3) == []
        for timeframe in (Timeframe.M5, Timeframe.M30, Timeframe.H1):
            bars = await one.venue.feed.history("NQ", START, one.clock(), timeframe)
            assert bars
            assert {bar.timeframe for bar in bars} == {timeframe}
            assert all(bar.open_ts % timeframe.nanos == 0 for bar in bars)
