"""Start, stop, status, health, the day's summary: each account by itself, paper and live never in one sum."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import structs

from adapters.notify.content.formats import cost, currency, percent, price, result
from adapters.notify.content.message import Message, MessageSection, NewsEvent, fields, section
from adapters.notify.content.sanitize import sanitize
from engine.model.notices import Severity
from engine.model.quantities import quantity
from engine.model.rates import USD
from engine.model.sums import together
from engine.model.view import BookView, PositionView, SessionView, View


def started(view: View) -> Message:
    """The engine stands: where, with what, and what it found there."""
    doubtful = [book for book in view.books if not book.reconciled]
    return Message(
        event=NewsEvent.START,
        severity=Severity.WARNING if doubtful or not view.books else Severity.GOOD,
        title="tstream has started" if view.books else "tstream has started, no account yet",
        ts=view.ts,
        mark="▶️",
        sections=(
            *section(
                "",
                ("Venue", view.venue),
                ("Contracts", ", ".join(contract.name for contract in view.contracts)),
                ("Scanner", scanned(view)),
                ("Strategy", view.strategy if scanned(view) is None else None),
                ("Trade date", view.session.trade_date),
            ),
            *(_account(book, view) for book in view.books),
            *_open(view),
        ),
    )


def scanned(view: View) -> str | None:
    """What the scanner looks for; None where there is none."""
    signals = sum(bot.backtest is not None for bot in view.bots)
    if not signals:
        return None
    paused = sum(bot.backtest is not None and bool(bot.stopped) for bot in view.bots)
    told = f"{signals} validated signal{'s' * (signals != 1)}"
    return f"{told}, {paused} of them paused" if paused else told


def stopped(view: View, reason: str, failed: bool, signals: int = 0) -> Message:
    """The engine has ended, and what stays at the venue; `signals` were told of."""
    return Message(
        event=NewsEvent.ERROR if failed else NewsEvent.STOP,
        severity=Severity.CRITICAL if failed else (Severity.WARNING if view.positions else Severity.GOOD),
        title=f"tstream has stopped: {reason}" if reason else "tstream has stopped",
        ts=view.ts,
        mark="🚨" if failed else "⏹️",
        lines=(
            *((f"Signals sent: {signals}.",) if scanned(view) is not None else ()),
            *(("Open positions keep their stops at the venue.",) if view.positions else ()),
        ),
        sections=(*(_day(book, view) for book in view.books), *_together(view), *_open(view)),
    )


def daily_summary(last: View, ts: int, calendar: str, session: SessionView) -> Iterator[Message]:
    """A trading day of one calendar, from the last View of it; `ts` is when the next one began. Of several
    calendars it has the books whose days go by it, and there is none where no book does.
    """
    several = len(last.sessions) > 1
    books = tuple(book for book in last.books if not several or book.calendar == calendar)
    if several and not books and (last.books or session != last.session):
        return
    held = tuple(p for p in last.positions if p.book in {book.book for book in books})
    yield Message(
        event=NewsEvent.DAILY_SUMMARY,
        severity=Severity.GOOD,
        title=f"Day {session.trade_date}{f' ({session.clock_mark})' if several else ''}",
        ts=ts,
        mark="📅",
        lines=() if books else ("No account was connected.",),
        sections=(
            *(_day(book, last) for book in books),
            *_together(structs.replace(last, books=books)),
            *_open(structs.replace(last, positions=held)),
        ),
    )


def status(view: View) -> Message:
    """How things stand, at regular times."""
    return Message(
        event=NewsEvent.STATUS,
        severity=Severity.INFO,
        title="Status",
        ts=view.ts,
        mark="ℹ️",
        sections=(*_links(view), *(_day(book, view) for book in view.books), *_together(view), *_open(view)),
    )


def health(view: View) -> Message:
    """The engine's own health has changed."""
    well = view.health.ok
    title = "the engine is well again" if well else view.health.detail
    return Message(
        event=NewsEvent.STATUS if well else NewsEvent.ERROR,
        severity=Severity.GOOD if well else Severity.CRITICAL,
        title=sanitize(title),
        ts=view.ts,
        mark="✅" if well else "🚨",
        key=f"health {title}",
    )


def account_name(book: BookView, view: View) -> str:
    """With whose money it is: "[PAPER] PRAC-1"; with several books of its kind, also in which."""
    alike = sum(one.kind is book.kind for one in view.books) > 1
    named = f" ({book.book})" if alike and book.account else ""
    return sanitize(f"[{book.kind.upper()}] {book.account or book.book}{named}")


def position_line(view: View, position: PositionView) -> str:
    """ "LONG 2 @ 21000.25, stop 20990.00, +35.00 USD"."""
    direction = "LONG" if position.qty > 0 else "SHORT"
    entry, stop = (price(view, position.instrument, x) for x in (position.entry, position.stop))
    bare = abs(position.qty) - position.protected_qty
    guard = f"stop {stop}" if stop is not None else "no stop seen"
    if stop is not None and bare > 0:
        guard += f", {quantity(view, position.instrument, bare)} unprotected"
    held = quantity(view, position.instrument, abs(position.qty))
    open_result = result(position.open_usd, currency(view, position.instrument))
    return sanitize(f"{direction} {held} @ {entry}, {guard}, {open_result}")


def state_words(book: BookView) -> str:
    held = book.restriction
    if held is None:
        return book.state.value
    return f"{held.word.lower()}: {held.why}" if held.why else held.word.lower()


def _account(book: BookView, view: View) -> MessageSection:
    return MessageSection(
        account_name(book, view),
        fields(
            ("Balance", cost(book.balance_usd, book.currency) if book.balance_usd is not None else None),
            ("Trading", state_words(book)),
            ("Verified with the venue", "yes" if book.reconciled else "not yet"),
            ("Day", result(book.day_usd, book.currency)),
        ),
    )


def _day(book: BookView, view: View) -> MessageSection:
    """A book's day. The badge stands in the section's title, beside every figure of it."""
    won = f", {book.wins} won ({percent(book.wins / book.trades)})" if book.trades else ""
    factor = "nothing lost" if book.wins else None
    if book.profit_factor is not None:
        factor = f"{book.profit_factor:.2f}"
    return MessageSection(
        account_name(book, view),
        fields(
            ("Net", result(book.realized_usd, book.currency)),
            ("Open", result(book.open_usd, book.currency) if book.open_usd else None),
            ("Costs", cost(book.costs_usd, book.currency)),
            ("Trades", f"{book.trades}{won}"),
            ("Profit factor", factor),
            ("Max drawdown", cost(abs(book.max_drawdown_usd), book.currency)),
            ("Balance", cost(book.balance_usd, book.currency) if book.balance_usd is not None else None),
            ("Trading", state_words(book)),
        ),
    )


def _together(view: View) -> tuple[MessageSection, ...]:
    """The day of each kind of money that is in several currencies, as one, and by which rates."""
    return section(
        "Together",
        *(
            (
                f"[{kind.upper()}]",
                sanitize(one.words if one.usd is None else f"{result(one.usd, USD)} ({one.words})"),
            )
            for kind, one in together(view).items()
        ),
    )


def _open(view: View) -> tuple[MessageSection, ...]:
    names = {book.book: account_name(book, view) for book in view.books}
    return section(
        "Open positions",
        *(
            (f"{names.get(p.book, p.book)} {p.instrument}", position_line(view, p))
            for p in view.positions
            if p.qty
        ),
    )


def _links(view: View) -> tuple[MessageSection, ...]:
    return section("Connections", *((link.name, link.state.value) for link in view.links))
