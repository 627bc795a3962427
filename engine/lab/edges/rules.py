"""What an edge must show, and by which rules candidates are traded (docs/discovery.md#what-is-searched)."""

from __future__ import annotations

from msgspec import Struct

from engine.model.market import Timeframe


class Thresholds(Struct, frozen=True):
    """What a candidate of one timeframe must show, in each part of the time."""

    min_win_rate: float
    """0..1; a trade is won when it made more than its costs. Above what `required_rr` needs to break even."""
    min_profit_factor: float
    min_trades: int
    """Over all of the time: each part has to bring its share."""
    required_rr: float
    """Where the target is, in multiples of the risk."""


_FAST = Thresholds(0.38, 1.2, 50, 2.0)
_MEDIUM = Thresholds(0.33, 1.2, 40, 2.5)
_SLOW = Thresholds(0.29, 1.2, 30, 3.0)

THRESHOLDS: dict[Timeframe, Thresholds] = {
    Timeframe.M1: _FAST,
    Timeframe.M2: _FAST,
    Timeframe.M3: _FAST,
    Timeframe.M5: _FAST,
    Timeframe.M10: _MEDIUM,
    Timeframe.M15: _MEDIUM,
    Timeframe.M30: _SLOW,
    Timeframe.H1: _SLOW,
    Timeframe.H2: _SLOW,
    Timeframe.H4: _SLOW,
    Timeframe.D1: _SLOW,
}
"""The slower, the fewer trades there are and the more each must aim at."""

USUAL = (Timeframe.M2, Timeframe.M5, Timeframe.M15, Timeframe.M30)
"""The timeframes that are searched where nobody says which."""


class EdgeRules(Struct, frozen=True):
    """How candidates are found, traded and judged."""

    timeframes: tuple[Timeframe, ...] = USUAL
    error_rate: float = 0.05
    """How often a whole run may report an edge where there is none, 0..1."""
    in_sample_share: float = 0.6
    """Of the time: what is searched. The rest tests what was found, once."""
    shortlist: int = 8
    """Most candidates that are tested: the fewer, the less each has to prove."""
    screen_p: float = 0.1
    """What a candidate's p-value in sample, uncorrected, may be at most: it chooses, it proves nothing."""
    hold_bars: int = 24
    """A trade is ended after so many bars of its timeframe."""
    slippage_ticks: int = 1
    """Of everything that is no limit order."""
    costs: bool = True
    """Whether fees, commission and slippage are paid."""
    folds: int = 5
    """Tests of the walk forward."""
    slices: int = 8
    """Of the cross-validation; an even number."""

    def thresholds(self, timeframe: Timeframe) -> Thresholds:
        return THRESHOLDS[timeframe]

    def least_trades(self, timeframe: Timeframe, share: float) -> int:
        """What a candidate needs in a part of the time of this share."""
        return max(2, round(self.thresholds(timeframe).min_trades * share))

    def hold_ns(self, timeframe: Timeframe) -> int:
        """What a trade can last, nanoseconds; the embargo is as long."""
        return self.hold_bars * timeframe.nanos
