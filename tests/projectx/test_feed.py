"""The market side over real sockets: resolution, subscriptions, silence, rotation, nonsense."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from contextlib import suppress
from itertools import count, groupby
from typing import Any

import pytest
from msgspec import Raw

from adapters.common import stamps
from adapters.common.anomalies import Anomalies
from adapters.projectx.market_stream import MarketStream
from adapters.projectx.venue import ProjectXVenue
from engine.model.errors import FatalError, RefusedError, RetryableError
from engine.model.events import ContractResolved, LinkChanged, LinkState, Print, Quote
from engine.model.instrument import CME_FUTURES
from engine.model.market import Timeframe
from tests.projectx import samples
from tests.projectx.conftest import NOW, QUICK, config_for, running, venue_for
from tests.projectx.gateway import AVAILABLE, BARS, Gateway, Status
from tests.support.waits import Inbox

MINUTE = 60 * 10**9


async def test_from_login_to_quotes(gateway: Gateway, venue: ProjectXVenue, inbox: Inbox) -> None:
    async with running(venue.feed, inbox):
        await inbox.live("market")
        [side] = gateway.hubs
        assert side.invocations == [
            ("SubscribeContractQuotes", [samples.MNQ]),
            ("SubscribeContractTrades", [samples.MNQ]),
            ("SubscribeContractQuotes", [samples.ES]),
            ("SubscribeContractTrades", [samples.ES]),
        ]
        await side.send(
            "GatewayTrade", samples.MNQ, [samples.market_trade(), samples.market_trade(21_000.5, 1, 0)]
        )
        await inbox.until(lambda: len(inbox.of(Print)) == 2)
    resolved = {e.instrument.symbol: (e.contract_id, e.name) for e in inbox.of(ContractResolved)}
    assert resolved == {"MNQ": (samples.MNQ, "MNQZ1"), "ES": (samples.ES, "ESZ1")}
    first, second = inbox.of(Print)
    assert (first.price, first.size, second.price, second.size) == (84_001, 3, 84_002, 1)
    assert second.seq > first.seq
    assert {q.instrument for q in inbox.of(Quote)} == {"MNQ", "ES"}
    assert inbox.of(Quote)[0].ts_recv == NOW
    assert inbox.states("market") == [LinkState.CONNECTING, LinkState.LIVE, LinkState.DOWN]
    assert gateway.open_hubs("market") == []


async def test_live_only_after_the_first_message_of_every_contract(gateway: Gateway, inbox: Inbox) -> None:
    gateway.first_quotes = False
    venue = venue_for(gateway, timing=dataclasses.replace(QUICK, first_message_s=5))
    async with running(venue.feed, inbox):
        await gateway.until(lambda: gateway.hubs and len(gateway.hubs[0].invocations) == 4)
        await gateway.hubs[0].send("GatewayQuote", samples.MNQ, samples.first_quote(samples.MNQ))
        await inbox.until(lambda: inbox.of(Quote))
        assert LinkState.LIVE not in inbox.states("market")
        await gateway.hubs[0].send("GatewayQuote", samples.ES, samples.first_quote(samples.ES))
        await inbox.live("market")


async def test_on_a_closed_market_no_first_message_is_needed(gateway: Gateway, inbox: Inbox) -> None:
    gateway.first_quotes = False
    venue = ProjectXVenue(config_for(gateway), lambda: NOW, session_open=lambda ts: False)
    async with running(venue.feed, inbox):
        await inbox.live("market")
    assert inbox.of(Quote) == []


async def test_a_refused_subscription_is_not_live(
    gateway: Gateway, venue: ProjectXVenue, inbox: Inbox
) -> None:
    gateway.completion = lambda hub, target, arguments: {"error": "not entitled"}
    async with running(venue.feed, inbox):
        await inbox.until(lambda: LinkState.DOWN in inbox.states("market"))
        assert "not entitled" in inbox.of(LinkChanged)[-1].detail
        assert LinkState.LIVE not in inbox.states("market")


async def test_partial_quotes_do_not_outlive_their_connection(
    gateway: Gateway, venue: ProjectXVenue, inbox: Inbox
) -> None:
    async with running(venue.feed, inbox):
        await inbox.live("market")
        gateway.first_quotes = False
        await gateway.hubs[0].drop()
        await gateway.until(lambda: len(gateway.hubs) == 2 and len(gateway.hubs[1].invocations) == 4)
        seen = len(inbox.of(Quote))
        partial = {"bestBid": 20_000, "timestamp": "2031-10-06T14:31:00+00:00"}
        await gateway.hubs[1].send("GatewayQuote", samples.MNQ, partial)
        await inbox.until(lambda: len(inbox.of(Quote)) > seen)
    assert (inbox.of(Quote)[-1].bid, inbox.of(Quote)[-1].ask) == (80_000, None)


async def test_silence_in_an_open_market_is_stale_and_reconnects(gateway: Gateway, inbox: Inbox) -> None:
    venue = venue_for(gateway, timing=dataclasses.replace(QUICK, quote_silence_s=0.1))
    async with running(venue.feed, inbox):
        await inbox.until(lambda: LinkState.STALE in inbox.states("market"))
        assert "no quote for 0.1 s" in inbox.words("market")[-1]
        await inbox.live("market", times=2)
    states = [state for state, _ in groupby(inbox.states("market"))]
    assert states[:4] == [LinkState.CONNECTING, LinkState.LIVE, LinkState.STALE, LinkState.LIVE]


async def test_quotes_that_stop_while_prints_flow_are_noticed(gateway: Gateway, inbox: Inbox) -> None:
    venue = venue_for(gateway, timing=dataclasses.replace(QUICK, quote_silence_s=0.15))
    async with running(venue.feed, inbox):
        await inbox.live("market")
        side = gateway.hubs[0]
        stale = asyncio.create_task(inbox.until(lambda: LinkState.STALE in inbox.states("market")))
        while not stale.done() and not side.closed:
            with suppress(ConnectionError):
                await side.send("GatewayTrade", samples.MNQ, [samples.market_trade()])
            await asyncio.wait({stale}, timeout=0.02)
        await stale
    assert len(inbox.of(Print)) > 2


async def test_prints_that_stop_while_quotes_flow_are_noticed(gateway: Gateway, inbox: Inbox) -> None:
    venue = venue_for(gateway, timing=dataclasses.replace(QUICK, print_silence_s=0.1))
    async with running(venue.feed, inbox):
        await inbox.until(lambda: LinkState.STALE in inbox.states("market"))
        assert "no print" in inbox.words("market")[-1]


async def test_silence_of_a_closed_market_is_normal(gateway: Gateway, inbox: Inbox) -> None:
    is_open = False
    looks = 0
    enough = asyncio.Event()

    def session_open(ts: int) -> bool:
        nonlocal looks
        looks += 1
        if looks == 20:
            enough.set()
        return is_open

    timing = dataclasses.replace(QUICK, quote_silence_s=0.05, watch_s=0.01)
    venue = ProjectXVenue(config_for(gateway, timing=timing), lambda: NOW, session_open=session_open)
    async with running(venue.feed, inbox):
        await inbox.live("market")
        await asyncio.wait_for(enough.wait(), 5)
        assert LinkState.STALE not in inbox.states("market")
        is_open = True
        await inbox.until(lambda: LinkState.STALE in inbox.states("market"))


async def test_a_refused_hub_token_means_a_new_login(
    gateway: Gateway, venue: ProjectXVenue, inbox: Inbox
) -> None:
    gateway.hub_tokens_refused.add(await venue.session.token())
    async with running(venue.feed, inbox):
        await inbox.live("market")
    assert len(gateway.bodies("/api/Auth/loginKey")) == 2


async def test_rotation_makes_before_it_breaks_and_tells_no_print_twice(
    gateway: Gateway, inbox: Inbox
) -> None:
    now = NOW
    venue = venue_for(gateway, clock=lambda: now)
    gateway.first_quotes = True
    async with running(venue.feed, inbox):
        await inbox.live("market")
        old = gateway.hubs[0]
        gateway.first_quotes = False
        now += 23 * 3600 * 10**9
        new = await gateway.until(
            lambda: next((hub for hub in gateway.hubs if hub is not old and len(hub.invocations) == 4), None)
        )
        assert not old.closed
        for side in (new, old):
            await side.send("GatewayTrade", samples.MNQ, [samples.market_trade(volume=5)])
        await inbox.until(lambda: inbox.of(Print))
        for contract in (samples.MNQ, samples.ES):
            await new.send("GatewayQuote", contract, samples.first_quote(contract))
        await inbox.live("market", times=2)
        await gateway.until(lambda: old.closed)
        await new.send("GatewayTrade", samples.MNQ, [samples.market_trade(volume=7)])
        await inbox.until(lambda: len(inbox.of(Print)) == 2)
        assert new.token != old.token
    assert [p.size for p in inbox.of(Print)] == [5, 7]
    assert LinkState.DOWN not in inbox.states("market")[:-1]


async def nobody() -> str:
    return ""


async def test_a_retired_stream_tells_nothing_more(inbox: Inbox) -> None:
    contracts = {samples.MNQ: CME_FUTURES["MNQ"]}
    stream = MarketStream(
        contracts, inbox, lambda: NOW, lambda ts: True, QUICK, Anomalies(), count().__next__, nobody
    )
    quote = Raw(json.dumps([samples.MNQ, samples.first_quote(samples.MNQ)]).encode())
    prints = Raw(json.dumps([samples.MNQ, [samples.market_trade()]]).encode())
    stream.receive("GatewayQuote", quote)
    assert inbox == []
    stream.go_live()
    assert len(inbox.of(Quote)) == 1
    stream.receive("GatewayTrade", prints)
    assert len(inbox.of(Print)) == 1
    stream.retire()
    stream.receive("GatewayTrade", prints)
    stream.receive("GatewayQuote", quote)
    assert len(inbox) == 2


async def test_nonsense_is_counted_and_the_feed_goes_on(
    gateway: Gateway, venue: ProjectXVenue, inbox: Inbox, caplog: pytest.LogCaptureFixture
) -> None:
    junk: list[Any] = [
        [samples.MNQ, {"bestBid": 20_000.1, "timestamp": "2031-10-06T14:30:00+00:00"}],
        [samples.MNQ, {"bestBid": {}, "timestamp": 5}],
        [samples.MNQ, 5],
        ["CON.F.US.OTHER.Z31", samples.first_quote("x")],
        [],
        [samples.MNQ, {"bestBid": 1, "timestamp": "yesterday"}],
    ]
    async with running(venue.feed, inbox):
        await inbox.live("market")
        [side] = gateway.hubs
        before = len(inbox.of(Quote))
        for arguments in junk:
            await side.send("GatewayQuote", *arguments)
        await side.send(
            "GatewayTrade", samples.MNQ, [samples.market_trade(volume=0), samples.market_trade(volume=2)]
        )
        await side.send("GatewayTrade", samples.MNQ, [{"price": "x"}])
        await side.raw("garbage\x1e")
        await side.send("GatewayDepth", samples.MNQ, [{"type": 5}])
        await side.send("SomethingNew", 1)
        last = samples.first_quote(samples.MNQ) | {"bestBid": 20_998}
        await side.send("GatewayQuote", samples.MNQ, last)
        await inbox.until(lambda: len(inbox.of(Quote)) == before + 1)
    assert inbox.of(Quote)[-1].bid == 83_992
    assert [p.size for p in inbox.of(Print)] == [2]
    expected = {"GatewayQuote": 6, "GatewayTrade": 2, "GatewayDepth": 1, "market hub record": 1}
    assert venue.anomalies.counts == expected
    assert caplog.text.count("left out") == 4


async def test_the_stream_comes_back_while_queries_fail(
    gateway: Gateway, venue: ProjectXVenue, inbox: Inbox
) -> None:
    async with running(venue.feed, inbox):
        await inbox.live("market")
        gateway.defaults[AVAILABLE] = Status(503, "")
        await gateway.hubs[0].drop()
        await inbox.live("market", times=2)


async def test_the_exact_symbol_is_taken_not_the_like(gateway: Gateway, inbox: Inbox) -> None:
    venue = venue_for(gateway, instruments={"NQ": CME_FUTURES["NQ"]})
    async with running(venue.feed, inbox):
        await inbox.live("market")
    assert inbox.of(ContractResolved)[0].contract_id == "CON.F.US.ENQ.Z31"


async def test_a_contract_that_is_not_listed_is_searched(
    gateway: Gateway, venue: ProjectXVenue, inbox: Inbox
) -> None:
    gateway.defaults[AVAILABLE] = samples.ok(contracts=samples.CONTRACTS[1:])
    old = samples.contract(samples.OLD_MNQ, "MNQU1", "F.US.MNQ", 0.25, 0.5, activeContract=False)
    near = samples.contract("CON.F.US.NQM.Z31", "NQM", "F.US.NQM", 0.25, 0.5)
    gateway.defaults["/api/Contract/search"] = samples.ok(contracts=[old, near, samples.CONTRACTS[0]])
    async with running(venue.feed, inbox):
        await inbox.live("market")
    assert venue.contracts.active_id("MNQ") == samples.MNQ
    assert gateway.bodies("/api/Contract/search") == [{"searchText": "MNQ", "live": False}]


@pytest.mark.parametrize(
    ("contract", "words"),
    [
        (samples.contract(samples.MNQ, "MNQZ1", "F.US.MNQ", 0.5, 0.5), "tick size"),
        (samples.contract(samples.MNQ, "MNQZ1", "F.US.MNQ", 0.25, 5), "tick value"),
        (samples.contract(samples.MNQ, "MNQZ1", "F.US.MNQ", 0.25, 0.5, activeContract=False), "no active"),
    ],
)
async def test_a_venue_that_disagrees_about_money_is_not_worked_with(
    gateway: Gateway, venue: ProjectXVenue, inbox: Inbox, contract: Any, words: str
) -> None:
    gateway.defaults[AVAILABLE] = samples.ok(contracts=[contract, *samples.CONTRACTS[1:]])
    with pytest.raises(FatalError, match=words):
        await venue.feed.run(inbox)
    assert inbox.states("market") == [LinkState.CONNECTING, LinkState.DOWN]
    assert words in inbox.of(LinkChanged)[-1].detail


async def test_a_new_month_is_announced_at_the_next_connection(
    gateway: Gateway, venue: ProjectXVenue, inbox: Inbox
) -> None:
    async with running(venue.feed, inbox):
        await inbox.live("market")
        rolled = samples.contract("CON.F.US.MNQ.H32", "MNQH2", "F.US.MNQ", 0.25, 0.5)
        gateway.defaults[AVAILABLE] = samples.ok(contracts=[rolled, *samples.CONTRACTS[1:]])
        await gateway.hubs[0].drop()
        await inbox.live("market", times=2)
    assert [e.name for e in inbox.of(ContractResolved)] == ["MNQZ1", "ESZ1", "MNQH2"]
    assert ("SubscribeContractQuotes", ["CON.F.US.MNQ.H32"]) in gateway.hubs[1].invocations


async def test_history_is_closed_bars_oldest_first(gateway: Gateway, venue: ProjectXVenue) -> None:
    bars = [
        {"t": stamps.text(NOW - i * MINUTE), "o": 21_000, "h": 21_001, "l": 20_999, "c": 21_000.25, "v": i}
        for i in range(5)
    ]
    gateway.defaults[BARS] = samples.ok(bars=bars)
    found = await venue.feed.history("MNQ", NOW - 3 * MINUTE, NOW + MINUTE)
    assert [bar.volume for bar in found] == [3, 2, 1]
    assert all(bar.backfilled and bar.instrument == "MNQ" and bar.close_ts <= NOW for bar in found)
    assert gateway.bodies(BARS)[0]["contractId"] == samples.MNQ


async def test_half_hours_of_history_are_asked_as_such(gateway: Gateway, venue: ProjectXVenue) -> None:
    opened = NOW - NOW % (30 * MINUTE) - 30 * MINUTE
    bars = [
        {
            "t": stamps.text(opened - n * 30 * MINUTE),
            "o": 21_000,
            "h": 21_001,
            "l": 20_999,
            "c": 21_000,
            "v": n + 1,
        }
        for n in range(-1, 3)
    ]
    gateway.defaults[BARS] = samples.ok(bars=bars)
    found = await venue.feed.history("MNQ", NOW - 4 * 60 * MINUTE, NOW, Timeframe.M30)
    assert [(bar.volume, bar.close_ts - bar.open_ts) for bar in found] == [
        (n, 30 * MINUTE) for n in (3, 2, 1)
    ]
    asked = gateway.bodies(BARS)[0]
    assert (asked["unit"], asked["unitNumber"], asked["includePartialBar"]) == (2, 30, False)


async def test_history_that_can_not_be_had(gateway: Gateway, venue: ProjectXVenue) -> None:
    with pytest.raises(RefusedError, match="GC is not among"):
        await venue.feed.history("GC", NOW - MINUTE, NOW)
    gateway.script(BARS, samples.failed(1, bars=None))
    with pytest.raises(RefusedError, match="contract not found"):
        await venue.feed.history("MNQ", NOW - MINUTE, NOW)
    off_grid = {"t": stamps.text(NOW - MINUTE), "o": 1.1, "h": 2, "l": 1, "c": 1, "v": 1}
    gateway.script(BARS, samples.ok(bars=[off_grid]))
    with pytest.raises(RetryableError, match="not a multiple"):
        await venue.feed.history("MNQ", NOW - MINUTE, NOW)
