"""What a second opinion did in a run of the past, what it was worth, and whether that says anything about its
model: one that was trained on what is played has seen the answers (docs/models.md#in-backtests).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from msgspec import Struct

from engine.core import Core
from engine.model.decision import OpinionUse
from engine.model.market import NANOS, Side
from engine.model.opinion import ModelCard
from engine.model.opinion_events import PredictorState
from engine.state.position import Trade


class Yield(Struct, frozen=True):
    """What trades came to, net of costs."""

    trades: int
    net_usd: Decimal
    r: float
    """Sum of those whose risk is known, R."""
    mean_r: float | None
    """None where there is none."""


class OpinionWorth(Struct, frozen=True):
    """The same past, traded by the rules alone and together. Trades are the same where they open one contract
    at the same time, the same way.
    """

    alone: Yield
    together: Yield
    kept: int
    """Trades of both, of the same size."""
    resized: int
    """Trades of both, of another size."""
    dropped: int
    """Trades of the rules alone."""
    added: int
    """Those that came in because something else was kept out."""
    dropped_r: float
    """Sum of the dropped, R: below zero where they were rightly dropped."""
    added_r: float


class OpinionReport(Struct, frozen=True):
    """Of one run in virtual time."""

    use: OpinionUse
    model: str = ""
    """Its name; empty where none was asked."""
    hash: str = ""
    detail: str = ""
    """Why none was asked."""
    in_sample: str = ""
    """Why this is no test of the model, for people; empty where it is one."""
    asked: int = 0
    missing: int = 0
    """Questions that no number came of."""
    together: int = 0
    """Ideas that were decided with the model or mood."""
    alone: int = 0
    """Those that the rules have decided alone."""
    outcomes: int = 0
    """Predictions of which it is known what they came to."""
    said: float | None = None
    """Their mean probability, 0..1."""
    came: float | None = None
    """The share of them that reached the target."""
    calibration_error: float | None = None
    worth: OpinionWorth | None = None
    """None where it was not compared with the rules alone."""


def seen_by(card: ModelCard, start_ts: int, end_ts: int) -> str:
    """Why a past is no test of a model, in words; empty where the model was trained on what was before it
    alone. Times are nanoseconds UTC.
    """
    if card.trained_to <= start_ts:
        return ""
    span = f"{_day(card.trained_from)} to {_day(card.trained_to)}"
    if card.trained_from >= end_ts:
        return f"{card.name} was trained on what came after, {span}"
    return f"{card.name} was trained on what is played here, {span}"


def _day(ts: int) -> str:
    return f"{datetime.fromtimestamp(ts // NANOS, UTC):%Y-%m-%d}"


def opinion_report(core: Core, in_sample: str = "") -> OpinionReport | None:
    """Of a run that is over; None where nobody was to be asked."""
    config, opinions, known = core.config.opinion, core.entries.opinions, core.state.opinions
    if config.use is OpinionUse.OFF:
        return None
    told = known.predictor
    card = None if told is None else told.card
    if told is None or card is None:
        detail = "no model counts: tstream models list" if told is None else told.detail
        return OpinionReport(config.use, detail=detail, together=known.together, alone=known.alone)
    tally = known.models.get(told.hash)
    count = 0 if tally is None else tally.count
    return OpinionReport(
        config.use,
        card.name,
        told.hash,
        "" if told.state is PredictorState.READY else told.detail,
        in_sample,
        opinions.asked,
        opinions.missing,
        known.together,
        known.alone,
        count,
        round(tally.said / count, 4) if tally is not None and count else None,
        round(tally.hits / count, 4) if tally is not None and count else None,
        None if tally is None else tally.calibration_error,
    )


def worth_of(alone: Sequence[Trade], together: Sequence[Trade]) -> OpinionWorth:
    """What the rules alone have traded, beside what they have traded together."""
    before, after = {_key(one): one for one in alone}, {_key(one): one for one in together}
    both = before.keys() & after.keys()
    resized = sum(before[key].qty != after[key].qty for key in both)
    dropped = [one for key, one in before.items() if key not in both]
    added = [one for key, one in after.items() if key not in both]
    return OpinionWorth(
        _yield(alone),
        _yield(together),
        len(both) - resized,
        resized,
        len(dropped),
        len(added),
        _yield(dropped).r,
        _yield(added).r,
    )


def _key(trade: Trade) -> tuple[str, Side, int]:
    return trade.instrument, trade.side, trade.opened_ts


def _yield(trades: Sequence[Trade]) -> Yield:
    results = [one.r for one in trades if one.r is not None]
    net = sum((one.net_usd for one in trades), Decimal(0))
    total = round(sum(results), 4)
    return Yield(len(trades), net, total, round(total / len(results), 4) if results else None)
