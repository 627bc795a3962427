"""The adapters of a run: which accounts they are given, and under which books."""

from __future__ import annotations

import logging
from decimal import Decimal

import pytest

from adapters.simulator.config import SimulatorConfig
from adapters.simulator.exchange.config import AccountSpec
from adapters.simulator.practice import PracticeVenue
from engine.model.config import BookConfig
from engine.model.orders import Account, AccountKind
from engine.state.state import State
from tests.tstream.conftest import Reading
from tstream.clock import RunClock
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
