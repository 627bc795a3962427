"""The trade-signal message: what is about to be traded, for how much, on what grounds."""

from __future__ import annotations

from adapters.notify.content.formats import arrow, cost, currency, percent, price, ratio, side
from adapters.notify.content.message import Message, MessageSection, NewsEvent, section
from adapters.notify.content.sanitize import sanitize
from engine.model.chart import AlignmentView
from engine.model.market import Timeframe
from engine.model.notices import Notice, PatternFacts, SignalFacts
from engine.model.quantities import counted, quantity
from engine.model.view import View

_DIRECTIONS = {1: "up", -1: "down", 0: "sideways"}


def signal_message(view: View, notice: Notice) -> Message:
    """Entry, stop, targets, reward to risk, size, risk, pattern statistics and context, where known."""
    signal, instrument = notice.signal, notice.instrument or ""
    return Message(
        event=NewsEvent.SIGNAL,
        severity=notice.severity,
        title=_title(view, instrument, notice, signal),
        ts=notice.ts,
        mark=arrow(signal.side) if signal is not None else "🎯",
        lines=(sanitize(notice.text),) if signal is None else (),
        sections=(
            *(_plan(view, instrument, signal) if signal is not None else ()),
            *(_pattern(signal.pattern) if signal is not None and signal.pattern is not None else ()),
            *_context(view.alignment.get(instrument), signal),
            *(section("Reason", ("Why", "; ".join(signal.reasons))) if signal is not None else ()),
        ),
        instrument=notice.instrument,
        book=notice.book,
    )


def _title(view: View, instrument: str, notice: Notice, signal: SignalFacts | None) -> str:
    if signal is None:
        return sanitize(f"Signal {instrument}".strip())
    return sanitize(f"Signal: {side(signal.side)} {quantity(view, instrument, signal.qty)} {instrument}")


def _plan(view: View, instrument: str, signal: SignalFacts) -> tuple[MessageSection, ...]:
    targets = [price(view, instrument, target) for target in signal.targets]
    numbered = (
        [("Target", targets[0])]
        if len(targets) == 1
        else [(f"Target {number}", target) for number, target in enumerate(targets, 1)]
    )
    entry = price(view, instrument, signal.entry)
    return section(
        "",
        ("Entry", f"{entry} (market)" if signal.market else f"{entry} (limit)"),
        ("Stop", price(view, instrument, signal.stop)),
        *numbered,
        ("Risk : reward", ratio(signal.reward_to_risk)),
        ("Size", counted(view, instrument, signal.qty)),
        ("Why this size", signal.size_reason),
        ("Risk", cost(signal.risk_usd, currency(view, instrument))),
        ("Paper", f"not entered: {signal.against}" if signal.against else None),
        ("Strategy", signal.strategy),
        ("Timeframe", signal.timeframe),
        (
            "Score",
            f"{signal.score_tenths / 10:.1f} of 10" if signal.score_tenths and not _tested(signal) else None,
        ),
    )


def _pattern(pattern: PatternFacts) -> tuple[MessageSection, ...]:
    factor, confidence = pattern.profit_factor, pattern.confidence
    return section(
        "Backtest" if pattern.source == "backtest" else "Pattern so far",
        ("Pattern", pattern.name if pattern.mean_r is None else None),
        ("Trades", f"{pattern.trades} ({pattern.source})" if pattern.source else pattern.trades),
        ("Win rate", percent(pattern.win_rate)),
        ("Profit factor", f"{factor:.2f}" if factor is not None else None),
        ("Expectancy", f"{pattern.mean_r:+.2f} R a trade" if pattern.mean_r is not None else None),
        ("Confidence", percent(confidence) if confidence is not None else None),
    )


def _context(alignment: AlignmentView | None, signal: SignalFacts | None) -> tuple[MessageSection, ...]:
    """The largest timeframe's trend, the next longer than the signal's, how many agree, the verdict."""
    if alignment is None or not alignment.frames:
        return ()
    largest = alignment.frames[-1]
    return section(
        "Context",
        ("Trend", f"{_DIRECTIONS[largest.direction]} on {largest.timeframe}"),
        ("Higher timeframe", _higher(alignment, signal)),
        ("Aligned", f"{alignment.agreeing} of {len(alignment.frames)} timeframes"),
        ("Verdict", alignment.verdict if signal is None or not _tested(signal) else None),
        ("Regime", signal.regime if signal is not None else None),
    )


def _tested(signal: SignalFacts) -> bool:
    """Whether it stands on a backtest of its own, and not on a score or on how timeframes agree."""
    return signal.pattern is not None and signal.pattern.mean_r is not None


def _higher(alignment: AlignmentView, signal: SignalFacts | None) -> str | None:
    """Whether the next longer timeframe goes with a signal; None where there is none, or nobody knows."""
    if signal is None or not signal.timeframe:
        return None
    own = Timeframe(signal.timeframe).nanos
    longer = next((one for one in alignment.frames if Timeframe(one.timeframe).nanos > own), None)
    if longer is None:
        return None
    word = {1: "aligned", -1: "against it"}.get(longer.direction * signal.side.sign, "neither way")
    return f"{longer.timeframe} {_DIRECTIONS[longer.direction]}: {word}"
