"""Checks Yahoo from the command line: one finding for each instrument."""

from __future__ import annotations

from adapters.common.finding import Check
from adapters.common.redaction import scrub
from adapters.yahoo.config import YahooConfig
from adapters.yahoo.mapping import scale_of
from adapters.yahoo.venue import YahooVenue
from adapters.yahoo.wire import ChartError
from engine.model.errors import PortError, RefusedError
from engine.model.instrument import Instrument
from engine.model.market import MINUTE, NANOS
from engine.ports import Clock


async def probe(config: YahooConfig, clock: Clock) -> list[Check]:
    """Ask once for each instrument. Ends at the first failure that is not about one of them. Raises
    nothing.
    """
    venue = YahooVenue(config, clock)
    found: list[Check] = []
    try:
        for instrument in config.instruments.values():
            found.append(await _instrument(venue, instrument, clock))
    except PortError as error:
        found.append(
            Check(
                "prices",
                False,
                str(error),
                "Yahoo turns away whom it takes for a program: try again in an hour, or from another address",
            )
        )
    finally:
        await venue.close()
    return found


async def _instrument(venue: YahooVenue, instrument: Instrument, clock: Clock) -> Check:
    """Raises RetryableError."""
    name = venue.config.name_of(instrument)
    title = f"prices of {instrument.symbol}"
    try:
        result = await venue.feed.look(instrument)
        scale_of(result, instrument)
    except RefusedError as error:
        return Check(
            title, False, str(error), f"set venues.{venue.config.venue}.symbols to Yahoo's name of it"
        )
    except ChartError as error:
        return Check(title, False, f"{name} {error}", "set the instrument's currency, or another symbol")
    about = result.meta
    age = clock() - about.regular_market_time * NANOS
    last = f"last trade {age // MINUTE} min ago" if about.regular_market_time else "no trade is told"
    where = scrub(about.full_exchange_name or about.exchange_name or "an exchange it does not name")
    return Check(title, True, f"{name} of {where} in {scrub(about.currency or '?')}, {last}; always late")
