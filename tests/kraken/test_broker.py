"""Orders go out once by the private socket, and what goes wrong with them is one of four errors."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import Any

import pytest

from adapters.kraken.venue import KrakenVenue
from engine.model.effects import CancelOrder, ModifyOrder
from engine.model.errors import Cause, FatalError, RefusedError, RetryableError, UnknownOutcomeError
from engine.model.events import AccountAdopted, LinkState
from engine.model.market import Side
from engine.model.orders import AccountKind, OrderType
from tests.kraken.conftest import KEY, entry, running, trading, venue_for
from tests.kraken.gateway import DROP, HANG, TOKEN, KrakenGateway
from tests.kraken.samples import BTC
from tests.support.waits import Inbox, until

# -- requests ------------------------------------------------------------------------------------------


async def test_the_account_is_adopted_before_the_link_is_live(
    gateway: KrakenGateway, venue: KrakenVenue, inbox: Inbox
) -> None:
    async with trading(venue, inbox):
        [adopted] = inbox.of(AccountAdopted)
        assert inbox.index(adopted) < inbox.index(inbox.links("user")[-1])
        account = adopted.account
        assert account.name == f"kraken-{hashlib.sha256(KEY.encode()).hexdigest()[:8]}"
        assert (account.kind, account.balance_usd, account.currency) == (
            AccountKind.LIVE,
            Decimal("10000.5"),
            "USD",
        )
        token = {a["params"]["token"] for side in gateway.of("private") for a in side.asked if "params" in a}
        assert token == {TOKEN}


async def test_only_a_twin_is_practice(gateway: KrakenGateway, inbox: Inbox) -> None:
    venue = venue_for(gateway, practice=True)
    async with trading(venue, inbox):
        assert inbox.of(AccountAdopted)[0].account.kind is AccountKind.PRACTICE
    await venue.close()


@pytest.mark.parametrize(
    ("changes", "sent"),
    [
        ({}, {"order_type": "market", "side": "buy", "order_qty": 0.02}),
        (
            {"type": OrderType.LIMIT, "limit": 120_001, "qty": 3},
            {"order_type": "limit", "limit_price": 60000.5, "order_qty": 0.0003, "time_in_force": "gtc"},
        ),
        (
            {"type": OrderType.STOP, "stop": 119_000, "side": Side.SELL, "reduces": True},
            {
                "order_type": "stop-loss",
                "side": "sell",
                "triggers": {"reference": "last", "price": 59500.0, "price_type": "static"},
                "reduce_only": True,
            },
        ),
    ],
)
async def test_orders_as_they_go_out(
    gateway: KrakenGateway, venue: KrakenVenue, inbox: Inbox, changes: dict[str, Any], sent: dict[str, Any]
) -> None:
    async with trading(venue, inbox) as broker:
        assert await broker.place(entry(**changes)) == "order-1"
        [params] = gateway.placed
        assert params.items() >= sent.items()
        assert params["asset_class"] == "derivatives"
        assert params["symbol"] == "PF_XBTUSD"
        assert params["cl_ord_id"] == "ts-abcdefgh-1-1"
        assert ("reduce_only" in params) is changes.get("reduces", False)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"qty": 1}, "too little: at least 0.0002"),
        ({"qty": 0}, "at least one is needed"),
        ({"type": OrderType.LIMIT}, "without its price"),
        ({"type": OrderType.STOP}, "without its price"),
        ({"type": OrderType.LIMIT, "limit": -1}, "is none"),
        ({"stop_offset": -10}, "keeps no brackets"),
        ({"instrument": "DOGE"}, "not among the instruments"),
        ({"client_id": "x" * 60}, "can't be carried"),
    ],
)
async def test_what_the_venue_would_refuse_is_not_sent(
    gateway: KrakenGateway, venue: KrakenVenue, inbox: Inbox, changes: dict[str, Any], says: str
) -> None:
    async with running(venue.feed, inbox), trading(venue, inbox) as broker:
        await inbox.live("market")
        with pytest.raises(RefusedError, match=says) as caught:
            await broker.place(entry(**changes))
        assert gateway.placed == []
        assert (caught.value.cause is Cause.NO_BRACKETS) is ("brackets" in says)


async def test_changes_and_cancels(gateway: KrakenGateway, venue: KrakenVenue, inbox: Inbox) -> None:
    async with trading(venue, inbox) as broker:
        await broker.modify(ModifyOrder("test", "c", "order-1", BTC.symbol, qty=300, stop=119_000))
        await broker.modify(ModifyOrder("test", "c", "order-1", BTC.symbol, limit=119_001))
        await broker.cancel(CancelOrder("test", "c", "order-1", BTC.symbol))
        side = await gateway.trading()
        asked = [(a["method"], a["params"]) for a in side.asked if a["method"].endswith("_order")]
        assert [method for method, _ in asked] == ["amend_order", "amend_order", "cancel_order"]
        first, second, third = (params for _, params in asked)
        assert (first["order_id"], first["order_qty"], first["trigger_price"]) == ("order-1", 0.03, 59500)
        assert second["limit_price"] == 59500.5
        assert third["order_id"] == ["order-1"]


async def test_a_change_of_nothing_is_refused(venue: KrakenVenue, inbox: Inbox) -> None:
    async with trading(venue, inbox) as broker:
        with pytest.raises(RefusedError, match="changes nothing"):
            await broker.modify(ModifyOrder("test", "c", "order-1", BTC.symbol))


# -- what goes wrong -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "kind", "cause"),
    [
        ("EOrder:Insufficient funds", RefusedError, Cause.OTHER),
        ("EGeneral:Permission denied", RefusedError, Cause.OTHER),
        ("EOrder:Unknown order", RefusedError, Cause.GONE),
        ("EOrder:Invalid order", RefusedError, Cause.GONE),
        ("EService:Market in cancel_only mode", RefusedError, Cause.CLOSED),
        ("EOrder:cl_ord_id already in use", RefusedError, Cause.TAKEN),
        ("EOrder:Rate limit exceeded", RetryableError, None),
        ("EOrder:Domain rate limit exceeded", RetryableError, None),
        ("Exceeded msg rate", RetryableError, None),
        ("EService:Unavailable", UnknownOutcomeError, None),
        ("EService:Busy", UnknownOutcomeError, None),
        ("EGeneral:Internal error", UnknownOutcomeError, None),
    ],
)
async def test_what_refusals_mean(
    gateway: KrakenGateway,
    venue: KrakenVenue,
    inbox: Inbox,
    error: str,
    kind: type[Exception],
    cause: Cause | None,
) -> None:
    gateway.answers["add_order"] = [{"success": False, "error": error}]
    async with trading(venue, inbox) as broker:
        with pytest.raises(kind) as caught:
            await broker.place(entry())
        assert error.partition(":")[2] in str(caught.value)
        if isinstance(caught.value, RefusedError):
            assert caught.value.cause is cause
        assert (await gateway.trading()).methods().count("add_order") == 1


@pytest.mark.parametrize(
    "answer", [HANG, DROP, {"result": {}}, {"success": True, "result": {"order_id": ""}}]
)
async def test_an_order_without_a_clear_answer_is_unknown_and_not_sent_again(
    gateway: KrakenGateway, venue: KrakenVenue, inbox: Inbox, answer: Any
) -> None:
    gateway.answers["add_order"] = [answer]
    async with trading(venue, inbox) as broker:
        with pytest.raises(UnknownOutcomeError):
            await broker.place(entry())
        assert sum(side.methods().count("add_order") for side in gateway.of("private")) == 1


async def test_without_a_connection_nothing_is_sent(gateway: KrakenGateway, venue: KrakenVenue) -> None:
    with pytest.raises(RetryableError, match="nothing was sent"):
        await venue.brokers[0].place(entry())


@pytest.mark.parametrize("error", ["EAPI:Invalid token", "ESession:Invalid session"])
async def test_a_stale_token_is_a_certain_no_and_is_mended_once(
    gateway: KrakenGateway, venue: KrakenVenue, inbox: Inbox, error: str
) -> None:
    fresh = {"error": [], "result": {"token": "token-two", "expires": 900}}
    placed = {"success": True, "result": {"order_id": "order-9"}}
    gateway.tokens = [*gateway.tokens, fresh]
    gateway.answers["add_order"] = [{"success": False, "error": error}, placed]
    async with trading(venue, inbox) as broker:
        assert await broker.place(entry()) == "order-9"
        asked = [a["params"] for a in (await gateway.trading()).asked if a["method"] == "add_order"]
        assert [params["token"] for params in asked] == [TOKEN, "token-two"]
        assert asked[0]["cl_ord_id"] == asked[1]["cl_ord_id"]
    gateway.answers["add_order"] = [{"success": False, "error": error}]


async def test_a_token_that_stays_stale_is_not_tried_for_ever(
    gateway: KrakenGateway, venue: KrakenVenue, inbox: Inbox
) -> None:
    gateway.answers["add_order"] = [{"success": False, "error": "EAPI:Invalid token"}]
    async with trading(venue, inbox) as broker:
        with pytest.raises(RetryableError, match="fresh token was refused"):
            await broker.place(entry())
        assert (await gateway.trading()).methods().count("add_order") == 2


@pytest.mark.parametrize(
    ("errors", "says"),
    [
        (["EAPI:Invalid key"], "does not know this API key"),
        (["EAPI:Invalid signature"], "private key does not belong"),
        (["EGeneral:Permission denied"], "permissions to access the WebSockets API"),
    ],
)
async def test_a_bad_key_says_what_to_do(
    gateway: KrakenGateway, venue: KrakenVenue, inbox: Inbox, errors: list[str], says: str
) -> None:
    gateway.tokens = [{"error": errors}]
    with pytest.raises(FatalError, match=says):
        await venue.brokers[0].run(inbox)
    assert inbox.states("user")[-1] is LinkState.DOWN


async def test_a_lockout_is_waited_out(gateway: KrakenGateway, venue: KrakenVenue, inbox: Inbox) -> None:
    gateway.tokens = [{"error": ["EGeneral:Temporary lockout"]}]
    async with running(venue.brokers[0], inbox):
        await inbox.until(lambda: any("locked the key out" in word for word in inbox.words("user")))
        calls = len(gateway.calls)
        downs = inbox.states("user").count(LinkState.DOWN)
        await inbox.until(lambda: inbox.words("user") and len(inbox.links("user")) >= 3)
        assert downs
        assert len(gateway.calls) == calls <= 2, "the locked key is left alone"


async def test_entries_wait_while_the_venue_takes_only_cancels(
    gateway: KrakenGateway, venue: KrakenVenue, inbox: Inbox
) -> None:
    gateway.system = "cancel_only"
    async with trading(venue, inbox) as broker:
        with pytest.raises(RefusedError, match="cancel_only") as caught:
            await broker.place(entry())
        assert caught.value.cause is Cause.CLOSED
        await broker.cancel(CancelOrder("test", "c", "order-1", BTC.symbol))
        await broker.place(entry(type=OrderType.STOP, stop=1, side=Side.SELL, reduces=True))


async def test_a_product_that_is_paused_takes_no_entries(
    gateway: KrakenGateway, venue: KrakenVenue, inbox: Inbox
) -> None:
    async with running(venue.feed, inbox), trading(venue, inbox) as broker:
        await inbox.live("market")
        pair = gateway.pairs[0] | {"status": "maintenance"}
        await gateway.of("public")[0].send(
            {"channel": "instrument", "type": "update", "data": {"pairs": [pair]}}
        )
        listed = venue.access.listed
        await until(lambda: (pair := listed.pair("PF_XBTUSD")) and pair.status == "maintenance")
        with pytest.raises(RefusedError, match="maintenance"):
            await broker.place(entry())
        assert gateway.placed == []
