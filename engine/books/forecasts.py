"""What became of predictions: by the barriers that each was about, in the minutes that close after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.market.bars import BarsClosed
from engine.model import records as r
from engine.model.instrument import Instrument
from engine.model.market import MINUTE, Bar, Timeframe
from engine.model.opinion import SLIPPAGE_TICKS
from engine.signals.market_data import MarketData
from engine.state.turn import Turn


class Forecasts:
    """Of one run; predictions of runs before wait here, too."""

    def __init__(self, turn: Turn, market: MarketData, instruments: Mapping[str, Instrument]) -> None:
        self._turn = turn
        self._market = market
        self._instruments = instruments
        self._looked: dict[str, int] = {}
        """By prediction, the close up to which its outcome was looked for."""

    def month(self, instrument: str) -> str:
        """Id of the active contract whose prices count."""
        return self._turn.state.month(instrument, self._market.sources.active(instrument))[0]

    def look(self, closed: BarsClosed) -> None:
        """Look for the outcome of predictions in the minutes that have closed, before a start too."""
        waiting = self._turn.state.opinions.waiting
        if not waiting:
            self._looked.clear()
            return
        for bar in closed.bars:
            if bar.timeframe is not Timeframe.M1:
                continue
            for formed in [one for one in waiting.values() if one.instrument == bar.instrument]:
                ended = self._ended(formed, bar)
                if ended is not None:
                    self._looked.pop(formed.opinion.id, None)
                    name, r_multiple = ended
                    self._turn.commit(
                        r.OpinionScored(ts=self._turn.now, id=formed.opinion.id, ended=name, r=r_multiple)
                    )

    def _ended(self, formed: r.OpinionFormed, newest: Bar) -> tuple[str, float | None] | None:
        """How a prediction has ended by the close of a minute, and with which result; None while it runs."""
        if formed.contract != self.month(formed.instrument):
            return "unknown", None
        since = self._looked.get(formed.opinion.id, formed.closed_ts)
        bars: Sequence[Bar] = (newest,)
        if newest.open_ts > since:
            bars = self._market.bars.since(formed.instrument, Timeframe.M1, since)
        self._looked[formed.opinion.id] = newest.close_ts
        for bar in bars:
            if bar.open_ts < since or bar.open_ts > newest.open_ts:
                continue
            found = judged(formed, bar)
            if found is not None:
                name, exit_price = found
                return name, _result(formed, exit_price, self._instruments.get(formed.instrument))
        return None


def judged(formed: r.OpinionFormed, bar: Bar) -> tuple[str, int] | None:
    """How a minute ends a prediction, and at which price (ticks), as in training (docs/models.md): of both
    barriers in it the stop, at its open where that is beyond; the target must be passed, and not in the
    minute of the entry.
    """
    sign, slip = formed.side.sign, SLIPPAGE_TICKS
    stop = formed.reference - sign * formed.stop_ticks
    target = formed.reference + sign * formed.target_ticks
    worst, best = (bar.low, bar.high) if sign > 0 else (bar.high, bar.low)
    if (worst - stop) * sign <= 0:
        beyond = (bar.open - stop) * sign < 0
        return "stop", (bar.open if beyond else stop) - sign * slip
    if (best - target) * sign > 0 and bar.open_ts >= formed.closed_ts + MINUTE:
        return "target", target
    if bar.close_ts >= formed.until_ts:
        return "time", bar.close - sign * slip
    return None


def _result(formed: r.OpinionFormed, exit_price: int, instrument: Instrument | None) -> float:
    """In R, net of the costs of both sides."""
    moved = (exit_price - formed.reference) * formed.side.sign
    if instrument is None:
        return moved / formed.stop_ticks
    costs = instrument.round_trip(formed.reference, exit_price) / instrument.usd(formed.stop_ticks)
    return round(moved / formed.stop_ticks - float(costs), 4)
