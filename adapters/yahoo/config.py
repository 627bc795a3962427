"""What is asked of Yahoo, how often, and as whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.model.instrument import Instrument, InstrumentKind

HOSTS = ("https://query1.finance.yahoo.com", "https://query2.finance.yahoo.com")
COOKIE_URL = "https://fc.yahoo.com"
"""Answers 404 as a rule, and sets the cookie all the same."""

USER_AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"
)
"""A browser's: clients that name themselves are turned away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Polling:
    """Waits, in seconds of the real clock."""

    every_s: float = 20.0
    """Between two questions about one instrument: a minute is known so long after its end at the most."""
    apart_s: float = 1.0
    """Between any two questions."""
    settle_s: float = 3.0
    """After its end a minute may still be told with less volume than it had: so long nobody asks."""
    read_s: float = 15.0
    """Until an answer is here."""
    limited_first_s: float = 60.0
    """After a 429 that names no time; twice as long after each further one."""
    limited_cap_s: float = 1800.0
    failed_first_s: float = 5.0
    """The same for any other failure."""
    failed_cap_s: float = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class YahooConfig:
    instruments: Mapping[str, Instrument]
    """What is priced, by symbol."""
    symbols: Mapping[str, str] = field(default_factory=dict)
    """Yahoo's names where they are not the usual ones: {"DAX": "^GDAXI"}."""
    venue: str = "yahoo"
    """Its name in the settings and in every event."""
    hosts: tuple[str, ...] = HOSTS
    """Base URLs that answer alike: where one fails the next is asked."""
    cookie_url: str = COOKIE_URL
    user_agent: str = USER_AGENT
    extended_hours: bool = False
    """Shares before and after the session too."""
    polling: Polling = field(default_factory=Polling)

    def name_of(self, instrument: Instrument) -> str:
        """What Yahoo calls an instrument."""
        return self.symbols.get(instrument.symbol) or usual_name(instrument)


def usual_name(instrument: Instrument) -> str:
    """ "MNQ=F" of a future, its front month; "BTC-USD" of a coin; a share as it is."""
    symbol = instrument.symbol.partition("@")[0]
    match instrument.kind:
        case InstrumentKind.FUTURE:
            return f"{symbol}=F"
        case InstrumentKind.EQUITY:
            return symbol.replace(".", "-")
    base = instrument.base or symbol.removesuffix(".P").removesuffix(instrument.currency).rstrip("-/")
    return f"{base}-{instrument.currency}"
