"""The order side over real sockets: the account, its stream, orders out, snapshots that are whole."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from adapters.projectx.venue import ProjectXVenue
from engine.model.effects import CancelOrder, ClosePosition, ModifyOrder
from engine.model.errors import FatalError, RefusedError, RetryableError
from engine.model.events import (
    AccountAdopted,
    AccountReported,
    FillReported,
    LinkChanged,
    LinkState,
    OrderReported,
    PositionReported,
)
from engine.model.orders import AccountKind, OrderType, VenueStatus
from tests.projectx import samples
from tests.projectx.conftest import NOW, entry, running, trading, venue_for
from tests.projectx.gateway import ACCOUNTS, BY_ID, CLOSE, PLACE, POSITIONS, Gateway
from tests.support.waits import Inbox

SINCE = NOW - 3600 * 10**9


async def test_the_account_is_adopted_and_its_streams_subscribed(
    gateway: Gateway, venue: ProjectXVenue, inbox: Inbox
) -> None:
    async with trading(gateway, venue, inbox) as side:
        assert side.invocations == [
            ("SubscribeAccounts", []),
            ("SubscribeOrders", [samples.ACCOUNT]),
            ("SubscribePositions", [samples.ACCOUNT]),
            ("SubscribeTrades", [samples.ACCOUNT]),
        ]
    [adopted] = inbox.of(AccountAdopted)
    assert (adopted.book, adopted.account.kind) == ("test", AccountKind.PRACTICE)
    assert adopted.account.balance_usd == Decimal("150000.5")
    user = [e.state for e in inbox.of(LinkChanged) if e.link == "user"]
    assert user == [LinkState.CONNECTING, LinkState.LIVE, LinkState.DOWN]


TWO = [samples.account(id=1, name="PRAC-V2-A"), samples.account(id=2, name="PRAC-V2-B")]
COMBINE = samples.account(id=3, name="50KTC-V2-C")


@pytest.mark.parametrize(
    ("accounts", "wanted", "name", "kind"),
    [
        ([*TWO, COMBINE], "PRAC-V2-B", "PRAC-V2-B", AccountKind.PRACTICE),
        ([*TWO, COMBINE], 1, "PRAC-V2-A", AccountKind.PRACTICE),
        ([*TWO, COMBINE], "2", "PRAC-V2-B", AccountKind.PRACTICE),
        ([*TWO, COMBINE], "50KTC-V2-C", "50KTC-V2-C", AccountKind.LIVE),
        ([COMBINE, TWO[0]], None, "PRAC-V2-A", AccountKind.PRACTICE),
        ([TWO[0] | {"canTrade": False}, TWO[1]], None, "PRAC-V2-B", AccountKind.PRACTICE),
        ([TWO[0] | {"canTrade": False}], None, "PRAC-V2-A", AccountKind.PRACTICE),
    ],
)
async def test_which_account_is_taken(
    gateway: Gateway, inbox: Inbox, accounts: Any, wanted: Any, name: str, kind: AccountKind
) -> None:
    gateway.defaults[ACCOUNTS] = samples.ok(accounts=accounts)
    venue = venue_for(gateway, account=wanted)
    async with trading(gateway, venue, inbox):
        pass
    account = inbox.of(AccountAdopted)[0].account
    assert (account.name, account.kind) == (name, kind)


@pytest.mark.parametrize(
    ("accounts", "wanted", "words"),
    [
        ([*TWO, COMBINE], None, "several.*50KTC-V2-C, PRAC-V2-A, PRAC-V2-B"),
        ([COMBINE], None, "no practice account.*50KTC-V2-C"),
        ([], None, "has: none"),
        ([*TWO], "PRAC", "no active account 'PRAC'"),
    ],
)
async def test_a_choice_that_only_a_person_can_make(
    gateway: Gateway, inbox: Inbox, accounts: Any, wanted: Any, words: str
) -> None:
    gateway.defaults[ACCOUNTS] = samples.ok(accounts=accounts)
    with pytest.raises(FatalError, match=words):
        await venue_for(gateway, account=wanted).brokers[0].run(inbox)


async def test_the_stream_of_a_bracketed_entry(gateway: Gateway, venue: ProjectXVenue, inbox: Inbox) -> None:
    stop = samples.order(902, status=8, type=4, side=1, limitPrice=None, parentOrderId=900, customTag="t-SL")
    async with trading(gateway, venue, inbox) as side:
        for target, row in (
            ("GatewayUserOrder", stop),
            ("GatewayUserOrder", samples.order(900, status=6, type=2, limitPrice=None)),
            ("GatewayUserOrder", samples.order(900, status=2, type=2, limitPrice=None, fillVolume=2)),
            ("GatewayUserTrade", samples.trade()),
            ("GatewayUserPosition", samples.position()),
            ("GatewayUserAccount", samples.account(balance=149_998.78)),
            ("GatewayUserOrder", stop | {"status": 1, "stopPrice": 20_990}),
        ):
            await side.send(target, {"action": 1, "data": samples.streamed(row)})
        await inbox.until(lambda: len(inbox.of(OrderReported)) == 4)
    orders = [e.order for e in inbox.of(OrderReported)]
    assert [(o.venue_id, o.status) for o in orders] == [
        ("902", VenueStatus.SUSPENDED),
        ("900", VenueStatus.PENDING),
        ("900", VenueStatus.FILLED),
        ("902", VenueStatus.WORKING),
    ]
    assert (orders[3].parent_id, orders[3].stop) == ("900", 83_960)
    [fill] = inbox.of(FillReported)
    assert (fill.fill.trade_id, fill.fill.cost_usd, fill.ts_venue) == (
        "5000",
        Decimal("1.22"),
        fill.fill.ts_venue,
    )
    [position] = inbox.of(PositionReported)
    assert (position.position.qty, position.position.average_price) == (2, Decimal("21000.375"))
    [account] = inbox.of(AccountReported)
    assert (account.balance_usd, account.can_trade) == (Decimal("149998.78"), True)
    assert {e.book for e in (fill, position, account)} == {"test"}


async def test_a_closed_position_is_flat(gateway: Gateway, venue: ProjectXVenue, inbox: Inbox) -> None:
    async with trading(gateway, venue, inbox) as side:
        await side.send("GatewayUserPosition", {"action": 1, "data": samples.position()})
        await side.send("GatewayUserPosition", {"action": 2, "data": samples.position(type=1, size=2)})
        await inbox.until(lambda: len(inbox.of(PositionReported)) == 2)
    assert [e.position.qty for e in inbox.of(PositionReported)] == [2, 0]


async def test_other_accounts_voided_trades_and_nonsense_are_left_out(
    gateway: Gateway, venue: ProjectXVenue, inbox: Inbox
) -> None:
    async with trading(gateway, venue, inbox) as side:
        for row in (samples.order(accountId=9), samples.order(status=42)):
            await side.send("GatewayUserOrder", {"action": 1, "data": row})
        for row in (samples.trade(accountId=9), samples.trade(voided=True), {"id": "?"}):
            await side.send("GatewayUserTrade", {"action": 0, "data": row})
        await side.send("GatewayUserPosition", {"action": 1, "data": samples.position(accountId=9)})
        await side.send("GatewayUserAccount", {"action": 1, "data": samples.account(id=9)})
        await side.send("GatewayUserAccount", {"action": 1, "data": samples.account(canTrade=False)})
        await inbox.until(lambda: inbox.of(AccountReported))
    assert not [e for kind in (OrderReported, FillReported, PositionReported) for e in inbox.of(kind)]
    assert [e.can_trade for e in inbox.of(AccountReported)] == [False]
    others = ("Order", "Trade", "Position")
    strangers = {f"GatewayUser{what} of an account that is not ours": 1 for what in others}
    assert venue.anomalies.counts == {"GatewayUserOrder": 1, "GatewayUserTrade": 1} | strangers


async def test_a_position_in_an_old_month_is_ours_and_is_closed_there(
    gateway: Gateway, venue: ProjectXVenue, inbox: Inbox
) -> None:
    old = samples.contract(samples.OLD_MNQ, "MNQU1", "F.US.MNQ", 0.25, 0.5, activeContract=False)
    gateway.defaults[BY_ID] = samples.ok(contract=old)
    async with trading(gateway, venue, inbox) as side:
        row = samples.position(contractId=samples.OLD_MNQ, size=1)
        await side.send("GatewayUserPosition", {"action": 1, "data": row})
        await side.send("GatewayUserTrade", {"action": 0, "data": samples.trade()})
        await inbox.until(lambda: inbox.of(PositionReported))
        await venue.brokers[0].close(ClosePosition("test", "MNQ"))
        assert [b["contractId"] for b in gateway.bodies(CLOSE)] == [samples.MNQ, samples.OLD_MNQ]
        await side.send("GatewayUserPosition", {"action": 1, "data": samples.position(size=2)})
        await inbox.until(lambda: len(inbox.of(PositionReported)) == 2)
    assert [e.position.qty for e in inbox.of(PositionReported)] == [1, 3]
    assert len(gateway.bodies(BY_ID)) == 1


async def test_f29_protection_goes_to_the_month_that_is_held_and_entries_to_the_active_one(
    gateway: Gateway, venue: ProjectXVenue, inbox: Inbox
) -> None:
    old = samples.contract(samples.OLD_MNQ, "MNQU1", "F.US.MNQ", 0.25, 0.5, activeContract=False)
    gateway.defaults[BY_ID] = samples.ok(contract=old)
    stop = entry(client_id="ts-stop", type=OrderType.STOP, stop=84_000, reduces=True)
    async with trading(gateway, venue, inbox) as side:
        row = samples.position(contractId=samples.OLD_MNQ, size=1)
        await side.send("GatewayUserPosition", {"action": 1, "data": row})
        await inbox.until(lambda: inbox.of(PositionReported))
        await venue.brokers[0].place(stop)
        await venue.brokers[0].place(entry(client_id="ts-entry"))
        await side.send("GatewayUserPosition", {"action": 2, "data": row | {"type": 0, "size": 0}})
        await inbox.until(lambda: len(inbox.of(PositionReported)) == 2)
        await venue.brokers[0].place(replace(stop, client_id="ts-later"))
    assert [b["contractId"] for b in gateway.bodies(PLACE)] == [samples.OLD_MNQ, samples.MNQ, samples.MNQ]


async def test_a_product_that_is_not_ours_is_ignored(
    gateway: Gateway, venue: ProjectXVenue, inbox: Inbox
) -> None:
    gateway.defaults[BY_ID] = samples.ok(contract=samples.CONTRACTS[3])
    async with trading(gateway, venue, inbox) as side:
        for _ in range(2):
            row = samples.position(contractId=samples.CRUDE)
            await side.send("GatewayUserPosition", {"action": 1, "data": row})
        await gateway.until(lambda: gateway.bodies(BY_ID))
        await side.send("GatewayUserPosition", {"action": 1, "data": samples.position()})
        await inbox.until(lambda: inbox.of(PositionReported))
        gateway.defaults[POSITIONS] = samples.ok(
            positions=[samples.position(), samples.position(41, contractId=samples.CRUDE)]
        )
        taken = await venue.brokers[0].snapshot(SINCE)
    assert [p.instrument for p in taken.positions] == ["MNQ"]
    assert {e.position.instrument for e in inbox.of(PositionReported)} == {"MNQ"}


async def test_reconnects_end_in_live_so_that_a_snapshot_is_asked(
    gateway: Gateway, venue: ProjectXVenue, inbox: Inbox
) -> None:
    async with trading(gateway, venue, inbox) as side:
        await side.drop()
        await inbox.live("user", times=2)
        await gateway.hubs[1].send("GatewayUserTrade", {"action": 0, "data": samples.trade()})
        await inbox.until(lambda: inbox.of(FillReported))
    assert len(inbox.of(AccountAdopted)) == 1
    assert len(gateway.hubs[1].invocations) == 4


async def test_rotation_loses_no_fill_and_asks_for_a_snapshot(gateway: Gateway, inbox: Inbox) -> None:
    now = NOW
    venue = venue_for(gateway, clock=lambda: now)
    async with trading(gateway, venue, inbox) as old:
        now += 23 * 3600 * 10**9
        await inbox.live("user", times=2)
        await gateway.until(lambda: old.closed)
        [new] = gateway.open_hubs("user")
        assert new.token != old.token
        await new.send("GatewayUserTrade", {"action": 0, "data": samples.trade()})
        await inbox.until(lambda: inbox.of(FillReported))
        now += 23 * 3600 * 10**9
        await inbox.live("user", times=3)
    assert LinkState.DOWN not in inbox.states("user")[:-1]


async def test_place_sends_the_bracket_and_gives_the_id(
    gateway: Gateway, venue: ProjectXVenue, inbox: Inbox
) -> None:
    async with trading(gateway, venue, inbox):
        order = entry(type=OrderType.LIMIT, limit=84_001, stop_offset=-40, target_offset=80)
        assert await venue.brokers[0].place(order) == "901"
    [body] = gateway.bodies(PLACE)
    assert (body["accountId"], body["contractId"], body["limitPrice"]) == (
        samples.ACCOUNT,
        samples.MNQ,
        21_000.25,
    )
    assert body["stopLossBracket"] == {"ticks": -40, "type": 4}


async def test_modify_and_cancel(gateway: Gateway, venue: ProjectXVenue, inbox: Inbox) -> None:
    async with trading(gateway, venue, inbox):
        await venue.brokers[0].modify(ModifyOrder("test", "t-SL", "902", "MNQ", stop=84_000, qty=1))
        await venue.brokers[0].cancel(CancelOrder("test", "t", "900", "MNQ"))
        gateway.script("/api/Order/cancel", samples.failed(2))
        with pytest.raises(RefusedError) as refused:
            await venue.brokers[0].cancel(CancelOrder("test", "t", "900", "MNQ"))
    assert refused.value.code == 2
    assert gateway.bodies("/api/Order/modify") == [
        {"accountId": samples.ACCOUNT, "orderId": 902, "size": 1, "stopPrice": 21_000}
    ]
    assert gateway.bodies("/api/Order/cancel")[0] == {"accountId": samples.ACCOUNT, "orderId": 900}


async def test_nothing_is_sent_before_account_and_contracts_are_known(
    venue: ProjectXVenue, gateway: Gateway
) -> None:
    with pytest.raises(RetryableError):
        await venue.brokers[0].place(entry())
    with pytest.raises(RetryableError):
        await venue.brokers[0].cancel(CancelOrder("test", "t", "900", "MNQ"))
    with pytest.raises(RetryableError):
        await venue.brokers[0].snapshot(SINCE)
    assert gateway.calls == []


async def test_an_instrument_that_is_not_configured_is_refused(
    gateway: Gateway, venue: ProjectXVenue, inbox: Inbox
) -> None:
    async with trading(gateway, venue, inbox):
        with pytest.raises(RefusedError, match="GC"):
            await venue.brokers[0].place(entry(instrument="GC"))
        with pytest.raises(RefusedError, match="4 to 1000"):
            await venue.brokers[0].place(entry(stop_offset=-2))
    assert gateway.bodies(PLACE) == []


async def test_stopping_and_starting_again(gateway: Gateway, venue: ProjectXVenue) -> None:
    for _ in range(2):
        inbox = Inbox()
        async with trading(gateway, venue, inbox):
            pass
        assert len(inbox.of(AccountAdopted)) == 1
        await gateway.until(lambda: not gateway.open_hubs("user"))


async def test_feed_and_broker_share_a_login(gateway: Gateway, venue: ProjectXVenue, inbox: Inbox) -> None:
    async with running(venue.feed, inbox), trading(gateway, venue, inbox):
        await inbox.live("market")
        assert {hub.name for hub in gateway.hubs} == {"user", "market"}
    assert len(gateway.bodies("/api/Auth/loginKey")) == 1
    assert inbox.states("rest") == [LinkState.LIVE]
