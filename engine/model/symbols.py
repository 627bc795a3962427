"""Names of instruments, unique in a run (docs/semantics.md#symbols)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

from engine.model.instrument import Instrument, InstrumentKind

OWN_MARKET = (InstrumentKind.PERPETUAL, InstrumentKind.SPOT)
"""What is another thing at another venue, though it is called the same. A future or a share is not."""


def named(venue: str, venue_symbol: str, listed: Collection[tuple[str, str]] = ()) -> str:
    """The name of what a venue lists: its own, with the venue where another one of those that are `listed`,
    as (venue, the venue's symbol), is called the same there: "BTCUSDT@binance".
    """
    alike = any(other != venue and symbol == venue_symbol for other, symbol in listed)
    return f"{venue_symbol}@{venue}" if alike else venue_symbol


def venue_of(symbol: str) -> str:
    """The venue that a name is bound to; empty where it is every venue's."""
    return symbol.partition("@")[2]


def priced_by(symbol: str, venues: Sequence[str]) -> tuple[str, ...]:
    """Those of a run's venues where it is traded and priced, in their order."""
    return tuple(venue for venue in venues if venue_of(symbol) in ("", venue))


def wrong_names(
    instruments: Sequence[Instrument],
    venues: Sequence[str],
    places_of: Callable[[Instrument], Sequence[str]] | None = None,
) -> Iterator[tuple[str, str]]:
    """(Symbol, what is wrong with it) where names are not unique in a run at these venues. `places_of` gives
    those where an instrument is priced; without it they are all that its name allows.
    """
    seen: dict[tuple[str, str], str] = {}
    for instrument in instruments:
        symbol, places = instrument.symbol, priced_by(instrument.symbol, venues)
        if not places:
            yield symbol, f"is bound to {venue_of(symbol)}, and the venues are {', '.join(venues)}"
            continue
        places = places if places_of is None else tuple(places_of(instrument))
        if len(places) > 1 and instrument.kind in OWN_MARKET:
            listed = [(venue, symbol) for venue in places]
            names = " or ".join(named(venue, symbol, listed) for venue in places)
            yield symbol, f"is another market at each of {', '.join(places)}: name it {names}"
            continue
        for venue in places:
            before = seen.setdefault((venue, instrument.root), symbol)
            if before != symbol:
                yield symbol, f"and {before} are the same {instrument.root} at {venue}: leave one out"
                break
