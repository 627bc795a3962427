"""Several accounts on one login: one token, one connection to each hub, one rate budget, a book each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from msgspec import structs

from adapters.projectx.config import MOST_ACCOUNTS, RateLimits, WantedAccount
from adapters.projectx.venue import ProjectXVenue
from adapters.simulator.exchange.config import accounts_of_a_login
from engine.model.effects import CancelOrder, ClosePosition
from engine.model.errors import FatalError, PortError, RetryableError
from engine.model.events import (
    AccountAdopted,
    AccountReported,
    AnyEvent,
    FillReported,
    LinkChanged,
    LinkState,
    OrderReported,
    PositionReported,
)
from engine.model.market import Side
from engine.model.orders import OrderType, VenueStatus
from tests.projectx import samples
from tests.projectx.conftest import entry, running, venue_for
from tests.projectx.gateway import ACCOUNTS, Gateway
from tests.projectx.practice import PRICE, START, Bench, bench
from tests.support.waits import Inbox, until

WORKING = VenueStatus.WORKING
THREE = accounts_of_a_login(3)
BOOKS = tuple(WantedAccount(book=book, name=one.name) for book, one in zip("abc", THREE, strict=True))


def of(inbox: Inbox, book: str, *kinds: type[AnyEvent]) -> list[Any]:
    return [e for e in inbox if isinstance(e, kinds) and getattr(e, "book", None) == book]


def states(inbox: Inbox, book: str) -> list[LinkState]:
    return [changed.state for changed in of(inbox, book, LinkChanged)]


def brokers(b: Bench) -> dict[str, Any]:
    return {broker.book: broker for broker in b.venue.brokers}


def account(number: int, **fields: Any) -> dict[str, Any]:
    return samples.account(id=7000 + number, name=f"PRAC-V2-1-{number}", **fields)


def told(inbox: Inbox) -> Callable[[], bool]:
    """Each of the three books knows its entry, its fill and its two working legs."""
    return lambda: all(
        of(inbox, book, FillReported)
        and {
            e.order.client_id for e in of(inbox, book, OrderReported) if e.order.status is VenueStatus.WORKING
        }
        == {f"ts-{book}-SL", f"ts-{book}-TP"}
        for book in "abc"
    )


async def test_what_happens_in_an_account_reaches_its_book_only() -> None:
    async with bench(feed=False, books=BOOKS, accounts=THREE) as b:
        assert len(b.practice.hubs.user.connections) == 1
        adopted = {e.book: e.account.name for e in b.inbox.of(AccountAdopted)}
        assert adopted == {one.book: one.name for one in BOOKS}
        sizes = {"a": 1, "b": 2, "c": 3}
        for book, broker in brokers(b).items():
            order = entry(client_id=f"ts-{book}", qty=sizes[book], stop_offset=-40, target_offset=60)
            await broker.place(order)
        await b.inbox.until(told(b.inbox))
        await b.inbox.until(lambda: all(of(b.inbox, book, PositionReported) for book in "abc"))
        for book, qty in sizes.items():
            assert {e.fill.qty for e in of(b.inbox, book, FillReported)} == {qty}
            assert {e.position.qty for e in of(b.inbox, book, PositionReported)} == {qty}
            tags = {e.order.client_id for e in of(b.inbox, book, OrderReported)}
            assert tags == {f"ts-{book}", f"ts-{book}-SL", f"ts-{book}-TP"}
            taken = await brokers(b)[book].snapshot(START)
            assert (taken.book, taken.account.name) == (book, adopted[book])
            assert [p.qty for p in taken.positions] == [qty]
        await brokers(b)["b"].close(ClosePosition("b", "MNQ"))
        await b.inbox.until(lambda: of(b.inbox, "b", PositionReported)[-1].position.qty == 0)
        assert [p.qty for p in (await brokers(b)["a"].snapshot(START)).positions] == [1]
        assert not b.venue.anomalies.counts


async def test_an_order_of_one_account_can_t_be_cancelled_from_another() -> None:
    async with bench(feed=False, books=BOOKS, accounts=THREE) as b:
        order = entry(client_id="ts-a", type=OrderType.LIMIT, limit=PRICE - 100)
        placed = await brokers(b)["a"].place(order)
        with pytest.raises(PortError, match="cancel"):
            await brokers(b)["b"].cancel(CancelOrder("b", "ts-a", placed, "MNQ"))
        await brokers(b)["a"].cancel(CancelOrder("a", "ts-a", placed, "MNQ"))


async def test_an_account_that_its_loss_limit_locks_leaves_the_others_trading() -> None:
    first, second, third = THREE
    accounts = (first, structs.replace(second, daily_loss_usd=Decimal(100)), third)
    async with bench(feed=False, books=BOOKS, accounts=accounts) as b:
        for book, broker in brokers(b).items():
            await broker.place(entry(client_id=f"ts-{book}", qty=2))
        await b.inbox.until(lambda: all(of(b.inbox, book, PositionReported) for book in "abc"))
        b.market(PRICE - 200)
        await b.inbox.until(lambda: not all(e.can_trade for e in of(b.inbox, "b", AccountReported)))
        await b.inbox.until(lambda: of(b.inbox, "b", PositionReported)[-1].position.qty == 0)
        with pytest.raises(PortError):
            await brokers(b)["b"].place(entry(client_id="ts-b-2"))
        assert (await brokers(b)["b"].snapshot(START)).account.can_trade is False
        assert await brokers(b)["a"].place(entry(client_id="ts-a-2"))
        assert all(e.can_trade for book in "ac" for e in of(b.inbox, book, AccountReported))


async def test_a_user_hub_that_was_gone_is_live_for_each_book_once() -> None:
    async with bench(feed=False, books=BOOKS, accounts=THREE) as b:
        for platform in b.practice.platforms.values():
            b.practice.controls.drop_hubs("user")
            platform.trade("MNQ", Side.BUY, 1)
        live = [LinkState.CONNECTING, LinkState.LIVE, LinkState.DOWN, LinkState.LIVE]
        await b.inbox.until(lambda: all(states(b.inbox, book) == live for book in "abc"))
        assert len(b.practice.hubs.user.connections) == 1
        for broker in b.venue.brokers:
            assert [fill.qty for fill in (await broker.snapshot(START)).fills] == [1]


async def test_a_fault_of_one_account_is_one_books() -> None:
    async with bench(feed=False, books=BOOKS, accounts=THREE) as b:
        b.practice.faults.add("refused-call", call="trades", code=1, times=0, account=THREE[1].name)
        b.practice.faults.add("lost-event", event="fill", times=0, account=THREE[1].name)
        b.practice.faults.add("closed-account", account=THREE[2].name)
        for book in "ab":
            await brokers(b)[book].place(entry(client_id=f"ts-{book}"))
        await b.inbox.until(lambda: all(of(b.inbox, book, PositionReported) for book in "ab"))
        assert [len(of(b.inbox, book, FillReported)) for book in "ab"] == [1, 0]
        assert len((await brokers(b)["a"].snapshot(START)).fills) == 1
        for book, words in (("b", "trades"), ("c", "not among those of the login|account")):
            with pytest.raises(RetryableError, match=words):
                await brokers(b)[book].snapshot(START)


async def test_ten_accounts_that_look_at_once_do_not_hold_up_a_stop() -> None:
    """A hundred questions wait for a place in the window; a stop and a close go past all of them."""
    ten = accounts_of_a_login(10)
    books = tuple(WantedAccount(book=one.name, name=one.name) for one in ten)
    limits = RateLimits(requests=100, read_patience_s=90)
    async with bench(feed=False, books=books, accounts=ten, limits=limits) as b:
        last = b.venue.brokers[-1]
        await last.place(entry(client_id="ts-1"))
        await b.inbox.until(lambda: of(b.inbox, last.book, PositionReported))
        looks = [asyncio.create_task(one.snapshot(START)) for one in b.venue.brokers for _ in range(2)]
        await until(lambda: "waiting" in b.venue._transport.used())
        stop = entry(client_id="ts-2", side=Side.SELL, type=OrderType.STOP, stop=PRICE - 40)
        assert await last.place(stop)
        await last.close(ClosePosition(last.book, "MNQ"))
        waiting = [look for look in looks if not look.done()]
        assert len(waiting) > 5
        for look in waiting:
            look.cancel()
        await asyncio.gather(*looks, return_exceptions=True)


# -- who takes part ------------------------------------------------------------------------------------


async def test_a_book_that_comes_later_is_taken_in_and_one_that_goes_is_let_go() -> None:
    async with bench(feed=False, books=BOOKS[:1], accounts=THREE) as b:
        venue = ProjectXVenue(replace(b.venue.config, accounts=BOOKS), b.practice.now)
        inbox = Inbox()
        first, second, _ = venue.brokers
        async with running(first, inbox):
            await inbox.live("user")
            async with running(second, inbox):
                await inbox.until(lambda: LinkState.LIVE in states(inbox, "b"))
                await second.place(entry(client_id="ts-b"))
                await inbox.until(lambda: of(inbox, "b", FillReported))
            assert states(inbox, "b")[-1] is LinkState.DOWN
            await first.place(entry(client_id="ts-a"))
            await inbox.until(lambda: of(inbox, "a", FillReported))
            assert states(inbox, "a") == [LinkState.CONNECTING, LinkState.LIVE]
        await venue.close()


async def test_a_book_without_its_account_ends_alone(gateway: Gateway) -> None:
    gateway.defaults[ACCOUNTS] = samples.ok(accounts=[account(1), account(2)])
    names: dict[str, str | int] = {"a": "PRAC-V2-1-1", "b": "PRAC-V2-1-9", "c": 7001, "d": "PRAC-V2-1-2"}
    books = tuple(WantedAccount(book=book, name=name) for book, name in names.items())
    venue = venue_for(gateway, accounts=books)
    inbox = Inbox()

    def admit(event: AnyEvent) -> None:
        if isinstance(event, AccountAdopted) and event.book == "d":
            raise FatalError("d is another's")
        inbox(event)

    runs = [asyncio.create_task(broker.run(admit)) for broker in venue.brokers]
    await inbox.until(lambda: LinkState.LIVE in states(inbox, "a"))
    ended = await asyncio.gather(*runs[1:], return_exceptions=True)
    assert [str(error) for error in ended] == [
        "the login has no active account 'PRAC-V2-1-9'; it has: PRAC-V2-1-1, PRAC-V2-1-2",
        "the account PRAC-V2-1-1 is the one of the book a already",
        "d is another's",
    ]
    assert not runs[0].done()
    runs[0].cancel()
    await asyncio.gather(*runs, return_exceptions=True)


async def test_an_account_that_can_t_be_subscribed_leaves_the_others_live(gateway: Gateway) -> None:
    gateway.defaults[ACCOUNTS] = samples.ok(accounts=[account(1), account(2)])
    refuses = True
    gateway.completion = lambda _hub, target, arguments: (
        {"error": "no such account"} if refuses and arguments == [7002] else {"result": None}
    )
    books = (WantedAccount(book="a", name=7001), WantedAccount(book="b", name=7002))
    venue, inbox = venue_for(gateway, accounts=books, backoff_cap_s=0.05), Inbox()
    async with running(venue.brokers[0], inbox), running(venue.brokers[1], inbox):
        await inbox.until(lambda: states(inbox, "b")[-1:] == [LinkState.DOWN])
        assert states(inbox, "a") == [LinkState.CONNECTING, LinkState.LIVE]
        assert "no such account" in of(inbox, "b", LinkChanged)[-1].detail
        refuses = False
        await inbox.until(lambda: states(inbox, "b")[-1] is LinkState.LIVE)
        assert states(inbox, "a") == [LinkState.CONNECTING, LinkState.LIVE]
        assert len(gateway.open_hubs("user")) == 1
    await venue.close()


async def test_every_account_of_the_login_that_may_trade(gateway: Gateway) -> None:
    many = [account(n) for n in range(1, MOST_ACCOUNTS + 5)]
    many[2] |= {"canTrade": False}
    gateway.defaults[ACCOUNTS] = samples.ok(accounts=many)
    named = (WantedAccount(book="mine", name="PRAC-V2-1-5"),)
    venue = venue_for(gateway, accounts=named, every_account=True)
    books = [broker.book for broker in await venue.find_accounts()]
    assert len(books) == MOST_ACCOUNTS
    assert books[:3] == ["mine", "test-prac-v2-1-1", "test-prac-v2-1-10"]
    assert not {"test-prac-v2-1-3", "test-prac-v2-1-5"} & set(books)
    assert await venue.new_accounts() == [], "those that were left out were told"
    many[2] |= {"canTrade": True}
    many.append(account(99, canTrade=True))
    many.append(account(98, canTrade=False))
    assert await venue.new_accounts() == ["PRAC-V2-1-3", "PRAC-V2-1-99"]
    assert await venue.new_accounts() == [], "each once"
    await venue.close()


@pytest.mark.parametrize(
    ("books", "words"),
    [
        ((WantedAccount(book="a", name="x"), WantedAccount(book="a", name="y")), "the same book"),
        ((WantedAccount(book="a"), WantedAccount(book="b", name="y")), "each needs its name"),
        (tuple(WantedAccount(book=str(n), name=n) for n in range(MOST_ACCOUNTS + 1)), "are the most"),
    ],
)
async def test_accounts_that_can_t_be_told_apart(
    gateway: Gateway, books: tuple[WantedAccount, ...], words: str
) -> None:
    with pytest.raises(FatalError, match=words):
        venue_for(gateway, accounts=books)
