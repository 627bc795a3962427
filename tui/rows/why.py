"""Why a signal was traded or not: the chain of facts with their times, from the View."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from engine.model.decision import Counsel
from engine.model.market import Side
from engine.model.orders import Slot
from engine.model.scores import ScorePart, by_number
from engine.model.view_signals import OrderFact, SignalFate, SignalView
from tui import number_format as figures
from tui.plain_text import plain
from tui.styled_text import EMPTY, Row, cell, wrap

Clock = Callable[[int], str]
"""HH:MM:SS of nanoseconds UTC."""

_SIGNS = {SignalFate.DECLINED: "⊘", SignalFate.REFUSED: "⊘", SignalFate.ENTERED: "◆"}
_TONES = {SignalFate.DECLINED: "dim", SignalFate.REFUSED: "warn", SignalFate.ENTERED: "ok"}
_INDENT = 11
_SLOTS = {Slot.ENTRY: "entry", Slot.STOP: "stop", Slot.TARGET: "target", Slot.PART: "close"}
_NAMES = {
    "score": "score",
    "alignment": "timeframes that agree",
    "reward_to_risk": "reward to risk",
    "volume": "volume over the usual",
    "trend": "timeframes against it",
    "reference": "reference series",
}


_COUNSEL = {Counsel.FOR: "ok", Counsel.AGAINST: "warn", Counsel.ALONE: "dim"}


def side_word(side: Side) -> str:
    return "long" if side is Side.BUY else "short"


def why_rows(signal: SignalView, clock: Clock, width: int) -> list[Row]:
    """One signal: what it was, what it saw, its score in parts, the requirements, the gate, the orders."""
    whose = " · ".join(plain(word) for word in (signal.bot or signal.strategy, signal.book) if word)
    score = f" {signal.score_tenths / 10:.1f}" if signal.parts or signal.score_tenths else ""
    head: Row = (
        (f"{clock(signal.ts)} ", "text"),
        (f"{_SIGNS[signal.fate]} {signal.fate} ", _TONES[signal.fate]),
        (f"{side_word(signal.side)} {plain(signal.instrument)}{score}", "text bold"),
        (f"  {whose}" if whose else "", "dim"),
    )
    rows: list[Row] = [head]
    for label, text, style in _facts(signal, clock):
        first, *rest = wrap(plain(text), max(12, width - _INDENT)) or [""]
        rows.append(((f"  {label:<{_INDENT - 2}}", "dim"), (first, style)))
        rows += [((" " * _INDENT, "text"), (line, style)) for line in rest]
    return rows


def _facts(signal: SignalView, clock: Clock) -> Iterator[tuple[str, str, str]]:
    """(Label, text, style), in the order in which one follows from the other."""
    seen = signal.pattern
    if seen is not None:
        arrow = "▲" if seen.direction > 0 else "▼"
        price = f" at {signal.pattern_price}" if signal.pattern_price else ""
        regime = f", {seen.regime}" if seen.regime else ""
        what = f"{seen.kind.replace('_', ' ')} {seen.timeframe} {arrow}{price}"
        yield "seen", f"{what}, known {clock(seen.known_at)}{regime}", "text"
    if signal.parts:
        yield "score", _score(signal), "text"
    for check in by_number(signal.checks):
        number = check.requirement.number
        value, least = (f"{x:g}" if x is not None else "?" for x in (check.value, check.least))
        bound = "at most" if check.requirement == "trend" else "at least"
        text = f"{'✓' if check.passed else '✗'} {_NAMES[check.requirement]} {_short(value)}, {bound} {least}"
        yield f"asked {number}" if number else "asked", text, "dim" if check.passed else "warn"
    if signal.opinion is not None:
        yield "opinion", signal.opinion.words, _COUNSEL.get(signal.opinion.counsel, "text")
    for n, words in enumerate(signal.words):
        label = {SignalFate.DECLINED: "why not", SignalFate.REFUSED: "gate"}.get(signal.fate, "why")
        yield label if n == 0 else "", words, "warn" if signal.fate is not SignalFate.ENTERED else "text"
    if signal.size:
        yield "size", signal.size, "text"
    for order in signal.orders:
        yield "order", _order(order, clock), "text"


def _short(number: str) -> str:
    head, _, digits = number.partition(".")
    return f"{head}.{digits[:2]}" if digits else head


def _score(signal: SignalView) -> str:
    told = " · ".join(f"{part.name} {figures.signed(part.points)}{_more(part)}" for part in signal.parts)
    return f"{signal.score_tenths / 10:.1f} = {told}"


def _more(part: ScorePart) -> str:
    """Where the points come from."""
    if part.weight_pct:
        return f" ({figures.percent(part.weight_pct / 100)} × {part.strength_pct})"
    if part.value is None:
        return ""
    value = figures.signed(part.value)
    return f" of {part.samples} outcomes, {value} R" if part.samples else f" ({value})"


def _order(order: OrderFact, clock: Clock) -> str:
    slot = "close" if order.slot is None else _SLOTS.get(order.slot, "close")
    price = f" at {order.price}" if order.price is not None else ""
    filled = f", {order.filled_qty} filled" if order.filled_qty else ""
    later = f" {clock(order.changed_ts)}" if order.changed_ts != order.ts else ""
    reason = f" ({order.reason})" if order.reason else ""
    what = f"{slot}: {order.side} {order.qty} {order.type}{price}"
    return f"{clock(order.ts)} {what}: {order.status}{later}{filled}{reason}"


def all_rows(signals: tuple[SignalView, ...], clock: Clock, width: int) -> list[Row]:
    """The newest on top."""
    rows: list[Row] = []
    for signal in reversed(signals):
        rows += [*why_rows(signal, clock, width), EMPTY]
    return rows or [cell("no signal yet: nothing was nearly traded, refused or entered", "faint")]
