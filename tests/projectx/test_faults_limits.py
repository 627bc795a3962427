"""Gateways that want to be left alone, or take no login: what still goes out, and what people are told."""

from __future__ import annotations

import asyncio
from itertools import groupby

import pytest

from adapters.common import rate_budget
from adapters.common.rate_budget import Priority, RateBudget
from adapters.projectx.config import LastKnown
from engine.model.effects import CancelOrder, ClosePosition
from engine.model.errors import RetryableError
from engine.model.events import LinkState
from tests.projectx import samples
from tests.projectx.conftest import NOW, entry, running, trading, venue_for
from tests.projectx.gateway import (
    ACCOUNTS,
    AVAILABLE,
    CANCEL,
    CLOSE,
    LOGIN,
    PLACE,
    POSITIONS,
    TRADES,
    VALIDATE,
    Gateway,
    Status,
)
from tests.support.virtual_loop import play
from tests.support.waits import Inbox

A_DAY = Status(429, "", {"Retry-After": "86400"})
NO_MORE = Status(429, "")
SINCE = NOW - 3600 * 10**9
OURS = CancelOrder("test", "t", "900", "MNQ")


async def test_f40_a_pause_of_a_day_is_a_minute_and_the_link_says_so(gateway: Gateway, inbox: Inbox) -> None:
    venue = venue_for(gateway)
    async with trading(gateway, venue, inbox):
        gateway.script(TRADES, A_DAY)
        with pytest.raises(RetryableError, match="waiting 60 s"):
            await venue.rest.trades(1, NOW)
        down = inbox.links("rest")[-1]
        assert (down.state, down.detail) == (
            LinkState.DOWN,
            "the gateway wants no requests for 60 s (HTTP 429): no question and no entry goes out, cancels,"
            " closes and protection are still tried",
        )
        with pytest.raises(RetryableError, match="the request was not sent"):
            await venue.brokers[0].snapshot(SINCE)
        with pytest.raises(RetryableError, match="the request was not sent"):
            await venue.brokers[0].place(entry())
        await venue.brokers[0].cancel(OURS)
        # What was done shows that the gateway works again.
        assert inbox.states("rest")[-1] is LinkState.LIVE
        await venue.brokers[0].snapshot(SINCE)
    assert (len(gateway.bodies(PLACE)), len(gateway.bodies(CANCEL))) == (0, 1)


async def test_f40_after_the_pause_the_gateway_is_asked_by_itself(
    gateway: Gateway, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_budget, "LONGEST_HOLD_S", 0.05)
    venue = venue_for(gateway, tell_s=0.01)
    async with venue.opened(inbox):
        gateway.script(TRADES, A_DAY)
        with pytest.raises(RetryableError):
            await venue.rest.trades(1, NOW)
        await inbox.until(lambda: inbox.states("rest")[-1] is LinkState.LIVE)
    changes = [state for state, _ in groupby(inbox.states("rest"))]
    assert changes == [LinkState.LIVE, LinkState.DOWN, LinkState.LIVE]
    assert len(gateway.bodies(TRADES)) == 1


@pytest.mark.parametrize("named", ["tomorrow", "-5", "1e9", "²", "9" * 13, ""])
async def test_f40_a_pause_that_is_no_number_of_seconds_counts_as_none_named(
    gateway: Gateway, inbox: Inbox, named: str
) -> None:
    venue = venue_for(gateway)
    gateway.script(TRADES, Status(429, "", {"Retry-After": named}))
    with pytest.raises(RetryableError, match="waiting 5 s"):
        await venue.rest.trades(1, NOW)
    await venue.close()


def limits() -> RateBudget:
    return RateBudget(100, 60, share=1, left_above={}, most={Priority.QUERY: 1 / 3})


async def elapsed(budget: RateBudget, priority: Priority) -> float:
    loop = asyncio.get_running_loop()
    began = loop.time()
    await budget.take(priority, 1000)
    return loop.time() - began


def test_f40_f61_strikes_within_a_hold_are_one_and_a_success_ends_it() -> None:
    async def scenario() -> None:
        budget, loop = limits(), asyncio.get_running_loop()
        early = loop.time() - 1
        assert [round(budget.limited(None)) for _ in range(3)] == [5, 5, 5]
        assert await elapsed(budget, Priority.QUERY) == pytest.approx(5)
        assert budget.limited(None) == 15, "the second in a row"
        assert budget.limited(20) == 20, "what is named counts"
        assert budget.limited(86_400) == 60
        budget.worked(early)
        assert budget.held_s() == 60, "an answer to what went out before says nothing"
        budget.worked(loop.time())
        assert (budget.held_s(), await elapsed(budget, Priority.QUERY)) == (0, 0)
        assert budget.limited(None) == 5, "a success ends the row"
        # What takes risk away is tried all the while.
        assert await elapsed(budget, Priority.CLOSE) < 0.5

    play(scenario())


async def test_f61_three_refusals_of_a_login_hold_nothing_back_once_it_works(
    gateway: Gateway, inbox: Inbox
) -> None:
    gateway.script(LOGIN, NO_MORE, NO_MORE, NO_MORE)
    venue = venue_for(gateway)
    async with trading(gateway, venue, inbox):
        await venue.brokers[0].snapshot(SINCE)
    assert len(gateway.bodies(LOGIN)) == 4


LAST = LastKnown(account_id="7001", account_name="PRAC-V2-1-1", contracts={"MNQ": samples.OLD_MNQ})


@pytest.mark.parametrize(
    ("wanted", "closes"), [(None, True), ("PRAC-V2-1-1", True), (7001, True), ("PRAC-V2-B", False)]
)
async def test_f61_without_queries_the_account_of_the_journal_is_closed(
    gateway: Gateway, inbox: Inbox, wanted: str | int | None, closes: bool
) -> None:
    gateway.defaults |= dict.fromkeys((ACCOUNTS, AVAILABLE, POSITIONS), A_DAY)
    venue = venue_for(gateway, last=LAST, account=wanted)
    async with running(venue.brokers[0], inbox):
        await inbox.until(lambda: LinkState.DOWN in inbox.states("rest"))
        with pytest.raises(RetryableError, match="no account is adopted yet"):
            await venue.brokers[0].place(entry())
        if closes:
            await venue.brokers[0].close(ClosePosition("test", "MNQ"))
            await venue.brokers[0].cancel(OURS)
        else:
            with pytest.raises(RetryableError, match="no account is adopted yet"):
                await venue.brokers[0].close(ClosePosition("test", "MNQ"))
    place = {"accountId": samples.ACCOUNT, "contractId": samples.OLD_MNQ}
    assert gateway.bodies(CLOSE) == ([place] if closes else [])
    assert len(gateway.bodies(CANCEL)) == int(closes)
    assert gateway.bodies(PLACE) == []


async def test_f62_what_closes_tries_a_refused_login_long_before_the_rest(
    gateway: Gateway, inbox: Inbox
) -> None:
    venue = venue_for(gateway, refused_first_s=0.05, refused_pause_s=300)
    async with trading(gateway, venue, inbox):
        gateway.defaults[LOGIN] = samples.failed(3, token=None)
        gateway.tokens.clear()
        for _ in range(8):  # so often refused that the rest waits for seconds
            venue.session._refused_at = 0.0
            with pytest.raises(RetryableError):
                await venue.rest.accounts()
        asked = len(gateway.bodies(LOGIN))
        with pytest.raises(RetryableError, match="login refused"):
            await venue.brokers[0].snapshot(SINCE)
        with pytest.raises(RetryableError, match="login refused"):
            await venue.brokers[0].cancel(OURS)
        assert len(gateway.bodies(LOGIN)) == asked, "not more often than that"
        del gateway.defaults[LOGIN]
        with pytest.raises(RetryableError, match="login refused"):
            await venue.rest.accounts()

        async def closed() -> bool:
            try:
                await venue.brokers[0].close(ClosePosition("test", "MNQ"))
            except RetryableError:
                return False
            return True

        async with asyncio.timeout(5):
            while not await closed():  # noqa: ASYNC110 - the wait is what is looked at
                await asyncio.sleep(0.01)
        assert len(gateway.bodies(LOGIN)) == asked + 1
        await venue.brokers[0].snapshot(SINCE)


async def test_f62_a_look_that_a_flatten_waits_for_is_as_urgent(gateway: Gateway, inbox: Inbox) -> None:
    venue = venue_for(gateway, refused_first_s=0.0, refused_pause_s=300)
    async with trading(gateway, venue, inbox):
        gateway.script(LOGIN, samples.failed(3, token=None))
        gateway.tokens.clear()
        with pytest.raises(RetryableError, match="login refused"):
            await venue.brokers[0].snapshot(SINCE)
        assert (await venue.brokers[0].snapshot(SINCE, urgent=True)).positions == ()


async def test_f62_the_notice_says_when_the_next_try_comes(gateway: Gateway, inbox: Inbox) -> None:
    venue = venue_for(gateway, refused_first_s=20, refused_pause_s=300)
    async with venue.opened(inbox):
        await venue.session.token()
        gateway.defaults[LOGIN] = samples.failed(3, token=None)
        gateway.defaults[VALIDATE] = samples.failed(1, newToken=None)
        for expected in (
            "the next try comes in 20 s",
            "the next try comes in 40 s, in 20 s for what closes and what you ask for",
            "the next try comes in 80 s, in 20 s for what closes and what you ask for",
        ):
            venue.session._refused_at = 0.0
            with pytest.raises(RetryableError):
                await venue.session.freshen()
            told = inbox.links("token")[-1]
            assert told.state is LinkState.DOWN
            assert told.detail.endswith(f"check user name and API key; {expected}")


def test_f63_questions_take_a_third_of_the_budget_and_a_flattens_go_first() -> None:
    async def scenario() -> None:
        budget = limits()
        for _ in range(33):
            assert await elapsed(budget, Priority.QUERY) == 0
        with pytest.raises(RetryableError, match="the request was not sent"):
            await budget.take(Priority.QUERY, 1)
        waiting = asyncio.create_task(elapsed(budget, Priority.QUERY))
        await asyncio.sleep(0)
        assert await elapsed(budget, Priority.VERIFY) == 0
        assert await elapsed(budget, Priority.ENTRY) == 0
        assert await waiting == pytest.approx(60)

    play(scenario())


async def test_f63_a_look_of_a_flatten_is_not_held_up_by_all_other_looks(
    gateway: Gateway, inbox: Inbox
) -> None:
    venue = venue_for(gateway)
    async with trading(gateway, venue, inbox):
        for _ in range(8):
            await venue.brokers[0].snapshot(SINCE)
        with pytest.raises(RetryableError, match="the request was not sent"):
            await asyncio.gather(*(venue.brokers[0].snapshot(SINCE) for _ in range(4)))
        assert len(gateway.bodies(TRADES)) <= 11
        assert (await venue.brokers[0].snapshot(SINCE, urgent=True)).positions == ()
        await venue.brokers[0].place(entry())
