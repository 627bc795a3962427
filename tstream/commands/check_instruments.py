"""What `tstream check` says of instruments: whose terms, who prices them, until when holidays are known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from adapters.common.finding import Check
from engine.books.day_rolls import HOLIDAYS_NEEDED
from engine.market.calendars.known import calendar_of
from engine.model.instrument import CME_FUTURES, Instrument
from engine.model.symbols import venue_of
from tstream.settings.model import Settings


def of_instruments(settings: Settings, now: int) -> Iterator[Check]:
    """Findings about the instruments of the settings and the play money beside them; `now` in nanoseconds
    UTC.
    """
    table = settings.instrument_table()
    yield Check("instruments", True, "; ".join(_terms(settings, table)))
    for name in dict.fromkeys(one.calendar for one in table):
        yield _calendar(name, [one.symbol for one in table if one.calendar == name], settings, now)
    for paper in settings.papers:
        yield Check("paper", True, f"the book {paper.name}, {paper.balance_usd} USD of play money")


def _terms(settings: Settings, table: Sequence[Instrument]) -> Iterator[str]:
    own, at = settings.instruments, list(settings.active)
    plain = [one.symbol for one in table if one.symbol not in own]
    changed = [one.symbol for one in table if one.symbol in own and one.symbol in CME_FUTURES]
    new = [one.symbol for one in table if one.symbol in own and one.symbol not in CME_FUTURES]
    if plain:
        yield f"{', '.join(plain)} as tstream knows them"
    if changed:
        yield f"{', '.join(changed)} with terms of yours ([instruments])"
    if new:
        yield f"{', '.join(new)} by your terms alone ([instruments])"
    yield f"prices from {at[0]}{''.join(f', or else {venue}' for venue in at[1:])}"
    bound = [one.symbol for one in table if venue_of(one.symbol)] if len(at) > 1 else []
    if bound:
        yield f"of {', '.join(bound)} from that venue alone"


def _calendar(name: str, symbols: Sequence[str], settings: Settings, now: int) -> Check:
    """When the data of a calendar end, which practice time does not mind."""
    calendar, title = calendar_of(name), f"calendar {name}"
    until, who = calendar.known_until, ", ".join(symbols)
    if until is None:
        return Check(title, True, f"{who}; never closed, no holidays")
    left = until - calendar.trade_date(now)
    detail = f"{who}; holidays are known until {until}"
    if settings.practice or left >= HOLIDAYS_NEEDED:
        return Check(title, True, detail)
    if left.days >= 0:
        return Check(title, True, f"{detail}, {left.days} days more", "update tstream before", soon=True)
    after = (
        "nothing is entered" if settings.risk.reduce_on_unknown_days else "their holidays are yours to watch"
    )
    return Check(title, False, f"{detail}: {after}", "update tstream")
