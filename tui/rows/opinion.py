"""The second opinion: the model and how right it is, its newest words and what came of them, the mood."""

from __future__ import annotations

from datetime import UTC, datetime

from engine.model.decision import Counsel, OpinionUse
from engine.model.market import NANOS
from engine.model.opinion_events import PredictorState
from engine.model.view_opinion import ModelRecord, MoodView, OpinionView, PredictionView
from tui import clock_times as times
from tui import number_format as figures
from tui.plain_text import plain
from tui.rows.dashboard import beside
from tui.screen_state import ScreenState
from tui.styled_text import EMPTY, Column, Row, cell, fit, table, wrap

_TWO_COLUMNS = 110
"""Cells from which on the model and its calibration stand beside each other."""
_GAP = 3
_LABEL = 12
_BAR = 12
_DRIFTS = 0.6
"""From here on drift is shown as a warning."""
_OFF_BY = 0.05
"""A calibration error above it is shown as a warning, as training refuses it."""

_WORDS = (
    Column("time", "<"),
    Column("contract", "<"),
    Column("", "<"),
    Column("bot", "<", rank=4),
    Column("rules", rank=5),
    Column("model"),
    Column("exp R", rank=3),
    Column("sure", rank=2),
    Column("so", "<", rank=1),
    Column("came", "<"),
    Column("R"),
    Column("why not", "<", rank=6, least=8, grow=True),
)
_MOODS = (
    Column("source", "<"),
    Column("contract", "<"),
    Column("mood"),
    Column("", "<", rank=2, least=_BAR),
    Column("weight", rank=3),
    Column("newest", rank=1),
)

STATES = {
    PredictorState.READY: ("● ready", "ok"),
    PredictorState.ABSENT: ("○ no model", "dim"),
    PredictorState.DOWN: ("✕ rules alone", "error bold"),
    PredictorState.REFUSED: ("✕ refused", "error bold"),
}
_USES = {
    OpinionUse.WATCH: "watches; the rules decide alone",
    OpinionUse.DECIDE: "decides with the rules",
}
_SO = {
    Counsel.FOR: ("for", "ok"),
    Counsel.AGAINST: ("against", "warn"),
    Counsel.ALONE: ("rules alone", "dim"),
    Counsel.WATCHED: ("watched", "dim"),
}
_CAME = {
    "target": ("✓ target", "gain"),
    "stop": ("✗ stop", "loss"),
    "time": ("• time", "flat"),
    "unknown": ("?", "dim"),
}


def opinion_rows(state: ScreenState, told: OpinionView, width: int) -> list[Row]:
    """Everything; scrolls where there is not enough room."""
    if width >= _TWO_COLUMNS:
        left = (width - _GAP) * 11 // 20
        right = width - _GAP - left
        rows = beside(_model(state, told, left), _calibration(state, told, right), left, _GAP)
    else:
        rows = [*_model(state, told, width), EMPTY, *_calibration(state, told, width)]
    rows += [EMPTY, *_newest(state, told, width), EMPTY, *_moods(state, told, width)]
    return [fit(row, width) for row in rows]


def _head(text: str, more: str = "") -> Row:
    return ((text, "accent bold"), (f"  {more}" if more else "", "dim"))


def _fact(label: str, value: str, style: str = "text", more: str = "", more_style: str = "dim") -> Row:
    return ((f"{label:<{_LABEL}}", "dim"), (value, style), (f"  {more}" if more else "", more_style))


def _wrapped(label: str, value: str, width: int, style: str = "text") -> list[Row]:
    lines = wrap(value, max(12, width - _LABEL))
    return [_fact("" if n else label, line, style) for n, line in enumerate(lines)]


def _day(ts: int) -> str:
    return f"{datetime.fromtimestamp(ts // NANOS, UTC):%Y-%m-%d}" if ts else figures.NONE


def _model(state: ScreenState, told: OpinionView, width: int) -> list[Row]:
    """Which model is asked, what it was made of, and what has come of asking."""
    word, style = STATES[told.state]
    rows = [_head("Model"), _fact("state", word, style, _USES.get(told.use, ""))]
    if told.detail:
        tone = "warn" if told.state in (PredictorState.DOWN, PredictorState.REFUSED) else "dim"
        rows += _wrapped("", plain(told.detail), width, tone)
    model = told.model
    if model is not None:
        rows.append(_fact("model", plain(model.name), "text bold", f"{model.timeframe} · {model.hash[:8]}"))
        asks = f"target {model.stop_atr * model.target_r:g} before stop {model.stop_atr:g} ATR"
        rows.append(_fact("asks", asks, more=f"within {model.bars} bars"))
        span = f"{_day(model.trained_from)} to {_day(model.trained_to)}"
        rows.append(_fact("trained", span, more=f"{model.rows:,} rows"))
        if model.verdict:
            rows += _wrapped("proven", plain(model.verdict), width)
        if model.looks_at:
            shares = ", ".join(
                f"{name.replace('_', ' ')} {figures.percent(share)}" for name, share in model.looks_at
            )
            rows += _wrapped("looks at", plain(shares), width)
        if model.looks_back:
            rows += _wrapped(
                "looks back", ", ".join(figures.percent(share) for share in model.looks_back), width
            )
    rows.append(_fact("retraining", *_retraining(state, told)))
    lost = f"{told.missing} without an answer" if told.missing else ""
    rows.append(_fact("asked", f"{told.asked:,}", "text", lost, "warn"))
    if told.answer_p50_ms is not None:
        rows.append(_fact("answers in", f"{told.answer_p50_ms:g} ms"))
    decided = f"{told.together} together, {told.alone} by rules alone"
    rows.append(_fact("decided", decided, more=f"sure from {told.least_confidence:.2f}"))
    return rows


def _retraining(state: ScreenState, told: OpinionView) -> tuple[str, str]:
    if not told.retrain_ts:
        return "by hand: tstream train", "dim"
    left = told.retrain_ts - state.view.ts
    if left <= 0:
        return f"due for {figures.lasting(-left)}", "warn"
    return f"in {figures.duration(left // (60 * NANOS) * 60 * NANOS)}", "text"


def _calibration(state: ScreenState, told: OpinionView, width: int) -> list[Row]:
    """How right it is: what it said against what came."""
    record = told.record
    waits = f"{told.waiting} without an outcome yet" if told.waiting else ""
    if record is None:
        return [_head("Calibration", waits), cell("no prediction has come to its end yet", "faint")]
    bad = "warn" if record.calibration_error > _OFF_BY else "text"
    rows = [
        _head("Calibration", waits),
        _fact(
            "outcomes",
            f"{record.count:,}",
            more=f"{figures.percent(record.hits / record.count)} reached their target",
        ),
        _fact(
            "off by",
            f"{figures.percent(record.calibration_error, 1)}",
            bad,
            f"said {figures.percent(record.said)} on average",
        ),
        _fact("Brier", f"{record.brier:.3f}", "warn" if record.brier > 0.25 else "text", "a coin has 0.250"),
        _fact("promised", f"{record.expected_r:+.2f} R".replace("-", figures.MINUS), more=_came_r(record)),
        _drift(state, record),
    ]
    for one in record.bins:
        filled, empty = figures.gauge(one.came, _BAR)
        rows.append(
            (
                (f"{f'said {figures.percent(one.said)}':<{_LABEL}}", "dim"),
                (filled, "accent"),
                (empty, "faint"),
                (f" came {figures.percent(one.came):>5}", "text"),
                (f"  of {one.count}", "dim"),
            )
        )
    return rows


def _came_r(record: ModelRecord) -> str:
    return f"came {record.mean_r:+.2f} R each".replace("-", figures.MINUS)


def _drift(state: ScreenState, record: ModelRecord) -> Row:
    filled, empty = figures.gauge_used(record.drift, _BAR)
    style = "warn" if record.drift >= _DRIFTS else "ok"
    when = ""
    if record.drifted_ts:
        when = f"  its error rose {times.when(record.drifted_ts, state.view.ts, state.view.told_in)}"
    return (
        (f"{'drift':<{_LABEL}}", "dim"),
        (filled, style),
        (empty, "faint"),
        (f" {figures.percent(record.drift):>5}", "text"),
        (when, "warn"),
    )


def _newest(state: ScreenState, told: OpinionView, width: int) -> list[Row]:
    """The newest words on top."""
    if not told.recent:
        return [_head("Said"), cell("nobody has been asked yet", "faint")]
    head, rows = table(_WORDS, [_said(state, one) for one in reversed(told.recent)], width)
    return [_head("Said"), head, *rows]


def _said(state: ScreenState, one: PredictionView) -> tuple[Row, ...]:
    so, tone = _SO[one.counsel]
    came, came_tone = _CAME.get(one.ended, ("waits", "faint"))
    if one.probability is None:
        came, came_tone = "", "dim"
    return (
        cell(times.clock(one.ts, state.view.told_in), "text"),
        cell(plain(one.instrument), "text"),
        cell("▲ long" if one.side.sign > 0 else "▼ short", figures.side(one.side.sign)),
        cell(plain(one.bot) or "sample", "text" if one.bot else "dim"),
        cell("" if one.score_tenths is None else f"{one.score_tenths / 10:.1f}", "text"),
        cell(figures.percent(one.probability), "text"),
        _r(one.expected_r),
        cell("" if one.confidence is None else f"{one.confidence:.2f}", "text"),
        cell(so, tone),
        cell(came, came_tone),
        _r(one.r),
        cell(plain(one.missing), "dim"),
    )


def _r(value: float | None) -> Row:
    if value is None:
        return cell("", "dim")
    return cell(f"{value:+.2f}".replace("-", figures.MINUS), figures.tone(round(100 * value)))


def _moods(state: ScreenState, told: OpinionView, width: int) -> list[Row]:
    if not told.moods:
        return [_head("Mood"), cell("no news or posts have been read", "faint")]
    head, rows = table(_MOODS, [_mood(state, one) for one in told.moods], width)
    return [_head("Mood"), head, *rows]


def _mood(state: ScreenState, one: MoodView) -> tuple[Row, ...]:
    way = round(100 * one.score)
    filled, empty = figures.gauge((1 + one.score) / 2, _BAR)
    return (
        cell(plain(one.source), "text"),
        cell(plain(one.instrument) or "market", "text" if one.instrument else "dim"),
        cell(f"{figures.arrow(way)} {one.score:+.2f}".replace("-", figures.MINUS), figures.trend(way)),
        ((filled, figures.trend(way)), (empty, "faint")),
        cell(f"{one.weight:.1f}", "dim"),
        cell(figures.lasting(state.view.ts - one.ts), "dim"),
    )
