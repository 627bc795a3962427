"""The connections as they were last told, and whether a book can be traded with what is up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.books.book import Book
from engine.market.quarantine import Absurd
from engine.market.sources import Switch
from engine.market.staleness import Late
from engine.model.events import LinkChanged, LinkState, SecurityTold
from engine.model.market import NANOS
from engine.model.notices import NoticeKind, Severity
from engine.signals.market_data import MarketData
from engine.state import alarms
from engine.state.alarms import Alarm
from engine.state.turn import Turn

Key = tuple[str, str, str | None]


class Links:
    """By venue, name and, where a link is one book's own (its user hub), by that book. Without a venue, or
    without a book, a link is that of all.
    """

    def __init__(self) -> None:
        self._known: dict[Key, LinkChanged] = {}
        self._since: dict[Key, int] = {}
        self._lost: dict[Key, int] = {}
        """How often a link was told to be down since it was live: all but the first are tries that failed."""

    def changed(self, event: LinkChanged, turn: Turn) -> None:
        """Take a change in, and tell people where the state is another."""
        key = event.venue, event.link, event.book
        before = self._known.get(key)
        self._known[key] = event
        if event.state is LinkState.LIVE:
            self._lost.pop(key, None)
        elif event.state is LinkState.DOWN:
            self._lost[key] = self._lost.get(key, 0) + 1
        if before is not None and before.state is event.state:
            return
        self._since[key] = turn.now
        severity = Severity.WARNING if event.state in (LinkState.DOWN, LinkState.STALE) else Severity.INFO
        if event.link == "token" and event.state is LinkState.DOWN:
            severity = Severity.CRITICAL  # only a person can mend it
        name = alarms.link(event.link, event.book, event.venue)
        ended = (name,) if event.state is LinkState.LIVE else ()
        whose = f"{event.venue} " if self._several(event) else ""
        detail = f": {event.detail}" if event.detail else ""
        turn.say(
            NoticeKind.CONNECTION,
            severity,
            f"{whose}{event.link} link {event.state.value}{detail}",
            book=event.book,
            link=event.link,
            alarm=Alarm(name) if severity is not Severity.INFO else Alarm(ended=ended),
        )

    def _several(self, event: LinkChanged) -> bool:
        """Whether links of another venue are known, so that it has to be said whose one is."""
        return bool(event.venue) and any(venue not in ("", event.venue) for venue, _, _ in self._known)

    def all(self) -> tuple[tuple[LinkChanged, int, int], ...]:
        """Every link with the time since which it is in its state, nanoseconds UTC, and how often it has been
        tried again since it was live; 0 while it is."""
        return tuple((link, self._since[key], self._lost.get(key, 0)) for key, link in self._known.items())

    def get(self, name: str, book: str | None = None, venue: str = "") -> LinkChanged | None:
        """A link by its name: the one of a book, or of all books of its venue; without a venue, of any."""
        for key in ((venue, name, book), (venue, name, None), ("", name, book), ("", name, None)):
            if key in self._known:
                return self._known[key]
        if venue:
            return None
        found = (link for (_, known, of), link in self._known.items() if known == name and of in (book, None))
        return next(found, None)

    def up(self, book: str, needed: frozenset[str], venue: str = "", source: str = "") -> bool:
        """Whether none of the links that a book's entries need is down: those of its own venue, and the
        market's of the one that prices what it would enter (`source`; empty for its own).
        """
        return not any(
            link.state is LinkState.DOWN
            for link in self._known.values()
            if link.link in needed
            and link.book in (None, book)
            and _of(link, (source or venue) if link.link == "market" else venue)
        )

    def market_stale(self, source: str = "") -> bool:
        """Whether a market link is up and silent: of one venue, or of any."""
        return any(
            link.state is LinkState.STALE
            for link in self._known.values()
            if link.link == "market" and _of(link, source)
        )


def tell_switches(switches: Sequence[Switch], turn: Turn) -> None:
    """Tell people that prices come from another venue, those of one cause at once."""
    causes = dict.fromkeys((switch.before, switch.now, switch.why) for switch in switches)
    for before, now, why in causes:
        symbols = ", ".join(s.instrument for s in switches if (s.before, s.now, s.why) == (before, now, why))
        because = f"{before}: {why}" if why else f"{now} is well again"
        severity = Severity.WARNING if why else Severity.INFO
        turn.say(NoticeKind.MARKET, severity, f"prices of {symbols} come from {now} now ({because})")


def tell_late(venues: Sequence[Late], turn: Turn) -> None:
    """Tell people whose prices come late while another venue's do not, and whose come in time again."""
    for venue, by_ns, prompt in venues:
        name = f"late prices {venue}"
        if not by_ns:
            text = f"prices of {venue} come in time again"
            turn.say(NoticeKind.MARKET, Severity.INFO, text, alarm=Alarm(ended=(name,)))
            continue
        text = (
            f"prices of {venue} come {by_ns / NANOS:.1f} s late, those of {prompt} in time: what is decided "
            f"on them is decided late. The connection to {venue}, or what it sends, is slow"
        )
        turn.say(NoticeKind.MARKET, Severity.WARNING, text, alarm=Alarm(name))


def tell_security(event: SecurityTold, turn: Turn) -> None:
    """Tell people what a door of this run has to say."""
    turn.say(NoticeKind.SECURITY, event.severity, event.text)


def tell_absurd(price: Absurd, turn: Turn) -> None:
    """Tell people of the first price of a venue and instrument that was dropped; more are counted."""
    known = turn.state.instruments[price.instrument]
    whose = f" of {price.venue}" if price.venue else ""
    beside = "" if price.last is None else f", beside {known.price(price.last)}"
    text = f"{price.instrument}: a price{whose} was dropped, {known.price(price.price)}{beside}"
    turn.say(NoticeKind.MARKET, Severity.WARNING, f"{text}; more of them are only counted", price.instrument)


def _of(link: LinkChanged, venue: str) -> bool:
    """Whether a link is that venue's; an empty name, on either side, stands for all."""
    return not venue or link.venue in ("", venue)


def heard(
    event: LinkChanged, links: Links, market: MarketData, books: Mapping[str, Book], turn: Turn
) -> None:
    """A connection changed: whoever it concerns hears of it."""
    before = links.get(event.link, event.book, event.venue)
    links.changed(event, turn)
    if event.link == "market":
        market.on_link(event)
    elif event.link == "rest" and before is not None and before.state is LinkState.DOWN:
        for book in books.values():
            if book.at(event.venue):
                book.orders.look(0)  # questions that failed meanwhile have waited long enough
    elif event.link == "user":
        for book in books.values():
            if book.spec.streamed and event.book in (None, book.name) and book.at(event.venue):
                book.orders.on_link(event.state is LinkState.LIVE)
