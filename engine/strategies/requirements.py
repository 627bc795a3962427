"""The entry requirements that are not about timeframes, and the pattern behind an entry
(docs/learning.md#entry-requirements). Timeframes: engine/signals/alignment.py.
"""

from __future__ import annotations

from engine.model.figures import signed
from engine.model.market import Side, Timeframe
from engine.model.scores import PatternSeen, Requirement, RequirementCheck
from engine.signals.board import SignalBoard
from engine.signals.correlation import Contradiction
from engine.signals.patterns import PatternKind


def score(tenths: int, least_tenths: int) -> RequirementCheck:
    """The score out of ten."""
    passed = tenths >= least_tenths
    words = "" if passed else f"score under {least_tenths / 10:.1f}"
    return RequirementCheck(Requirement.SCORE, passed, tenths / 10, least_tenths / 10, words)


def volume(times: float | None, least: float, timeframe: Timeframe) -> RequirementCheck:
    """Volume of the newest bar over the usual; a `least` of 0 asks for nothing."""
    passed = least == 0 or (times is not None and times >= least)
    is_ = "is not known yet" if times is None else f"is {times:.2f}x the usual, at least {least:g}x"
    return RequirementCheck(
        Requirement.VOLUME, passed, times, least, "" if passed else f"{timeframe} volume {is_}"
    )


def reward_to_risk(reached: float, least: float, barrier: str = "") -> RequirementCheck:
    """Reward at the first target over risk; `barrier` is the price that is in the way."""
    passed = reached >= least
    words = "" if passed else f"only {reached:.1f} R to {barrier}"
    return RequirementCheck(Requirement.REWARD_TO_RISK, passed, reached, least, words)


def reference(
    said: Contradiction | None, symbol: str, side: Side, least: float, points: float
) -> RequirementCheck:
    """Whether a reference series contradicts a trade; with `points` it only costs some of the score."""
    if said is None:
        return RequirementCheck(Requirement.REFERENCE, True, None, least)
    passed = said.direction(least) != -side.sign
    went = {1: "rose", -1: "fell", 0: "stood"}[said.move]
    words = f"{symbol} {went}, correlation {signed(said.correlation)}"
    return RequirementCheck(
        Requirement.REFERENCE, passed or points > 0, said.correlation, least, "" if passed else words
    )


def seen(
    board: SignalBoard,
    instrument: str,
    kind: PatternKind,
    timeframe: Timeframe,
    side: Side,
    now: int,
    price: int,
) -> PatternSeen:
    """A pattern of `kind` that is known since `now`, with its circumstances. Price in ticks."""
    regime = board.regime(instrument, timeframe).value
    return PatternSeen(
        kind,
        timeframe,
        side.sign,
        now,
        price,
        "" if regime is None else regime,
        board.hour(instrument, now),
    )
