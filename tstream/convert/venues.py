"""From the settings of a venue to what its adapter is made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from adapters.common.secret import Secret
from engine.model.instrument import Instrument
from engine.ports import Clock
from tstream.convert.books import WantedBook, wanted_books
from tstream.settings.model import Settings
from tstream.venues.kind import AskedBook, Credentials, Listening, VenueAsked


def venue_asked(
    settings: Settings, name: str, clock: Clock, wanted: Sequence[WantedBook] | None = None
) -> VenueAsked:
    """A venue of the settings. `wanted` are the books there; None takes those that the settings name. Where
    it is a practice venue, `on_practice` says where that listens.
    """
    venue = settings.venues[name]
    login = settings.login(name)
    return VenueAsked(
        name=name,
        at=venue.place,
        instruments=_by_symbol(settings, name),
        clock=clock,
        login=Credentials(login.user, *(Secret(one.get_secret_value) for one in login[1:])),
        books=tuple(map(asked_book, wanted_books(settings, name) if wanted is None else wanted)),
        every_account=venue.all_accounts is not None,
        left_out=frozenset(one.name for one in venue.accounts if not one.enabled),
        api_url=venue.api_url,
        rtc_url=venue.rtc_url,
        retry_s=venue.retry_seconds,
    )


def asked_book(book: WantedBook) -> AskedBook:
    return AskedBook(book.book, book.account)


def on_practice(asked: VenueAsked, listening: Listening, speed: float = 1.0) -> VenueAsked:
    """The same at the practice venue that listens, whose time runs `speed` times faster than ours."""
    return replace(
        asked,
        clock=listening.clock,
        login=listening.login,
        api_url=listening.url,
        rtc_url=listening.url,
        speed=speed,
    )


def _by_symbol(settings: Settings, venue: str) -> Mapping[str, Instrument]:
    """What is traded there."""
    return {one.symbol: one for one in settings.instrument_table() if venue in settings.priced_at(one)}
