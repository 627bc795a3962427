"""Which venue prices an instrument now, where several could (docs/semantics.md#price-sources)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from engine.market.calendars.calendar import Calendar
from engine.market.staleness import Lateness, Staleness
from engine.model.events import (
    AnyEvent,
    BarReported,
    ContractResolved,
    Depth,
    HistoryLoaded,
    LinkChanged,
    LinkState,
    Print,
    Quote,
)
from engine.model.market import MINUTE, NANOS

AWAY_NS = 5 * NANOS
"""The venue that prices an instrument must have failed for so long before the next one takes its place."""

BACK_NS = MINUTE
"""A preferred venue must have been well for so long, without a break, before it is gone back to."""

LOOK_NS = NANOS
_NEVER = 1 << 63


class Switch(NamedTuple):
    """From now on another venue prices an instrument."""

    instrument: str
    before: str
    now: str
    why: str
    """What is wrong with the one before; empty where a preferred one is well again."""


class Sources:
    """By instrument, the venues that price it in the order of preference; the active one alone counts.

    Nothing is looked at where every instrument has one source at the most.
    """

    def __init__(
        self, wanted: Mapping[str, Sequence[str]], stale_ns: int, calendars: Mapping[str, Calendar]
    ) -> None:
        self._wanted = {symbol: tuple(venues) for symbol, venues in wanted.items() if venues}
        self._active = {symbol: venues[0] for symbol, venues in self._wanted.items()}
        self._choices = {symbol: venues for symbol, venues in self._wanted.items() if len(venues) > 1}
        self._links: dict[str, LinkState] = {}
        self._heard = {
            venue: Staleness(stale_ns, calendars) for venues in self._choices.values() for venue in venues
        }
        self._delayed: set[str] = set()
        """Venues whose prices come as minutes, late, and are meant to."""
        self._well_since: dict[tuple[str, str], int] = {}
        self._failing_since: dict[str, int] = {}
        self.lateness = Lateness()
        self._several = len({venue for venues in self._wanted.values() for venue in venues}) > 1
        self.chosen = bool(self._wanted)
        """Prices are told apart by their venue."""
        self.due = 0 if self._choices else _NEVER
        """The core's now by which to look again, nanoseconds UTC."""
        self.switches = 0

    def stale_after(self, stale_ns: int) -> None:
        """A venue whose prices are silent for so long has failed, from now on."""
        for heard in self._heard.values():
            heard.after(stale_ns)

    def active(self, instrument: str) -> str:
        """The venue whose prices count; empty where any venue's do."""
        return self._active.get(instrument, "")

    def lists(self, venue: str, instrument: str) -> bool:
        """Whether a book at a venue can trade an instrument: it is priced there, or nobody says where. A
        book without a venue, inside tstream, trades whatever is priced.
        """
        venues = self._wanted.get(instrument)
        return not venue or venues is None or venue in venues

    def priced_by(self, venue: str, instrument: str) -> bool:
        """Whether what a venue says of the market counts now."""
        active = self._active.get(instrument)
        return active is None or not venue or venue == active

    def delayed(self, instrument: str) -> bool:
        """Whether what prices an instrument now comes late, and is meant to."""
        active = self._active.get(instrument, "")
        return active in self._delayed if active else bool(self._delayed)

    def counts(self, event: AnyEvent, now: int) -> bool:
        """Whether an event counts: of the market, the active venue's alone do. That another one speaks is
        remembered.
        """
        match event:
            case Quote() | Print() | BarReported():
                heard = self._heard.get(event.venue)
                if heard is not None:
                    heard.seen(event.instrument, now)
                if self._several and event.ts_venue and event.venue not in self._delayed:
                    self.lateness.seen(event.venue, now - event.ts_venue)
                return self.priced_by(event.venue, event.instrument)
            case Depth() | HistoryLoaded():
                return self.priced_by(event.venue, event.instrument)
            case ContractResolved():
                return self.priced_by(event.venue, event.instrument.symbol)
        return True

    def heard(self, instrument: str, now: int) -> int | None:
        """When the active venue was last heard, where there is a choice."""
        heard = self._heard.get(self.active(instrument))
        age = None if heard is None else heard.age(instrument, now)
        return None if age is None else now - age

    def on_link(self, event: LinkChanged) -> None:
        """The market link of a venue changed."""
        for venue in (event.venue,) if event.venue else tuple(self._heard):
            self._links[venue] = event.state
            for symbol in self._choices if venue in self._heard else ():
                self._heard[venue].delay(symbol, delayed=event.delayed)
        (self._delayed.add if event.delayed else self._delayed.discard)(event.venue)
        if self._choices:
            self.due = 0

    def look(self, now: int, wall: int) -> Sequence[Switch]:
        """Who prices what from now on, where that is another; the calendar goes by `wall`."""
        self.due = now + LOOK_NS
        found = [self._look(symbol, now, wall) for symbol in self._choices]
        switches = [switch for switch in found if switch is not None]
        for switch in switches:
            self._active[switch.instrument] = switch.now
            self._failing_since.pop(switch.instrument, None)
            self.switches += 1
        return switches

    def _look(self, symbol: str, now: int, wall: int) -> Switch | None:
        wrong = {venue: self._wrong(venue, symbol, now, wall) for venue in self._choices[symbol]}
        for venue, why in wrong.items():
            if why:
                self._well_since.pop((symbol, venue), None)
            else:
                self._well_since.setdefault((symbol, venue), now)
        active = self._active[symbol]
        if not wrong[active]:
            self._failing_since.pop(symbol, None)
            for venue in wrong:
                if venue == active:
                    return None
                if now - self._well_since.get((symbol, venue), now) >= BACK_NS:
                    return Switch(symbol, active, venue, "")
        elif now - self._failing_since.setdefault(symbol, now) >= AWAY_NS:
            for venue, why in wrong.items():
                if not why:
                    return Switch(symbol, active, venue, wrong[active])
        return None

    def _wrong(self, venue: str, symbol: str, now: int, wall: int) -> str:
        """Why a venue can't price an instrument now; empty where it can."""
        link = self._links.get(venue, LinkState.CONNECTING)
        if link is not LinkState.LIVE:
            return f"its market link is {link.value}"
        return "it is silent" if self._heard[venue].stale(symbol, now, wall) else ""
