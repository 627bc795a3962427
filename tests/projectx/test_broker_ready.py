"""Requests that are got ready before they are asked for: each leaves once, and never too early."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from adapters.projectx import transport
from adapters.projectx.venue import ProjectXVenue
from engine.model.effects import AnyRequest, CancelOrder, ClosePosition, ModifyOrder
from tests.projectx.conftest import NOW, entry, trading, venue_for
from tests.projectx.gateway import ACCOUNTS, CLOSE, ORDERS, PLACE, POSITIONS, QUERY, TRADES, Gateway
from tests.support.waits import Inbox

SINCE = NOW - 3600 * 10**9


@pytest.fixture
async def venue(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ProjectXVenue]:
    """However busy the machine is, an answer comes in time and an order that is about to leave is waited for;
    tests in which a time has to be over shorten their own.
    """
    monkeypatch.setattr(transport, "HEAD_START_S", 30.0)
    made = venue_for(gateway, act_s=10, protect_s=10)
    yield made
    await made.close()


@pytest.mark.parametrize(
    ("request_", "path"),
    [
        (entry(), PLACE),
        (ModifyOrder("test", "c", "900", "MNQ", stop=84_000), "/api/Order/modify"),
        (CancelOrder("test", "c", "900", "MNQ"), "/api/Order/cancel"),
        (ClosePosition("test", "MNQ"), CLOSE),
    ],
)
async def test_what_is_ready_leaves_when_it_is_asked_for_and_once(
    gateway: Gateway, venue: ProjectXVenue, inbox: Inbox, request_: AnyRequest, path: str
) -> None:
    async with trading(gateway, venue, inbox):
        venue.brokers[0].prepare(request_)
        await venue.ping()  # a request of another kind comes and goes meanwhile
        assert gateway.bodies(path) == []
        await act(venue, request_)
        assert len(gateway.bodies(path)) == 1
        await act(venue, request_)
        assert len(gateway.bodies(path)) == 2


async def test_what_is_forgotten_never_leaves(gateway: Gateway, venue: ProjectXVenue, inbox: Inbox) -> None:
    async with trading(gateway, venue, inbox):
        order = entry()
        venue.brokers[0].prepare(order)
        await venue.ping()
        venue.brokers[0].forget(order)
        await venue.brokers[0].snapshot(SINCE)
        assert gateway.bodies(PLACE) == []
    assert gateway.bodies(PLACE) == []


async def test_what_could_not_be_got_ready_is_sent_when_it_is_asked_for(
    gateway: Gateway, inbox: Inbox
) -> None:
    """Its time is over while it waits: nothing of it has left, so this is no second sending."""
    venue = venue_for(gateway, act_s=1)
    async with trading(gateway, venue, inbox):
        order = entry()
        venue.brokers[0].prepare(order)
        ready = venue.brokers[0]._ready[id(order)]
        await asyncio.wait({ready.sending})  # the time for an answer is over
        assert gateway.bodies(PLACE) == []
        await venue.brokers[0].place(order)
        assert len(gateway.bodies(PLACE)) == 1
    await venue.close()


async def test_queries_go_after_an_order_that_is_on_its_way_out(
    gateway: Gateway, venue: ProjectXVenue, inbox: Inbox
) -> None:
    async with trading(gateway, venue, inbox):
        order = entry()
        venue.brokers[0].prepare(order)
        await asyncio.sleep(0)
        before = len(gateway.calls)
        asking = asyncio.create_task(venue.brokers[0].snapshot(SINCE))
        await venue.ping()
        assert len(gateway.calls) == before, "it waits"
        await venue.brokers[0].place(order)
        await asking
        first, *others = (call.path for call in gateway.calls[before:])
        assert first == PLACE
        assert set(others) == {ACCOUNTS, QUERY, ORDERS, POSITIONS, TRADES}


async def test_queries_do_not_wait_for_ever(
    gateway: Gateway, venue: ProjectXVenue, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "HEAD_START_S", 0.02)
    async with trading(gateway, venue, inbox):
        order = entry()
        venue.brokers[0].prepare(order)
        await asyncio.sleep(0)
        assert await venue.brokers[0].snapshot(SINCE)
        assert gateway.bodies(PLACE) == []


async def act(venue: ProjectXVenue, request: AnyRequest) -> None:
    broker = venue.brokers[0]
    calls: dict[type, Any] = {
        ModifyOrder: broker.modify, CancelOrder: broker.cancel, ClosePosition: broker.close
    }  # fmt: skip
    await calls.get(type(request), broker.place)(request)
