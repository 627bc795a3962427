"""Entries and exits as the Views show them: positions that grew or shrank, trades that ended.

The View is the truth; fills only lend their words. So a fill that came twice or by another way makes no
second message, and an entry is told once its stop is seen, with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from adapters.notify.content.formats import (
    arrow,
    cost,
    currency,
    duration,
    price,
    ratio,
    result,
    risk_usd,
    side,
)
from adapters.notify.content.message import RANKS, Message, MessageSection, NewsEvent, section
from adapters.notify.content.sanitize import sanitize
from engine.model.market import NANOS, Side
from engine.model.notices import Notice, Severity, reward_to_risk
from engine.model.quantities import quantity
from engine.model.view import BookView, PositionView, TradeView, View

SETTLE_NS = 2 * NANOS
"""An entry waits so long for its stop to be seen before it is told without."""

Place = tuple[str, str]
"""Book and instrument."""


@dataclass(slots=True)
class _Entry:
    """An entry that is still to be told."""

    ts: int
    fills: list[str] = field(default_factory=list)


class TradeReports:
    """Tells entries and exits. Keeps what is about to be told between Views."""

    def __init__(self) -> None:
        self._entries: dict[Place, _Entry] = {}
        self._risks: dict[Place, Decimal] = {}
        """What the trade that is open risks at its planned stop, USD."""

    def planned(self, notice: Notice) -> None:
        """Remember what a trade risks, so that its result can be told in multiples of that."""
        if notice.signal is not None and notice.book is not None and notice.instrument is not None:
            self._risks[notice.book, notice.instrument] = notice.signal.risk_usd

    def read(self, view: View, before: View | None, fills: Iterable[Notice]) -> list[Message]:
        now = _positions(view)
        was = _positions(before) if before is not None else now
        ended = _new_trades(view, before)
        texts: dict[Place, list[Notice]] = {}
        for fill in fills:
            texts.setdefault((fill.book or "", fill.instrument or ""), []).append(fill)
        messages: list[Message] = []
        for place in dict.fromkeys([*texts, *ended]):
            messages += self._changed(
                view, place, was.get(place), now.get(place), texts.get(place, []), ended.get(place, [])
            )
        return messages + list(self._settled(view, now))

    def flush(self, view: View) -> list[Message]:
        """Tell the entries that still wait for their stop."""
        now = _positions(view)
        waiting, self._entries = self._entries, {}
        return [
            entry_message(view, now[place], entry.ts, entry.fills)
            for place, entry in waiting.items()
            if place in now
        ]

    def _changed(
        self,
        view: View,
        place: Place,
        was: PositionView | None,
        now: PositionView | None,
        fills: list[Notice],
        ended: list[TradeView],
    ) -> Iterator[Message]:
        qty_was, qty_now = was.qty if was is not None else 0, now.qty if now is not None else 0
        flipped = qty_was * qty_now < 0
        grew = bool(fills) and qty_now != 0 and (flipped or abs(qty_now) > abs(qty_was) or bool(ended))
        words = [sanitize(fill.text) for fill in fills]
        if ended:
            self._entries.pop(place, None)
            risk = self._risks.pop(place, None) if not qty_now else None
            for trade in ended:
                yield exit_message(view, trade, words, fills, risk)
        elif fills and abs(qty_now) < abs(qty_was) and now is not None:
            yield part_message(view, now, qty_was, fills[-1], words)
        elif fills and not grew:
            yield _fills_message(place, fills[-1], words, now is not None)
        if grew:
            entry = self._entries.setdefault(place, _Entry(fills[0].ts))
            entry.fills += words if not ended else words[-1:]

    def _settled(self, view: View, now: dict[Place, PositionView]) -> Iterator[Message]:
        for place, entry in list(self._entries.items()):
            position = now.get(place)
            if position is None:
                del self._entries[place]  # gone again: its exit tells the whole trade
            elif position.protected_qty >= abs(position.qty) or view.ts - entry.ts >= SETTLE_NS:
                del self._entries[place]
                yield entry_message(view, position, entry.ts, entry.fills)


def entry_message(view: View, position: PositionView, ts: int, fills: Iterable[str]) -> Message:
    """A position that was opened or enlarged, with what protects it."""
    direction = Side.BUY if position.qty > 0 else Side.SELL
    naked = position.protected_qty < abs(position.qty)
    count, safe = (
        quantity(view, position.instrument, lots) for lots in (abs(position.qty), position.protected_qty)
    )
    target = position.targets[0] if position.targets else None
    gain = (
        reward_to_risk(direction, position.entry, position.stop, target)
        if position.stop is not None and target is not None
        else None
    )
    risk = risk_usd(view, position.instrument, position.qty, position.entry, position.stop)
    shown = price(view, position.instrument, position.entry)
    return Message(
        event=NewsEvent.TRADE_ENTRY,
        severity=Severity.WARNING if naked else Severity.GOOD,
        title=sanitize(f"{side(direction)} {count} {position.instrument} @ {shown}"),
        ts=ts,
        kind=position.kind,
        mark=arrow(direction),
        lines=tuple(fills),
        sections=section(
            "Position",
            ("Entry", shown),
            ("Stop", price(view, position.instrument, position.stop) or "none seen yet"),
            ("Targets", ", ".join(str(price(view, position.instrument, t)) for t in position.targets)),
            ("Risk : reward", ratio(gain)),
            ("Size", count),
            (
                "Risk",
                cost(risk, currency(view, position.instrument)) if risk is not None and risk > 0 else None,
            ),
            ("Protected", f"{safe} of {count}"),
            ("Strategy", position.strategy),
        ),
        instrument=position.instrument,
        book=position.book,
    )


def exit_message(
    view: View, trade: TradeView, words: Iterable[str], fills: Iterable[Notice], risk: Decimal | None
) -> Message:
    """A trade that has ended, with its result and that of the day."""
    worst = max((RANKS[fill.severity] for fill in fills), default=0)
    severity = Severity.GOOD if trade.net_usd > 0 else Severity.WARNING
    book = next((known for known in view.books if known.book == trade.book), None)
    qty = quantity(view, trade.instrument, trade.qty)
    money = currency(view, trade.instrument)
    multiple = f" ({float(trade.net_usd / risk):+.1f} R)" if risk else ""
    return Message(
        event=NewsEvent.TRADE_EXIT,
        severity=Severity.CRITICAL if worst == RANKS[Severity.CRITICAL] else severity,
        title=sanitize(f"{side(trade.side)} {qty} {trade.instrument} closed: {result(trade.net_usd, money)}"),
        ts=trade.closed_ts,
        kind=book.kind if book is not None else None,
        mark="✅" if trade.net_usd > 0 else "🔻",
        lines=tuple(words),
        sections=(
            *section(
                "Trade",
                ("Net", result(trade.net_usd, money) + multiple),
                ("Gross", result(trade.gross_usd, money)),
                ("Costs", cost(trade.costs_usd, money)),
                ("Entry", price(view, trade.instrument, trade.entry)),
                ("Exit", price(view, trade.instrument, trade.exit)),
                ("Held", duration(trade.closed_ts - trade.opened_ts)),
                ("Why", trade.reason),
            ),
            *(_day(book) if book is not None else ()),
        ),
        instrument=trade.instrument,
        book=trade.book,
    )


def part_message(view: View, now: PositionView, qty_was: int, last: Notice, words: list[str]) -> Message:
    """Some of a position was closed; the rest goes on."""
    left, was, closed, safe = (
        quantity(view, now.instrument, lots)
        for lots in (abs(now.qty), abs(qty_was), abs(qty_was) - abs(now.qty), now.protected_qty)
    )
    return Message(
        event=NewsEvent.TRADE_EXIT,
        severity=last.severity,
        title=sanitize(f"{now.instrument}: {closed} of {was} closed"),
        ts=last.ts,
        kind=now.kind,
        mark="◐",
        lines=tuple(words),
        sections=section(
            "Still open",
            ("Size", left),
            ("Entry", price(view, now.instrument, now.entry)),
            ("Stop", price(view, now.instrument, now.stop) or "none seen yet"),
            ("Targets", ", ".join(str(price(view, now.instrument, t)) for t in now.targets)),
            ("Open result", result(now.open_usd, currency(view, now.instrument))),
            ("Protected", f"{safe} of {left}"),
        ),
        instrument=now.instrument,
        book=now.book,
    )


def _fills_message(place: Place, last: Notice, words: list[str], open_: bool) -> Message:
    """Fills that left the position as large as it was, or came before there was a picture of it."""
    return Message(
        event=NewsEvent.TRADE_ENTRY if open_ else NewsEvent.TRADE_EXIT,
        severity=last.severity,
        title=sanitize(f"{place[1]} fill".strip()),
        ts=last.ts,
        lines=tuple(words),
        instrument=last.instrument,
        book=last.book,
    )


def _day(book: BookView) -> tuple[MessageSection, ...]:
    return section(
        "Day so far",
        ("Net", result(book.day_usd, book.currency)),
        ("Trades", f"{book.trades}, {book.wins} won"),
        ("Loss limit", cost(book.daily_loss_limit_usd, book.currency)),
    )


def _positions(view: View) -> dict[Place, PositionView]:
    return {(p.book, p.instrument): p for p in view.positions if p.qty}


def _new_trades(view: View, before: View | None) -> dict[Place, list[TradeView]]:
    """Trades that were not there a View before. The first View shows those of earlier runs."""
    if before is None:
        return {}
    known = set(map(_identity, before.trades))
    newest = max((trade.closed_ts for trade in before.trades), default=0)
    found: dict[Place, list[TradeView]] = {}
    for trade in view.trades:
        if _identity(trade) not in known and trade.closed_ts >= newest - SETTLE_NS:
            found.setdefault((trade.book, trade.instrument), []).append(trade)
    return found


def _identity(trade: TradeView) -> tuple[str, str, int, int, int, Decimal]:
    return trade.book, trade.instrument, trade.opened_ts, trade.closed_ts, trade.qty, trade.net_usd
