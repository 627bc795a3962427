"""Interactive Brokers, through TWS or IB Gateway on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from adapters.common.finding import Check
from engine.model.errors import FatalError
from engine.model.instrument import InstrumentKind
from engine.model.orders import Account, Capabilities
from engine.ports import OpenVenue
from tstream.venues.ibkr_practice import IbTwinPractice
from tstream.venues.kind import AccountCheck, VenueAsked, VenueKind

if TYPE_CHECKING:
    from adapters.ibkr.config import IbkrConfig

PORT = 7497
"""Of TWS in paper trading, as it is installed."""


def config_of(asked: VenueAsked) -> IbkrConfig:
    """What the adapter wants to know; `api_url` is where TWS listens. Raises FatalError for several books."""
    from adapters.ibkr.config import IbkrConfig, IbWaits

    if len(asked.books) > 1:
        raise FatalError(f"{asked.name}: one account of a TWS is traded, and {len(asked.books)} are named")
    where = urlsplit(asked.api_url or f"http://127.0.0.1:{PORT}")
    return IbkrConfig(
        instruments=asked.instruments,
        host=where.hostname or "127.0.0.1",
        port=where.port or PORT,
        account=asked.books[0].account if asked.books else "",
        book=asked.books[0].book if asked.books else "",
        venue=asked.name,
        waits=IbWaits(backoff_cap_s=asked.retry_s, backoff_first_s=min(0.5, asked.retry_s)),
    )


def make(asked: VenueAsked) -> OpenVenue:
    from adapters.ibkr.venue import IbkrVenue

    return IbkrVenue(config_of(asked), asked.clock)


async def probe(asked: VenueAsked, about: AccountCheck) -> Sequence[Check]:
    from adapters.ibkr.probe import probe as look

    try:
        config = config_of(asked)
    except FatalError as error:
        return [Check("account", False, str(error), "name one account")]
    return await look(config, asked.clock, about)


async def accounts(asked: VenueAsked) -> Sequence[Account]:
    """The one that is named, or the login's only one of paper trading. Raises PortError."""
    from adapters.ibkr.probe import account_of

    return [await account_of(config_of(asked), asked.clock)]


IBKR = VenueKind(
    name="ibkr",
    about="Interactive Brokers",
    make=make,
    probe=probe,
    accounts=accounts,
    capabilities=Capabilities(native_brackets=False),
    markets=frozenset({InstrumentKind.FUTURE, InstrumentKind.EQUITY}),
    live_by=("api_url", "accounts"),
    may_say=("api_url",),
    practice=IbTwinPractice(),
)
