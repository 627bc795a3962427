"""Messages of alert rooms: each revision is read once, and becomes a trade, a change of one, or a reason.

A message that the journal knows is never traded again: two paths, a reconnect or a restart make no second
order (docs/alerts.md#edits-and-deletions, F30). A text is data: parsed, compared, shown in part, no more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from engine.books import amend
from engine.books.alert_terms import entry_terms
from engine.books.book import Book
from engine.books.entries import EntryTerms
from engine.model import records as r
from engine.model.alerts import Reason, Terms, Verdict, origin
from engine.model.events import AlertKind, AlertReceived
from engine.model.instrument import Instrument
from engine.model.market import NANOS
from engine.model.notices import NoticeKind, Severity
from engine.model.plans import Idea
from engine.model.rooms import AfterFill, AlertRoom
from engine.signals.market_data import MarketData
from engine.state.alerts import AlertState
from engine.state.state import PlanState
from engine.state.turn import Turn
from engine.strategies.alerts import rooms, sanity
from engine.strategies.alerts.alert import Alert, Parser, Unread
from engine.strategies.alerts.text import UNSAID, excerpt, said, taken_back


class Waiting(NamedTuple):
    """An amended entry: it is made once the old one is certainly gone."""

    room: AlertRoom
    terms: Terms
    posted_ts: int


class AlertTrading:
    """The rooms of one run. What waits here is not in the journal: after a restart it is not entered."""

    def __init__(
        self,
        configured: tuple[AlertRoom, ...],
        parsers: Mapping[str, Parser],
        instruments: Mapping[str, Instrument],
        turn: Turn,
        books: Mapping[str, Book],
        market: MarketData,
        consider: Callable[[Book, Idea, EntryTerms], None],
    ) -> None:
        """`consider` puts an idea of a room through the gate of one book. Raises as `follow`."""
        self._plug_ins = parsers
        self._instruments = instruments
        self.follow(configured)
        self._turn = turn
        self._books = books
        self._market = market
        self._consider = consider
        self.parser_error: Exception | None = None
        """What a room's parser raised last; its message counts as unread."""
        self._waiting: dict[tuple[str, str], Waiting] = {}

    def follow(self, configured: tuple[AlertRoom, ...]) -> None:
        """Trade the rooms so from now on. Raises RoomError where one can't be, and nothing is changed."""
        rooms.check(configured, self._instruments, self._plug_ins)
        parsers = {room.name: rooms.parser_of(room, self._plug_ins) for room in configured}
        self.rooms, self._parsers = {room.name: room for room in configured}, parsers

    @property
    def waits(self) -> bool:
        """Whether `tend` may have something to do."""
        return bool(self._waiting)

    def take(self, event: AlertReceived) -> None:
        """Read a message as it came: new, changed or gone."""
        key = origin(event.room, event.message_id)
        known = self._turn.state.alerts.get(key)
        if known is not None and event.revision in known.revisions:
            self._turn.counts["alerts read again"] += 1
            return
        room = self.rooms.get(event.room)
        if room is None:
            self._write(event, Verdict.UNREAD, Unread(Reason.UNKNOWN_ROOM))
        elif known is not None and _overtaken(event, known):
            self._write(event, Verdict.IGNORED, Unread(Reason.SEEN))
        elif event.kind is AlertKind.DELETED:
            self._deleted(event, key)
        else:
            self._read(room, event, key, known)

    def tend(self) -> None:
        """Make amended entries whose predecessor is gone; cheap while there is none."""
        for (key, name), waiting in list(self._waiting.items()):
            found = [plan for one, plan in self._open(key) if one.name == name]
            if found and not amend.entered(found[0]):
                continue
            del self._waiting[key, name]
            book = self._books[name]
            known = self._turn.state.alerts.get(key)
            if found:
                change = self._follow(waiting.room, book, found[0], None, waiting.terms)
                if change.legs is not None:
                    self._change(book, found[0], change)
                self._say(waiting, book, "the entry was filled before it could be taken back")
            elif known is None or known.deleted or known.book(name).entered:
                self._say(waiting, book, "its trade is over")
            else:
                why = self._make(waiting, book, key)
                if why is not None:
                    self._say(waiting, book, why.text)

    # --- revisions -------------------------------------------------------------------------------------

    def _read(self, room: AlertRoom, event: AlertReceived, key: str, known: AlertState | None) -> None:
        parsed = self.parse(room, event.text)
        read: Terms | Unread = (
            parsed if isinstance(parsed, Unread) else sanity.terms(parsed, room, self._instruments)
        )
        if any(self._open(key)):
            self._edited(room, event, key, known, parsed, read)
            return
        self._drop(key)
        if known is not None and known.filled:
            self._write(event, Verdict.IGNORED, detail="its trade is over")
        elif isinstance(parsed, Unread):
            self._write(event, Verdict.UNREAD, parsed)
        elif isinstance(read, Unread):
            self._write(event, Verdict.REFUSED, read)
        else:
            self._begin(room, event, key, read, _beyond(parsed))

    def _begin(self, room: AlertRoom, event: AlertReceived, key: str, terms: Terms, beyond: str) -> None:
        """An alert without a trade: put it to every book that follows the room. `beyond` is what of it can't
        be traded, in words.
        """
        books = [
            book for book in self._books.values() if room.follows(book.name) and book.config.takes(room.name)
        ]
        why = self._against(room, event, key, terms, bool(books))
        reference = self.reference(room, terms) if why is None else why
        if isinstance(reference, Unread):
            self._write(event, Verdict.REFUSED, reference, terms=terms)
            return
        self._write(event, Verdict.TRADED, detail=beyond, terms=terms)
        idea = sanity.idea(terms, room, key, reference, self._turn.wall)
        for book in books:
            self._consider(book, idea, entry_terms(book, room, terms))

    def _against(
        self, room: AlertRoom, event: AlertReceived, key: str, terms: Terms, followed: bool
    ) -> Unread | None:
        """What speaks against an alert, whatever the market does."""
        age = self._age(event.posted_ts)
        if event.caught_up or age > room.max_age_ns:
            old = f"{age // NANOS} s, allowed {room.max_age_ns // NANOS}"
            return Unread(
                Reason.EXPIRED, old if age > room.max_age_ns else "it was missed, or its age is not told"
            )
        return self.standing(room, key, terms, followed=followed)

    def standing(self, room: AlertRoom, key: str, terms: Terms, *, followed: bool) -> Unread | None:
        """The same of an alert that is new. Changes nothing."""
        if self._copies(room, key, terms):
            return Unread(Reason.SEEN, "the same trade came in another message")
        traded = self._turn.state.room_trades.get(room.name, 0)
        if 0 < room.max_trades <= traded:
            return Unread(Reason.ROOM_LIMIT, f"{traded} traded, allowed {room.max_trades}")
        return None if followed else Unread(Reason.NO_BOOK)

    def _copies(self, room: AlertRoom, key: str, terms: Terms) -> bool:
        """Whether the same trade was just taken from another message of the room, which still stands."""
        oldest = self._turn.now - room.repeat_ns
        return any(
            other.room == room.name
            and other.ts >= oldest
            and other.terms is not None
            and other.terms.same_trade(terms)
            and other.traded
            and (other.filled or not other.deleted)
            for name, other in self._turn.state.alerts.items()
            if name != key
        )

    def _edited(
        self,
        room: AlertRoom,
        event: AlertReceived,
        key: str,
        known: AlertState | None,
        parsed: Alert | Unread,
        read: Terms | Unread,
    ) -> None:
        """Another text for a message whose trade is being entered, or is open, perhaps each in some book."""
        before = known.terms if known is not None else None
        late = event.caught_up or self._age(event.posted_ts) > room.max_age_ns
        back: list[tuple[Book, PlanState]] = []
        changes: list[tuple[Book, PlanState, amend.Followed]] = []
        left: dict[str, None] = {}
        running = read
        if isinstance(parsed, Alert):
            running = sanity.terms(parsed, room, self._instruments, running=True)
        for book, found in self._open(key):
            if not amend.entered(found):
                if isinstance(read, Unread) or read != before:
                    back.append((book, found))
            elif isinstance(running, Unread):
                left["the trade is open and stays as it is"] = None
                if amend.entering(book.state, found):
                    back.append((book, found))
            elif running != before:
                change = self._follow(room, book, found, before, running)
                changes += [(book, found, change)] if change.legs is not None else []
                left |= dict.fromkeys(change.left)
        why = read if isinstance(read, Unread) else None
        again = back and why is None and not late
        if back and why is None and late:
            why = Unread(Reason.EXPIRED)
        if again:
            verdict = Verdict.AMENDED
        elif back:
            verdict = Verdict.CANCELLED
        else:
            verdict = Verdict.FOLLOWED if changes else Verdict.IGNORED
        if verdict is Verdict.FOLLOWED:
            why = None
        nothing = "nothing in it changes the trade" if verdict is Verdict.IGNORED else ""
        detail = "; ".join(left) or nothing or _beyond(parsed)
        wanted = running if isinstance(running, Terms) else None
        self._write(event, verdict, why, detail=detail, terms=wanted)
        for book, found in back:
            self._waiting.pop((key, book.name), None)
            if again and isinstance(read, Terms):
                self._waiting[key, book.name] = Waiting(room, read, event.posted_ts)
            book.orders.resting.take_back(found)
        for book, found, change in changes:
            self._change(book, found, change)

    def _deleted(self, event: AlertReceived, key: str) -> None:
        found = list(self._open(key))
        back = [(book, plan) for book, plan in found if amend.entering(book.state, plan)]
        held = any(amend.entered(plan) for _, plan in found)
        self._write(
            event,
            Verdict.CANCELLED if back else Verdict.IGNORED,
            detail="the trade is open and stays as it is" if held else "",
        )
        self._drop(key)
        for book, plan in back:
            book.orders.resting.take_back(plan)

    # --- parts -----------------------------------------------------------------------------------------

    def _drop(self, key: str) -> None:
        """Whatever waits of a message has been overtaken."""
        for waiting in [waiting for waiting in self._waiting if waiting[0] == key]:
            del self._waiting[waiting]

    def parse(self, room: AlertRoom, raw: str, *, quiet: bool = False) -> Alert | Unread:
        """What the message says, whoever reads it: nothing that is struck through, hidden or taken back.
        `quiet`: a parser that fails is nobody's news.
        """
        parser = self._parsers[room.name]
        text = said(raw)
        try:
            read = parser.read(text) if parser is not None else None
        except Exception as error:
            if self._turn.on_fault is None:
                raise
            if not quiet:
                self.parser_error = error
                self._turn.on_fault(error)
            return Unread(Reason.PARSER_FAILED, "a fault in it, which the log has")
        if not isinstance(read, Alert | Unread):
            return Unread(Reason.PARSER_FAILED, "no answer")
        if isinstance(read, Unread) and UNSAID in text:
            return Unread(Reason.TAKEN_BACK, "what is struck through or hidden does not count")
        if isinstance(read, Alert) or read.reason is not Reason.NOT_AN_ALERT:
            why = taken_back(text, room.no_alert_words, room.contracts)
            return Unread(Reason.TAKEN_BACK, why) if why else read
        return read

    def _open(self, key: str) -> Iterator[tuple[Book, PlanState]]:
        """Plans of a message that are not over."""
        for book in self._books.values():
            for found in list(book.state.plans.values()):
                if found.plan.origin == key:
                    yield book, found

    def _age(self, posted_ts: int) -> int:
        return max(0, self._turn.wall - posted_ts)

    def reference(self, room: AlertRoom, terms: Terms) -> int | Unread:
        symbol = terms.instrument
        quote = self._market.quotes.get(symbol)
        known = sanity.Market(
            quote.bid if quote is not None else None,
            quote.ask if quote is not None else None,
            self._market.last(symbol),
            self._market.staleness.age(symbol, self._turn.now),
        )
        return sanity.against_market(terms, room, self._instruments[symbol], known)

    def _make(self, waiting: Waiting, book: Book, key: str) -> Unread | None:
        """Enter an amended alert in one book, or say why not."""
        if self._age(waiting.posted_ts) > waiting.room.max_age_ns:
            return Unread(Reason.EXPIRED)
        reference = self.reference(waiting.room, waiting.terms)
        if isinstance(reference, Unread):
            return reference
        idea = sanity.idea(waiting.terms, waiting.room, key, reference, self._turn.wall)
        self._consider(book, idea, entry_terms(book, waiting.room, waiting.terms))
        return None

    def _follow(
        self, room: AlertRoom, book: Book, found: PlanState, before: Terms | None, after: Terms
    ) -> amend.Followed:
        if room.after_fill is AfterFill.IGNORE:
            return amend.Followed(None, ("the trade is open and stays as it is",))
        return amend.followed(book.orders, found, before, after)

    def _change(self, book: Book, found: PlanState, change: amend.Followed) -> None:
        self._turn.commit(
            r.PlanChanged(
                ts=self._turn.now,
                book=book.name,
                plan_id=found.plan.plan_id,
                legs=change.legs,
                reason="alert edited",
            )
        )
        book.orders.work()

    def _say(self, waiting: Waiting, book: Book, why: str) -> None:
        self._turn.say(
            NoticeKind.REFUSAL,
            Severity.WARNING,
            f"room {waiting.room.name}: the edited alert is not entered: {why}",
            waiting.terms.instrument,
            book.name,
        )

    def _write(
        self,
        event: AlertReceived,
        verdict: Verdict,
        why: Unread | None = None,
        *,
        detail: str = "",
        terms: Terms | None = None,
    ) -> None:
        self._turn.commit(
            r.AlertTaken(
                ts=self._turn.now,
                room=event.room,
                message_id=event.message_id,
                revision=event.revision,
                kind=event.kind,
                verdict=verdict,
                posted_ts=event.posted_ts,
                revised_ts=_revised(event),
                author=event.author,
                reason=why.reason if why is not None else None,
                detail="; ".join(part for part in (why.detail if why is not None else "", detail) if part),
                excerpt=excerpt(event.text),
                terms=terms,
            )
        )


def _beyond(parsed: Alert | Unread) -> str:
    """What of an alert no trade can hold."""
    given = len(parsed.targets) if isinstance(parsed, Alert) else 0
    if given <= sanity.MOST_TARGETS:
        return ""
    return f"of its {given} targets the nearest {sanity.MOST_TARGETS} are taken"


def _overtaken(event: AlertReceived, known: AlertState) -> bool:
    """Whether a newer word on the message is known, or it counts as another one's copy. Nothing overtakes a
    deletion: its time is ours, and clocks differ.
    """
    older = event.kind is not AlertKind.DELETED and _revised(event) < known.revised_ts
    return known.deleted or known.copy or older


def _revised(event: AlertReceived) -> int:
    """When this revision was made."""
    return event.ts_venue or event.posted_ts
