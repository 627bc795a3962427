"""The candle chart of the shown contract and timeframe."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from engine.model.chart import ChartView, OlderBars
from engine.model.market import Bar
from engine.model.view import ContractView, SessionView
from tui import clock_times as times
from tui import number_format as figures
from tui.panes.base import Pane, waiting
from tui.plain_text import plain
from tui.rows.chart import candles, levels_of
from tui.screen_state import ScreenState
from tui.styled_text import EMPTY, Row
from tui.view_facts import session_of
from tui.widgets.grid import Content

WIDEST = 3


class ChartPane(Pane):
    """Candles, levels and zones. Left and right look back, plus and minus change the width of a candle.

    Who looks back, or makes room, beyond what is there, has the engine asked for older bars.
    """

    NAME = "chart"
    FOLLOWS = True
    PERIOD: ClassVar[float] = 0.5
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "back(8)", show=False),
        Binding("right", "back(-8)", show=False),
        Binding("end", "back(-1000000)", show=False),
        Binding("plus,equals_sign", "widen(1)", show=False),
        Binding("minus", "widen(-1)", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._pitch = 0
        self._back = self._bars = 0
        self._state: ScreenState | None = None
        self._chart: ChartView | None = None

    def build(self, state: ScreenState) -> Content:
        if self._state is not None and state.instrument != self._state.instrument:
            self._back = 0
        self._state = state
        contract, chart = state.contract, self._chart_of(state)
        if contract is None or chart is None or not (chart.bars or chart.forming):
            return Content(waiting(_missing(state, chart)), title=self._title(state), note=_frames(state))
        width, height = self.inner
        most = max(0, len(chart.bars) - 10)
        self._back = min(self._back, most)
        every = (*chart.bars, chart.forming) if chart.forming is not None else chart.bars
        self._bars = len(every)
        pitch = self._pitch or self._pitch_for(len(every))
        levels, session = levels_of(state.view, contract), session_of(state.view, contract)
        seen = self._left <= self._shown(pitch)
        words = _older_words(chart.older, seen=seen and self._back > 0, last=0 < most == self._back)
        head = self._title(state, words)
        rows = candles(chart, contract, levels, width, height, pitch, self._back, session)
        bar = every[-1 - min(self._back, len(every) - 1)]
        foot = _ohlc(bar, contract, session, looked_back=self._back > 0) if width >= 60 else EMPTY
        return Content(rows, title=head, note=_frames(state), foot=foot)

    @property
    def _left(self) -> int:
        """Bars from the one at the right back to the oldest."""
        return self._bars - self._back

    def _shown(self, pitch: int) -> int:
        """How many bars there is room for, about."""
        return max(1, (self.inner[0] - 20) // pitch)

    def _pitch_for(self, bars: int) -> int:
        """Cells a candle: two where there is room, more where there are few."""
        width = self.inner[0]
        return min(WIDEST, max(2 if width >= 92 else 1, (width - 20) // max(1, bars)))

    def _chart_of(self, state: ScreenState) -> ChartView | None:
        """The chart as of now; what was drawn of it last where the engine is too busy to draw it."""
        chart, before = state.chart, self._chart
        shown = state.instrument, state.timeframe
        if chart is None and before is not None and (before.instrument, before.timeframe) == shown:
            return before
        self._chart = chart
        return chart

    def _title(self, state: ScreenState, older: str = "") -> Row:
        """`older` says what there is before the bars that are looked at."""
        if state.contract is None:
            return (("Chart", "dim"),)
        name = plain(state.contract.name)
        said = [f"{self._back} bars back"] if self._back else []
        back = f" · {', '.join([*said, *filter(None, [older])])}" if said or older else ""
        return (
            ("Chart · ", "dim"),
            (name, "accent bold"),
            (f" {state.timeframe.value}", "text bold"),
            (back, "warn"),
        )

    def _redraw(self) -> None:
        if self._state is not None:
            self.show(self.build(self._state))

    def _look_further(self) -> None:
        """Draw, and ask for older bars before those that are here have gone by."""
        self._redraw()
        state = self._state
        if state is not None and self._left < 2 * self._shown(self._pitch or self._pitch_for(self._bars)):
            state.older_of(state.instrument, state.timeframe)

    def action_back(self, bars: int) -> None:
        self._back = max(0, self._back + bars)
        if bars > 0:
            self._look_further()
        else:
            self._redraw()

    def action_widen(self, by: int) -> None:
        self._pitch = max(1, min(WIDEST, (self._pitch or self._pitch_for(self._bars)) + by))
        self._look_further()


def _missing(state: ScreenState, chart: ChartView | None) -> str:
    """Why there is nothing to draw."""
    if state.contract is None:
        return "waiting for contracts"
    if state.view.health.stopped:
        return "no engine, no chart"
    # Before the engine stands there is a picture of version 0, and nobody to draw a chart.
    return "waiting for history" if chart is not None or not state.view.version else "waiting for the chart"


def _older_words(older: OlderBars, *, seen: bool, last: bool) -> str:
    """What there is before the bars that are looked at, once the oldest is `seen` or the `last` in view."""
    match older:
        case OlderBars.LOADING:
            return "loading older bars…"
        case OlderBars.FAILED:
            return "older bars failed to load, ← tries again"
        case OlderBars.NONE if seen or last:
            return "no older bars"
        case OlderBars.MOST if seen or last:
            return "no older bars are kept"
    return "the oldest" if last else ""


def _frames(state: ScreenState) -> Row:
    """All timeframes, the shown one marked."""
    spans: list[tuple[str, str]] = []
    for frame in state.timeframes:
        shown = frame is state.timeframe
        spans.append((f"[{frame.value}]" if shown else f" {frame.value} ", "accent bold" if shown else "dim"))
    return tuple(spans)


def _ohlc(bar: Bar, contract: ContractView, session: SessionView, *, looked_back: bool) -> Row:
    """The bar that stands at the right; its time where that is not now."""
    tone = figures.trend(bar.close - bar.open)
    spans: list[tuple[str, str]] = []
    if looked_back:
        at = f"{times.trade_day(bar.open_ts, session)} {times.hour_minute(bar.open_ts, session.zone)}  "
        spans.append((at, "warn"))
    for letter, ticks in zip("OHLC", (bar.open, bar.high, bar.low, bar.close), strict=True):
        price = figures.price(contract.tick_size * ticks, contract.decimals)
        spans += [(f"{letter} ", "dim"), (f"{price}  ", tone if letter == "C" else "text")]
    return (*spans, ("V ", "dim"), (figures.volume(bar.volume, contract.lot_size), "text"))
