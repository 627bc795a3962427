"""What the strategy "zones" may be told: how the timeframes are weighed, what an entry has to meet, and what
is learned. Least scores go by the instrument's volatility where nobody says one for all.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

from msgspec import Struct

from engine.model.instrument import Instrument, Volatility
from engine.model.market import MINUTE, Timeframe
from engine.model.setting import live, restart
from engine.signals.alignment import USUAL_ALIGNMENT, AlignmentConfig

Weights = tuple[tuple[Timeframe, int], ...]


class ClassTerms(NamedTuple):
    """What is asked of trades in an instrument."""

    min_score_tenths: int
    score_key: str
    """The setting that says so."""
    primary: Timeframe
    look_back: int


class ZoneReactionConfig(Struct, frozen=True):
    """Distances are in ticks or in multiples of the 1m ATR; times in nanoseconds of market time."""

    min_score_tenths: Annotated[
        int | None,
        live(key="min_score", unit=10, kind=float | None, ge=0, le=10, default="by volatility"),
        "Least score of an idea in any contract, out of ten.",
    ] = None
    high_min_score_tenths: Annotated[
        int,
        live(key="high_min_score", unit=10, kind=float, ge=0, le=10),
        "The same in contracts of high volatility (MNQ, NQ).",
    ] = 50
    high_primary: Annotated[
        Timeframe,
        restart(),
        "Their primary timeframe: its volume is the one that has to confirm.",
    ] = Timeframe.M5
    high_look_back: Annotated[
        int,
        restart(ge=10, le=5000),
        "Their zones count so many bars of their timeframe after they were made or touched.",
    ] = 150
    medium_min_score_tenths: Annotated[
        int,
        live(key="medium_min_score", unit=10, kind=float, ge=0, le=10),
        "Least score in contracts of medium volatility (MES, ES, MGC, GC).",
    ] = 60
    medium_primary: Annotated[Timeframe, restart(), "Their primary timeframe."] = Timeframe.M15
    medium_look_back: Annotated[int, restart(ge=10, le=5000), "The look-back of their zones, bars."] = 500
    weights: Annotated[
        Weights,
        restart(
            allowed="a table of timeframes and whole numbers that make 100 together",
            default="`{ 1m = 15, 5m = 30, 15m = 25, 30m = 20, 1h = 10 }`",
        ),
        "How much each timeframe counts in the score, per cent.",
    ] = USUAL_ALIGNMENT.weights
    min_agreeing: Annotated[int, live(ge=1, le=11), "So many timeframes at least have to agree."] = 3
    veto: Annotated[
        tuple[Timeframe, ...],
        restart(allowed="a list of timeframes that have a weight"),
        "Timeframes that may not point the other way.",
    ] = USUAL_ALIGNMENT.veto
    min_volume: Annotated[
        float,
        live(ge=0, le=100),
        "Least volume of the primary timeframe's newest bar, in multiples of what is usual; 0 is off.",
    ] = 1.0
    reference: Annotated[
        str,
        restart(allowed="a contract of this run, or the name of a dataset"),
        "A series that may speak against a trade, such as DXY; empty asks none.",
    ] = ""
    reference_timeframe: Annotated[Timeframe, restart(), "Bars of both that are compared."] = Timeframe.M5
    reference_bars: Annotated[int, restart(ge=10, le=500), "Their newest returns that are correlated."] = 60
    reference_move: Annotated[
        int, restart(ge=1, le=500), "Over so many of these the reference rises or falls."
    ] = 12
    reference_least: Annotated[
        float, live(gt=0, le=1), "Least correlation, either way, at which the reference is listened to."
    ] = 0.5
    reference_points: Annotated[
        float,
        live(ge=0, le=10),
        "What is taken off the score where the reference contradicts; 0 refuses the trade.",
    ] = 0.0
    learn: Annotated[
        bool,
        live(),
        "What patterns came to counts in the score, past learn_trades; outcomes are written down either way.",
    ] = True
    learn_trades: Annotated[
        int, live(ge=5, le=10_000), "Least number of outcomes of a pattern that counts in the score."
    ] = 30
    learn_points: Annotated[
        float, live(ge=0, le=5), "Most that it adds to the score or takes from it, points out of ten."
    ] = 1.0
    near_score_tenths: int = 45
    """From this score on a reaction that comes to nothing is worth telling."""
    min_reward_to_risk: float = 1.5
    second_reward_to_risk: Annotated[
        float,
        live(key="second_target_r", ge=0.2, le=40),
        "Least distance of the second target in multiples of the risk; the first one's is "
        "risk.reward_to_risk_min.",
    ] = 2.2
    reach_atr: float = 0.5
    """How far from a zone price may turn and still have reacted to it."""
    probe_bars: int = 3
    """Minutes, the newest included, in which price may have reached into the zone; at most 5."""
    buffer_atr: float = 0.5
    """From the zone, or the move's extreme if that lies further, to the stop."""
    min_stop_atr: float = 1.5
    max_stop_atr: float = 8.0
    min_stop_ticks: int = 4
    max_stop_ticks: int = 1000
    """Of futures; a tick of other kinds is small beside the price."""
    min_level_touches: int = 2
    barrier_touches: int = 3
    """Swings that make an opposing level one to respect."""
    cooldown_ns: Annotated[
        int,
        live(key="cooldown_minutes", unit=MINUTE, ge=0, le=600),
        "Silence on a product after an idea, minutes.",
    ] = 20 * MINUTE
    near_cooldown_ns: int = 15 * MINUTE
    """Silence on the same kind of near miss."""

    @property
    def alignment(self) -> AlignmentConfig:
        return AlignmentConfig(self.weights, self.min_agreeing, self.veto)

    def terms(self, instrument: Instrument) -> ClassTerms:
        """What is asked in an instrument, by its volatility (docs/learning.md#volatility-classes)."""
        high = instrument.volatility is Volatility.HIGH
        least = self.high_min_score_tenths if high else self.medium_min_score_tenths
        key = f"{instrument.volatility}_min_score"
        if self.min_score_tenths is not None:
            least, key = self.min_score_tenths, "min_score"
        if high:
            return ClassTerms(least, key, self.high_primary, self.high_look_back)
        return ClassTerms(least, key, self.medium_primary, self.medium_look_back)


def alignment_problem(config: ZoneReactionConfig) -> tuple[str, str] | None:
    """(Key, what is wrong) where the settings of the alignment do not fit together."""
    frames = [timeframe for timeframe, _ in config.weights]
    total = sum(weight for _, weight in config.weights)
    if total != 100 or any(weight < 0 for _, weight in config.weights):
        return "weights", f"must be 0 or more each and make 100 together, not {total}"
    if config.reference_move > config.reference_bars:
        return "reference_move", f"must be reference_bars ({config.reference_bars}) at most"
    if config.min_agreeing > len(frames):
        return "min_agreeing", f"must be {len(frames)} at most: so many timeframes have a weight"
    foreign = [timeframe for timeframe in config.veto if timeframe not in frames]
    if foreign:
        return "veto", f"must be timeframes that have a weight, some of {', '.join(frames)}"
    return None
