"""The adapter of a venue's kind, made as a run makes it, of plain values that go to another process, too."""

from __future__ import annotations

from msgspec import Struct

from adapters.common.secret import Secret
from engine.model.instrument import Instrument
from engine.ports import Clock, OpenVenue
from tstream.venues.kind import NO_CREDENTIALS, AskedBook, At, Credentials, VenueAsked
from tstream.venues.known import kind


class Door(Struct, frozen=True):
    """Where a twin is, and who comes in."""

    kind: str
    url: str
    instrument: Instrument
    login: tuple[str, str, str] | None = None
    """Key, secret and passphrase of play money; None where nobody asks."""
    speed: float = 1.0


def adapter(door: Door, clock: Clock) -> OpenVenue:
    """The adapter, with one book that is called like the kind."""
    login = NO_CREDENTIALS if door.login is None else Credentials("practice", *map(Secret, door.login))
    return kind(door.kind).make(
        VenueAsked(
            name=door.kind,
            at=At.LIVE if door.login is None else At.PRACTICE,
            instruments={door.instrument.symbol: door.instrument},
            clock=clock,
            login=login,
            books=(AskedBook(door.kind),),
            api_url=door.url,
            speed=door.speed,
            retry_s=2.0 if door.speed > 1 else 30.0,
        )
    )
