"""The adapters of a run: which accounts they are given, and under which books."""

from __future__ import annotations

import asyncio
import logging
from decimal import Decimal

import pytest

from adapters.simulator.config import SimulatorConfig
from adapters.simulator.exchange.config import AccountSpec
from adapters.simulator.practice import PracticeVenue
from engine.model.config import BookConfig
from engine.model.events import AccountFound
from engine.model.orders import Account, AccountKind
from engine.state.state import State
from tests.projectx import samples
from tests.projectx.gateway import ACCOUNTS, Gateway
from tests.support.waits import until
from tests.tstream.conftest import Reading
from tstream.clock import RunClock
from tstream.run import venues as venues_module
from tstream.run.venues import Venues

LOGIN = "TSTREAM_VENUES__ONE__USER=practice\nTSTREAM_VENUES__ONE__KEY=canary-venues"


def state() -> State:
    """A journal that knows the account B as the venue's only one of before."""
    found = State()
    found.kept_book("one").account = Account("2", "50K-B", AccountKind.LIVE, Decimal(0), can_trade=True)
    return found


def settings(url: str, accounts: str) -> str:
    return f'[venues.one]\nkind = "projectx"\napi_url = "{url}"\nrtc_url = "{url}"\n{accounts}'


async def test_all_of_a_login_are_books_and_what_is_said_of_one_holds_for_it(reading: Reading) -> None:
    accounts = tuple(AccountSpec(id=n, name=f"50K-{letter}") for n, letter in enumerate("ABCD", 1))
    async with PracticeVenue(SimulatorConfig(key="canary-venues", accounts=accounts)) as venue:
        read = reading(
            settings(
                venue.url,
                '[[venues.one.accounts]]\nname = "all"\ncopy_ratio = 0.5\n'
                '[[venues.one.accounts]]\nname = "50K-C"\nbook = "main"\n'
                '[[venues.one.accounts]]\nname = "50K-D"\nenabled = false\n',
            ),
            LOGIN,
        ).settings
        venues = Venues(read, state(), RunClock())
        try:
            await venues.open({}, {})
        finally:
            await venues.close()
    assert [broker.book for broker in venues.brokers] == ["one-main", "one-50k-a", "one"]
    half = Decimal("0.5")
    books = {book.name: book.copy_ratio for book in venues.books}
    assert books == {"one-main": Decimal(1), "one-50k-a": half, "one": half}
    (template,) = venues.templates
    assert isinstance(template, BookConfig)
    assert (template.venue, template.copy_ratio) == ("one", half)


async def test_a_login_that_can_not_be_asked_is_tried_for_the_accounts_of_before(
    reading: Reading, caplog: pytest.LogCaptureFixture
) -> None:
    read = reading(settings("http://127.0.0.1:9", 'accounts = "all"'), LOGIN).settings
    venues = Venues(read, state(), RunClock())
    with caplog.at_level(logging.CRITICAL):
        await venues.open({}, {})
    assert [broker.book for broker in venues.brokers] == ["one"]
    assert "its accounts can't be listed" in caplog.text
    await venues.close()


async def test_an_account_that_a_login_gets_at_noon_is_told_and_left_alone(
    reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts = [samples.account(id=n, name=f"50K-{n}") for n in (1, 2, 3)]
    off = '[[venues.one.accounts]]\nname = "all"\n[[venues.one.accounts]]\nname = "50K-3"\nenabled = false\n'
    monkeypatch.setattr(venues_module, "ACCOUNTS_S", 0.0)
    async with Gateway().serve() as gateway:
        gateway.defaults[ACCOUNTS] = samples.ok(accounts=accounts[:1])
        read = reading(settings(gateway.url, off), LOGIN).settings
        venues, heard = Venues(read, State(), RunClock()), list[AccountFound]()
        await venues.open({}, {})
        watch = asyncio.create_task(venues.watch(heard.append))
        gateway.script(ACCOUNTS, samples.failed(1))  # a look that fails says nothing
        gateway.defaults[ACCOUNTS] = samples.ok(accounts=accounts)
        looks = len(gateway.calls)
        await until(lambda: heard and len(gateway.calls) > looks + 4)
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)
        await venues.close()
    assert [(one.venue, one.name) for one in heard] == [("one", "50K-2")]
    assert [broker.book for broker in venues.brokers] == ["one-50k-1"]
