"""Snapshots are the whole truth about an account, or none."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.projectx.venue import ProjectXVenue
from engine.model.errors import RetryableError
from engine.model.events import (
    FillReported,
)
from engine.model.orders import VenueStatus
from tests.projectx import samples
from tests.projectx.conftest import NOW, trading
from tests.projectx.gateway import ACCOUNTS, ORDERS, POSITIONS, QUERY, TRADES, Gateway, Status
from tests.support.waits import Inbox

SINCE = NOW - 3600 * 10**9


async def test_a_snapshot_is_everything(gateway: Gateway, venue: ProjectXVenue, inbox: Inbox) -> None:
    suspended = samples.order(902, status=8, type=4, side=1, limitPrice=None, parentOrderId=900)
    gateway.defaults[QUERY] = samples.ok(
        orders=[samples.order(900), suspended, samples.order(899)], totalCount=3
    )
    gateway.defaults[ORDERS] = samples.ok(
        orders=[samples.order(899, status=2, fillVolume=2), samples.order(898, status=5), samples.order(900)]
    )
    gateway.defaults[TRADES] = samples.ok(
        trades=[samples.trade(5_001), samples.trade(5_000), samples.trade(4_999, voided=True)]
    )
    gateway.defaults[POSITIONS] = samples.ok(positions=[samples.position(type=2, size=3)])
    async with trading(gateway, venue, inbox):
        taken = await venue.brokers[0].snapshot(SINCE)
    assert [(o.venue_id, o.status) for o in taken.orders] == [
        ("898", VenueStatus.REJECTED),
        ("899", VenueStatus.FILLED),
        ("900", VenueStatus.WORKING),
        ("902", VenueStatus.SUSPENDED),
    ]
    assert [f.trade_id for f in taken.fills] == ["5000", "5001"]
    assert [(p.instrument, p.qty) for p in taken.positions] == [("MNQ", -3)]
    assert (taken.book, taken.since, taken.account.name) == ("test", SINCE, "PRAC-V2-1-1")
    assert gateway.bodies(TRADES)[0] == {
        "accountId": samples.ACCOUNT,
        "startTimestamp": "2031-10-07T13:30:00.0000000Z",
    }


@pytest.mark.parametrize("path", [ACCOUNTS, QUERY, ORDERS, TRADES, POSITIONS])
@pytest.mark.parametrize(
    "answer",
    [
        Status(500, ""),
        samples.failed(1),
        "junk",
        Status(429, ""),
        {"success": True, "errorCode": 0}
        | {key: [{"id": 5}] for key in ("accounts", "orders", "trades", "positions")},
    ],
    ids=["500", "refused", "not JSON", "429", "bad row"],
)
async def test_a_snapshot_is_never_partial(
    gateway: Gateway, venue: ProjectXVenue, inbox: Inbox, path: str, answer: Any
) -> None:
    async with trading(gateway, venue, inbox):
        gateway.script(path, answer, answer)  # the account is looked for twice
        with pytest.raises(RetryableError, match="snapshot"):
            await venue.brokers[0].snapshot(SINCE)


async def test_a_snapshot_with_an_order_that_makes_no_sense_is_none(
    gateway: Gateway, venue: ProjectXVenue, inbox: Inbox
) -> None:
    gateway.defaults[QUERY] = samples.ok(orders=[samples.order(status=0)], totalCount=1)
    async with trading(gateway, venue, inbox):
        with pytest.raises(RetryableError, match="order 900"):
            await venue.brokers[0].snapshot(SINCE)


async def test_a_snapshot_is_taken_again_when_a_fill_came_meanwhile(
    gateway: Gateway, venue: ProjectXVenue, inbox: Inbox
) -> None:
    async with trading(gateway, venue, inbox) as side:

        async def fill_once(call: Any) -> Any:
            if len(gateway.bodies(TRADES)) > 1:
                return samples.ok(trades=[samples.trade()])
            await side.send("GatewayUserTrade", {"action": 0, "data": samples.trade()})
            await inbox.until(lambda: inbox.of(FillReported))
            return samples.ok(trades=[])

        gateway.defaults[TRADES] = fill_once
        taken = await venue.brokers[0].snapshot(SINCE)
    assert [fill.trade_id for fill in taken.fills] == ["5000"]
    assert len(gateway.bodies(TRADES)) == len(gateway.bodies(POSITIONS)) == 2


async def test_an_account_that_never_rests_gives_no_snapshot(
    gateway: Gateway, venue: ProjectXVenue, inbox: Inbox
) -> None:
    async with trading(gateway, venue, inbox) as side:

        async def fill_always(call: Any) -> Any:
            count = len(gateway.bodies(TRADES))
            await side.send("GatewayUserTrade", {"action": 0, "data": samples.trade(6_000 + count)})
            await inbox.until(lambda: len(inbox.of(FillReported)) == count)
            return samples.ok(trades=[])

        gateway.defaults[TRADES] = fill_always
        with pytest.raises(RetryableError, match="kept changing"):
            await venue.brokers[0].snapshot(SINCE)


async def test_an_account_that_was_locked_is_still_seen(
    gateway: Gateway, venue: ProjectXVenue, inbox: Inbox
) -> None:
    async with trading(gateway, venue, inbox):
        locked = samples.ok(accounts=[samples.account(canTrade=False)])
        gateway.defaults[ACCOUNTS] = lambda call: (
            samples.ok(accounts=[]) if call.body["onlyActiveAccounts"] else locked
        )
        assert not (await venue.brokers[0].snapshot(SINCE)).account.can_trade
        gateway.defaults[ACCOUNTS] = samples.ok(accounts=[])
        with pytest.raises(RetryableError, match="not among"):
            await venue.brokers[0].snapshot(SINCE)
