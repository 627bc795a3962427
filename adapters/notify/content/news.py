"""Makes messages of what the engine shows: its notices, and what changed from one View to the next."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import structs

from adapters.notify.content import reports
from adapters.notify.content.message import Message, NewsEvent
from adapters.notify.content.outages import OutageWatch
from adapters.notify.content.sanitize import sanitize
from adapters.notify.content.signals import signal_message
from adapters.notify.content.trades import TradeReports
from engine.model.market import MINUTE
from engine.model.notices import Notice, NoticeKind, Severity
from engine.model.orders import AccountKind
from engine.model.view import View

MARKS = {Severity.INFO: "ℹ️", Severity.GOOD: "✅", Severity.WARNING: "⚠️", Severity.CRITICAL: "🚨"}

_TROUBLE = {Severity.WARNING, Severity.CRITICAL}
_DIGITS = re.compile(r"\d+(?:[.,:]\d+)*")
START_WAIT_NS = 30 * 1_000_000_000
"""The start is told once every account is reconciled, or after this."""


def event_of(notice: Notice) -> NewsEvent | None:
    """What a notice is about; None where it is not worth a message. Fills and signals have their own ways."""
    trouble = notice.severity in _TROUBLE
    match notice.kind:
        case NoticeKind.REFUSAL:
            return NewsEvent.SIGNAL if trouble else None
        case NoticeKind.RISK:
            return NewsEvent.RISK
        case NoticeKind.STATE:
            return NewsEvent.RISK if trouble else NewsEvent.STATUS
        case NoticeKind.MARKET:
            return NewsEvent.ERROR if trouble else None
        case NoticeKind.ORDER:
            return NewsEvent.ERROR if trouble else NewsEvent.STATUS
        case NoticeKind.CONNECTION:
            return NewsEvent.ERROR if trouble else None
        case NoticeKind.SECURITY:
            return NewsEvent.RISK if trouble else NewsEvent.STATUS
        case _:  # answers to commands: whoever asked has them, what comes of them is told by itself
            return NewsEvent.STATUS if trouble else None


class NewsReader:
    """Reads one View after another. Synchronous, no clock: the same Views give the same messages."""

    def __init__(
        self,
        *,
        label: str = "",
        refusals: bool = False,
        status_minutes: int = 0,
    ) -> None:
        """`label` names the installation; with `refusals` the ideas that were refused are told too."""
        self._label = label
        self._refusals = refusals
        self._status_ns = status_minutes * MINUTE
        self._trades = TradeReports()
        self._links = OutageWatch()
        self._before: View | None = None
        self._seen = 0
        self._first_ts = 0
        self._started = False
        self._signals = 0
        """Told in this run."""
        self._status_ts = 0

    def read(self, view: View) -> list[Message]:
        """What is new in a View, in the order in which it happened as far as that is known."""
        before = self._before
        if view.ts <= 0 or (before is not None and view.version == before.version):
            return []  # an engine that has no time yet has no news either
        fresh = [notice for notice in view.notices if notice.seq > self._seen]
        messages = [*self._missed(view, fresh), *self._lifecycle(view, before)]
        fills = [notice for notice in fresh if notice.kind is NoticeKind.FILL]
        for notice in fresh:
            if notice.kind is not NoticeKind.FILL:
                messages += self._told(view, notice)
        messages += self._trades.read(view, before, fills)
        self._seen = fresh[-1].seq if fresh else self._seen
        self._before = view
        return [self._signed(message, view) for message in messages]

    def skip(self, view: View) -> None:
        """Leave out a View that could not be read; what it held of notices is told with the next."""
        self._before = view

    def ended(self, reason: str, failed: bool) -> list[Message]:
        """What is left to say when the engine stops, whether by itself or not."""
        view = self._before
        if view is None:
            return []
        messages = [*self._trades.flush(view), reports.stopped(view, sanitize(reason), failed, self._signals)]
        return [self._signed(message, view) for message in messages]

    def _lifecycle(self, view: View, before: View | None) -> Iterator[Message]:
        """Start, day's end, health and the regular status."""
        if not self._first_ts:
            self._first_ts = self._status_ts = view.ts
        delivered = bool(view.books) and all(book.reconciled for book in view.books)
        if not self._started and (delivered or view.ts - self._first_ts >= START_WAIT_NS):
            self._started = True
            yield reports.started(view)
        if before is None:
            return
        for name, session in (before.sessions or {"": before.session}).items():
            now = view.sessions.get(name, view.session)
            if session.trade_date and session.trade_date != now.trade_date:
                yield from reports.daily_summary(before, view.ts, name, session)
        if view.health.ok is not before.health.ok or (
            not view.health.ok and view.health.detail != before.health.detail
        ):
            yield reports.health(view)
        yield from self._links.read(view)
        if self._status_ns and view.ts - self._status_ts >= self._status_ns:
            self._status_ts = view.ts
            yield reports.status(view)

    def _missed(self, view: View, fresh: list[Notice]) -> Iterator[Message]:
        """Notices are kept for a while only: who reads too late says how many are gone."""
        if fresh and fresh[0].seq > self._seen + 1:
            yield Message(
                event=NewsEvent.ERROR,
                severity=Severity.WARNING,
                title=f"{fresh[0].seq - self._seen - 1} events came too fast to be told",
                lines=("The log and the journal have them.",),
                ts=fresh[0].ts,
                mark=MARKS[Severity.WARNING],
                key="missed",
            )

    def _told(self, view: View, notice: Notice) -> list[Message]:
        if notice.kind is NoticeKind.SIGNAL:
            if notice.signal is None or not notice.signal.against:
                self._trades.planned(notice)
            self._signals += 1
            return [signal_message(view, notice)]
        event = event_of(notice) if not notice.link else None  # OutageWatch follows connections
        if event is None and notice.kind is NoticeKind.REFUSAL and self._refusals:
            event = NewsEvent.SIGNAL
        if event is None:
            return []
        return [
            Message(
                event=event,
                severity=notice.severity,
                title=sanitize(notice.text),
                ts=notice.ts,
                mark=MARKS[notice.severity],
                instrument=notice.instrument,
                book=notice.book,
                key=_key(notice),
            )
        ]

    def _signed(self, message: Message, view: View) -> Message:
        """With whose money it is about, and who speaks; with several accounts, also which."""
        kind = message.kind if message.kind is not None else kind_of(view, message.book)
        alike = sum(book.kind is kind for book in view.books) > 1
        account = next((book.account for book in view.books if book.book == message.book), "")
        account += f" ({message.book})" if alike and account else ""
        time = "practice time" if view.practice_time else ""
        payloads = (account if len(view.books) > 1 else "", self._label, view.venue, time)
        origin = " · ".join(part for part in payloads if part)
        return structs.replace(message, kind=kind, origin=sanitize(origin))


def kind_of(view: View, book: str | None) -> AccountKind:
    """Whose money a book holds; for no or an unknown book the strictest that is traded."""
    return next((known.kind for known in view.books if known.book == book), view.mode)


def _key(notice: Notice) -> str:
    """What makes two notices the same news: all but their figures, and for critical ones everything."""
    text = notice.text if notice.severity is Severity.CRITICAL else _DIGITS.sub("n", notice.text)
    return f"{notice.kind.value} {notice.book} {notice.instrument} {text}"
