"""The trade-signal message: what is about to be traded, for how much, on what grounds."""

from __future__ import annotations

from adapters.notify.content.facts import PatternFacts, SignalFacts
from adapters.notify.content.message import Event, Message, Section, section
from adapters.notify.content.number_format import arrow, cost, percent, price, ratio, side
from adapters.notify.content.sanitize import clean
from engine.model.chart import AlignmentView
from engine.model.notices import Notice
from engine.model.view import View

_DIRECTIONS = {1: "up", -1: "down", 0: "sideways"}


def signal_message(view: View, notice: Notice, facts: SignalFacts | None) -> Message:
    """Entry, stop, targets, reward to risk, size, risk, pattern statistics and context, as far as known."""
    instrument = notice.instrument or ""
    return Message(
        event=Event.SIGNAL,
        severity=notice.severity,
        title=_title(view, instrument, notice, facts),
        ts=notice.ts,
        mark=arrow(facts.side) if facts is not None else "🎯",
        lines=(clean(notice.text),) if facts is None else (),
        sections=(
            *(_plan(view, instrument, facts) if facts is not None else ()),
            *(_pattern(facts.pattern) if facts is not None and facts.pattern is not None else ()),
            *_context(view, view.alignment.get(instrument)),
            *(section("Reason", ("Why", "; ".join(facts.reasons))) if facts is not None else ()),
        ),
        instrument=notice.instrument,
        book=notice.book,
    )


def _title(view: View, instrument: str, notice: Notice, facts: SignalFacts | None) -> str:
    if facts is None:
        return clean(f"Signal {instrument}".strip())
    return clean(f"Signal: {side(facts.side)} {facts.qty} {instrument}")


def _plan(view: View, instrument: str, facts: SignalFacts) -> tuple[Section, ...]:
    targets = [price(view, instrument, target) for target in facts.targets]
    numbered = (
        [("Target", targets[0])]
        if len(targets) == 1
        else [(f"Target {number}", target) for number, target in enumerate(targets, 1)]
    )
    entry = price(view, instrument, facts.entry)
    return section(
        "",
        ("Entry", f"{entry} (market)" if facts.market else f"{entry} (limit)"),
        ("Stop", price(view, instrument, facts.stop)),
        *numbered,
        ("Risk : reward", ratio(facts.reward_to_risk)),
        ("Size", f"{facts.qty} contract{'s' if facts.qty != 1 else ''}"),
        ("Risk", cost(facts.risk_usd)),
        ("Strategy", facts.strategy),
        ("Timeframe", facts.timeframe),
        ("Score", f"{facts.score_tenths / 10:.1f} of 10" if facts.score_tenths else None),
    )


def _pattern(pattern: PatternFacts) -> tuple[Section, ...]:
    factor, confidence = pattern.profit_factor, pattern.confidence
    return section(
        "Pattern so far",
        ("Pattern", pattern.name),
        ("Trades", f"{pattern.trades} ({pattern.source})" if pattern.source else pattern.trades),
        ("Win rate", percent(pattern.win_rate)),
        ("Profit factor", f"{factor:.2f}" if factor is not None else None),
        ("Confidence", percent(confidence) if confidence is not None else None),
    )


def _context(view: View, alignment: AlignmentView | None) -> tuple[Section, ...]:
    """What the timeframes say: the largest one's trend, how many agree, the verdict."""
    if alignment is None or not alignment.frames:
        return ()
    largest = alignment.frames[-1]
    return section(
        "Context",
        ("Trend", f"{_DIRECTIONS[largest.direction]} on {largest.timeframe}"),
        ("Aligned", f"{alignment.agreeing} of {len(alignment.frames)} timeframes"),
        ("Verdict", alignment.verdict),
    )
