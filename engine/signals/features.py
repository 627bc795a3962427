"""The numbers that a model is given at the close of a bar (docs/models.md#features).

The same code makes them live and for training. Each is worked out from closed bars, prints and tellings up
to that close, and nothing later; distances are in ATR of the judged timeframe, so that instruments are alike;
and whatever has a direction is counted along the side that is judged: above zero speaks for the trade,
whether long or short. What is not known is NaN.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from math import cos, log, nan, pi, sin, sqrt

from engine.market.calendars.known import calendar_in
from engine.model.instrument import Instrument
from engine.model.market import MINUTE, USUAL, Bar, Side, Timeframe
from engine.model.opinion import hash_of
from engine.model.view import SessionPhase
from engine.signals.board import SignalBoard
from engine.signals.frame import FrameSignals
from engine.signals.regime import RegimeDetector
from engine.signals.sessions import VolumeByTime

VERSION = 1
"""Goes up with every change of what a number means."""

_PAST = 24
"""Bars that have to be there before anything is said."""
_FAR_ATR = 8.0
"""Distances beyond it are all the same."""

NAMES: tuple[str, ...] = (
    # bars
    "move_1",
    "move_3",
    "move_6",
    "move_12",
    "move_24",
    "body",
    "close_place",
    "range_atr",
    "channel_place",
    "streak",
    # volatility and volume
    "atr_bps",
    "atr_heat",
    "spread_of_moves",
    "adx",
    "trend_way",
    "volume_20",
    "volume_of_time",
    # order flow
    "flow_1",
    "flow_3",
    "flow_12",
    "flow_known",
    # structure
    "trend",
    "pattern_way",
    "pattern_age",
    "leg_way",
    "leg_place",
    "room_ahead",
    "room_behind",
    "block_behind",
    "block_ahead",
    "gaps_with",
    "pool_ahead",
    "day_ahead",
    "day_behind",
    # sessions
    "vwap_away",
    "vwap_deviations",
    "session_place",
    "open_away",
    "session_minutes",
    "hour_sin",
    "hour_cos",
    "regular_hours",
    "short",
    # alignment
    *(f"reading_{timeframe}" for timeframe in USUAL),
    "alignment",
    "agreeing",
    "opposing",
    # mood
    "mood",
    "mood_trend",
    "mood_weight",
)
HASH = hash_of(NAMES, VERSION)
FRAMES = frozenset(USUAL)
"""Timeframes that have to be folded."""

Vector = tuple[float, ...]


class _Path:
    """The newest bars of a series as one path; fed by the board with closed bars only."""

    __slots__ = ("bars", "streak")

    def __init__(self) -> None:
        self.bars: deque[Bar] = deque(maxlen=_PAST + 1)
        self.streak = 0
        """Closes in a row that went the same way, signed."""

    def add(self, bar: Bar) -> None:
        """Take a closed bar."""
        if self.bars:
            way = (bar.close > self.bars[-1].close) - (bar.close < self.bars[-1].close)
            self.streak = self.streak + way if way * self.streak > 0 else way
        self.bars.append(bar)


class Features:
    """Reads the features of one run's markets off its board. Ask at every close that counts: what is counted
    from prints begins with the first question.
    """

    def __init__(self, board: SignalBoard, instruments: Mapping[str, Instrument]) -> None:
        self._board = board
        self._instruments = instruments

    def listen(self, instrument: str, timeframe: Timeframe) -> None:
        """Have everything counted from now on that is counted only where somebody asks."""
        self._board.order_flow(instrument)
        self.digest(instrument, timeframe)

    def digest(self, instrument: str, timeframe: Timeframe) -> None:
        """Have indicators take in what has closed, so that a question waits less. It changes no answer."""
        board = self._board
        board.follow(instrument, timeframe, _Path)
        board.regime(instrument, timeframe)
        board.session(instrument)
        board.vwap(instrument)
        self._of_time(instrument, timeframe)

    def atr(self, instrument: str, timeframe: Timeframe) -> float:
        """Of the timeframe at its newest close, ticks; 0 before there is one."""
        return self._board.frame(instrument, timeframe).atr.value or 0.0

    def vector(self, instrument: str, timeframe: Timeframe, side: Side, ts: int) -> Vector | None:
        """All of them at the newest close, `ts`; None while too little is known of the timeframe."""
        board, sign = self._board, side.sign
        frame = board.frame(instrument, timeframe)
        path: _Path = board.follow(instrument, timeframe, _Path)
        bar, atr = frame.bar, frame.atr.value or 0.0
        if bar is None or atr <= 0 or len(path.bars) <= _PAST or path.bars[-1].open_ts != bar.open_ts:
            return None
        values = (
            *_bars(path, bar, atr, sign),
            *self._volatility(frame, path, bar, atr, sign),
            *self._flow(instrument, bar, path, sign),
            *_structure(frame, bar, atr, sign),
            *self._day_before(instrument, bar, atr, sign),
            *self._session(instrument, bar, atr, sign, ts),
            *self._alignment(instrument, sign),
            *self._mood(instrument, sign, ts),
        )
        return tuple(map(float, values))

    def _volatility(
        self, frame: FrameSignals, path: _Path, bar: Bar, atr: float, sign: int
    ) -> Iterator[float]:
        regime: RegimeDetector = self._board.regime(frame.instrument, frame.timeframe)
        yield log(max(1e-3, 10_000 * atr / max(1, bar.close)))
        yield _or_nan(regime.heat)
        yield _spread(path) / atr
        adx = regime.adx
        yield _or_nan(None if adx.value is None else adx.value / 100)
        rising, falling = adx.rising, adx.falling
        yield nan if rising is None or falling is None else sign * (rising - falling) / 100
        yield _or_nan(frame.volume.value)
        yield _or_nan(self._of_time(frame.instrument, frame.timeframe).value)

    def _of_time(self, instrument: str, timeframe: Timeframe) -> VolumeByTime:
        """Over no more sessions than a start of the engine knows: live it is what it was in training."""
        calendar = calendar_in(self._instruments, instrument)
        return self._board.follow(instrument, timeframe, VolumeByTime, calendar, 3, 1)

    def _flow(self, instrument: str, bar: Bar, path: _Path, sign: int) -> Iterator[float]:
        flow, bars = self._board.order_flow(instrument), path.bars
        spans = [flow.between(bars[-count].open_ts, bar.close_ts) for count in (1, 3, 12)]
        for span in spans:
            imbalance = span.imbalance
            yield nan if imbalance is None else sign * imbalance
        told = spans[-1].bought + spans[-1].sold
        yield told / (told + spans[-1].unknown) if told + spans[-1].unknown else nan

    def _day_before(self, instrument: str, bar: Bar, atr: float, sign: int) -> Iterator[float]:
        """By half hours, which reach back over it from the start on."""
        day = self._board.frame(instrument, Timeframe.M30).previous_day
        if day.high is None or day.low is None:
            yield from (nan, nan)
            return
        ahead, behind = (day.high, day.low) if sign > 0 else (day.low, day.high)
        yield _near(sign * (ahead - bar.close) / atr)
        yield _near(sign * (bar.close - behind) / atr)

    def _session(self, instrument: str, bar: Bar, atr: float, sign: int, ts: int) -> Iterator[float]:
        board, calendar = self._board, calendar_in(self._instruments, instrument)
        vwap, levels = board.vwap(instrument), board.session(instrument)
        value, deviation = vwap.value, vwap.deviation
        away = nan if value is None else sign * (bar.close - value)
        yield _near(away / atr)
        yield _near(away / deviation) if deviation else nan
        day = levels.day
        yield nan if day is None else _place(bar.close, day.low, day.high, sign)
        yield nan if day is None or day.open is None else _near(sign * (bar.close - day.open) / atr)
        yield (ts - levels.opened) / (60 * MINUTE) if levels.opened else nan
        clock = calendar.hhmm(bar.open_ts)
        turn = 2 * pi * (int(clock[:2]) * 60 + int(clock[3:5])) / 1440
        yield sin(turn)
        yield cos(turn)
        yield float(calendar.phase(bar.open_ts) is SessionPhase.RTH)
        yield float(sign < 0)

    def _alignment(self, instrument: str, sign: int) -> Iterator[float]:
        alignment = self._board.alignment(instrument)
        for timeframe in USUAL:
            reading = self._board.frame(instrument, timeframe).reading
            yield sign * reading.direction * reading.strength
        yield sign * alignment.direction * alignment.score_tenths / 100
        yield sign * alignment.direction * alignment.agreeing / max(1, alignment.of)
        yield float(len(alignment.opposing))

    def _mood(self, instrument: str, sign: int, ts: int) -> Iterator[float]:
        mood = self._board.moods.reading(instrument, ts)
        if mood is None:
            yield from (nan, nan, 0.0)
        else:
            yield from (sign * mood.score, sign * mood.trend, log(1 + mood.weight))


def _bars(path: _Path, bar: Bar, atr: float, sign: int) -> Iterator[float]:
    bars = path.bars
    for back in (1, 3, 6, 12, 24):
        yield sign * (bar.close - bars[-1 - back].close) / atr
    span = bar.high - bar.low
    yield sign * (bar.close - bar.open) / span if span else 0.0
    yield _place(bar.close, bar.low, bar.high, sign)
    yield span / atr
    newest = list(bars)[1:]
    yield _place(bar.close, min(one.low for one in newest), max(one.high for one in newest), sign)
    yield float(sign * max(-8, min(8, path.streak)))


def _structure(frame: FrameSignals, bar: Bar, atr: float, sign: int) -> Iterator[float]:
    close = bar.close
    yield float(sign * frame.structure.trend)
    pattern = frame.pattern
    yield nan if pattern is None else float(sign * pattern.direction)
    yield nan if pattern is None else float(min(100, frame.index - pattern.index))
    leg = frame.legs.last
    yield nan if leg is None else float(sign * leg.direction)
    place = nan if leg is None else max(-2.0, min(3.0, leg.place(close)))
    yield place if sign > 0 else 1 - place
    edges = [(level.low, level.high) for level in frame.levels.strong()]
    yield _ahead(edges, close, sign) / atr
    yield _ahead(edges, close, -sign) / atr
    yield _ahead([(one.low, one.high) for one in frame.live_blocks(sign)], close, -sign) / atr
    yield _ahead([(one.low, one.high) for one in frame.live_blocks(-sign)], close, sign) / atr
    reach = 3 * atr
    near = [gap for gap in frame.gaps.live if gap.low - reach <= close <= gap.high + reach]
    yield float(sum(sign * gap.polarity for gap in near))
    pools = [(pool.level, pool.level) for pool in frame.liquidity.live]
    yield _ahead(pools, close, sign) / atr


def _ahead(edges: Iterable[tuple[int, int]], close: int, sign: int) -> float:
    """Ticks to the nearest zone in a direction, 0 inside one; NaN where there is none."""
    if sign > 0:
        found = [max(0, low - close) for low, high in edges if high >= close]
    else:
        found = [max(0, close - high) for low, high in edges if low <= close]
    return float(min(found)) if found else nan


def _place(price: int, low: int | None, high: int | None, sign: int) -> float:
    """-1 at the far end of a range behind, +1 at that ahead."""
    if low is None or high is None or high <= low:
        return 0.0
    return sign * (2 * (price - low) / (high - low) - 1)


def _spread(path: _Path) -> float:
    """Standard deviation of closes' changes, ticks."""
    closes = [one.close for one in path.bars]
    moves = [after - before for before, after in pairwise(closes)]
    mean = sum(moves) / len(moves)
    return sqrt(sum((move - mean) ** 2 for move in moves) / len(moves))


def _near(value: float) -> float:
    return value if value != value else max(-_FAR_ATR, min(_FAR_ATR, value))


def _or_nan(value: float | None) -> float:
    return nan if value is None else value
