"""The candle chart of the shown contract and timeframe, and a second one beside it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import ClassVar, cast

from msgspec.structs import replace
from textual import events
from textual.binding import Binding, BindingType

from engine.model.chart import ChartView, OlderBars
from engine.model.market import Bar, Timeframe
from engine.model.orders import Slot
from engine.model.view import ContractView, OrderView, SessionView
from tui import clock_times as times
from tui import number_format as figures
from tui.base_app import CockpitApp
from tui.dragging import DraggedOrder
from tui.ladder_orders import ticks_of
from tui.panes.base import Pane
from tui.plain_text import plain
from tui.remembered import Remembered
from tui.rows.chart import Extras, candles, framed_in, levels_of
from tui.rows.chart_marks import PriceLine, resting_of, trades_of
from tui.rows.chart_plot import Scale
from tui.rows.positions import SLOT_STYLES
from tui.screen_state import ScreenState
from tui.styled_text import EMPTY, Row
from tui.view_facts import session_of
from tui.widgets.grid import Content

WIDEST = 3

SECOND = ("", "timeframe", "contract")
"""What it shows otherwise than the first chart; empty: it is not there."""

_LONGER = {
    **dict.fromkeys((Timeframe.M1, Timeframe.M2, Timeframe.M3), Timeframe.M5),
    Timeframe.M5: Timeframe.M15,
    **dict.fromkeys((Timeframe.M10, Timeframe.M15, Timeframe.M30), Timeframe.H1),
    **dict.fromkeys((Timeframe.H1, Timeframe.H2), Timeframe.H4),
    Timeframe.H4: Timeframe.D1,
    Timeframe.D1: Timeframe.H1,
}


class ChartPane(Pane):
    """Candles, levels and zones. Left and right look back, parentheses change the width of a candle; with the
    crosshair they go from bar to bar, and h and l do.

    Who looks back, or makes room, beyond what is there, has the engine asked for older bars.
    """

    NAME = "chart"
    FILTERS = False
    FOLLOWS = True
    PERIOD: ClassVar[float] = 0.5
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("h,left", "cross(-1)", show=False),
        Binding("l,right", "cross(1)", show=False),
        Binding("escape", "leave_cross", show=False),
        Binding("left", "back(8)", show=False),
        Binding("right", "back(-8)", show=False),
        Binding("end", "newest", show=False),
        Binding("right_parenthesis", "widen(1)", show=False),
        Binding("left_parenthesis", "widen(-1)", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._pitch = 0
        self._back = self._bars = 0
        self._state: ScreenState | None = None
        self._chart: ChartView | None = None
        self._cross: int | None = None
        """Open time of the bar under the crosshair; None while there is none."""
        self._drawn: tuple[ChartView, ContractView, Sequence[PriceLine], int, int, int, int] | None = None
        """Of what the picture was made."""
        self._dragged = DraggedOrder(self._order_at, self._price_at, self.post_message)
        self._mouse_y = 0

    def build(self, state: ScreenState) -> Content:
        if self._state is not None and state.instrument != self._state.instrument:
            self._back, self._cross = 0, None
        self._state = state
        contract, chart = state.contract, state.chart
        self._chart = chart
        if contract is None or chart is None or not (chart.bars or chart.forming):
            return Content(
                self.waiting(_missing(state, chart)), title=self._title(state), note=_frames(state)
            )
        width, height = self.inner
        most = max(0, len(chart.bars) - 10)
        self._back = min(self._back, most)
        every = (*chart.bars, chart.forming) if chart.forming is not None else chart.bars
        self._bars = len(every)
        pitch = self._pitch or self._pitch_for(len(every))
        session, off = session_of(state.view, contract), frozenset(self._remembered.choices.overlays_off)
        resting = [] if "r" in off else resting_of(state.view, contract)
        levels = [*resting, *levels_of(state.view, contract)]
        seen = self._left <= self._shown(pitch)
        words = _older_words(chart.older, seen=seen and self._back > 0, last=0 < most == self._back)
        head = self._title(state, words)
        at = self._crossed(every)
        cross = None if at is None else every[at].open_ts
        extras = Extras(off, trades_of(state.view, contract), cross)
        self._drawn = chart, contract, levels, width, height, pitch, self._back
        rows = self._with_dragged(candles(*self._drawn, session, extras), contract, width)
        bar = every[-1 - min(self._back, len(every) - 1) if at is None else at]
        timed = self._back > 0 or at is not None
        foot = _ohlc(bar, contract, session, timed=timed) if width >= 60 or at is not None else EMPTY
        return Content(rows, title=head, note=_frames(state), foot=foot)

    # An order is dragged from its line to another price.

    def on_mouse_down(self, event: events.MouseDown) -> None:
        self._mouse_y = event.screen_y
        if self._dragged.press(event):
            self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self._dragged.order is not None and event.screen_y != self._mouse_y:
            self._mouse_y = event.screen_y
            self._redraw()

    def on_mouse_up(self, event: events.MouseUp) -> None:
        self.release_mouse()
        self._dragged.release(event)
        self._redraw()

    def _with_dragged(self, rows: list[Row], contract: ContractView, width: int) -> list[Row]:
        """With a line where what is dragged would be let go, and that price."""
        order, ticks = self._dragged.order, self._price_at(self._mouse_y)
        if order is None or ticks is None:
            return rows
        price, style = figures.price(ticks * contract.tick_size, contract.decimals), SLOT_STYLES[order.slot]
        text = f" {order.slot.value} → {price} "
        line: Row = (("╌" * (width - len(text)), style), (text, f"{style} bold"))
        at = self._mouse_y - self.region.y - 1
        return [*rows[:at], line, *rows[at + 1 :]]

    def _scale(self) -> Scale | None:
        framed = None if self._drawn is None else framed_in(*self._drawn)
        return None if framed is None or isinstance(framed, str) else framed.scale

    def _price_at(self, y: int) -> int | None:
        scale, row = self._scale(), y - self.region.y - 1
        return scale.ticks(row) if scale is not None and 0 <= row < scale.height else None

    def _order_at(self, y: int) -> OrderView | None:
        """The stop, where several stand in a row: that is what is moved most."""
        state, scale, row = self._state, self._scale(), y - self.region.y - 1
        contract = None if state is None else state.contract
        if state is None or contract is None or scale is None:
            return None
        own = [
            order
            for order in state.own.view.orders
            if order.instrument == contract.instrument and order.price is not None and order.plan
        ]
        here = [one for one in own if one.price and scale.row(ticks_of(one.price, contract)) == row]
        return min(here, key=lambda one: one.slot is not Slot.STOP, default=None)

    @property
    def _remembered(self) -> Remembered:
        return cast("CockpitApp", self.app).remembered

    def _crossed(self, bars: Sequence[Bar]) -> int | None:
        """Which bar is under the crosshair: the nearest, where the timeframe is another one now."""
        if self._cross is None or not bars:
            return None
        return max(0, bisect_right(bars, self._cross, key=lambda bar: bar.open_ts) - 1)

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
        return min(WIDEST, max(2 if width >= 64 else 1, (width - 20) // max(1, bars)))

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

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("cross", "leave_cross"):
            return self._cross is not None
        return super().check_action(action, parameters)

    def toggle_crosshair(self) -> None:
        """Put the crosshair on the bar at the right, or take it away."""
        chart = self._chart
        every = () if chart is None else (*chart.bars, chart.forming) if chart.forming else chart.bars
        at = len(every) - 1 - self._back
        self._cross = None if self._cross is not None or at < 0 else every[at].open_ts
        self._redraw()

    def action_leave_cross(self) -> None:
        self._cross = None
        self._redraw()

    def action_cross(self, by: int) -> None:
        chart = self._chart
        every = () if chart is None else (*chart.bars, chart.forming) if chart.forming else chart.bars
        at = self._crossed(every)
        if at is None:
            return
        at = min(max(at + by, 0), len(every) - 1)
        self._cross, back = every[at].open_ts, len(every) - 1 - at
        shown = self._shown(self._pitch or self._pitch_for(self._bars))
        # The window follows: the bar that is looked at never leaves it.
        self._back = min(max(self._back, back - shown + 1), back)
        if by < 0:
            self._look_further()
        else:
            self._redraw()

    def action_newest(self) -> None:
        if self._cross is not None and self._chart is not None:
            self._cross = (self._chart.forming or self._chart.bars[-1]).open_ts
        self.action_back(-1_000_000)

    def action_back(self, bars: int) -> None:
        self._back = max(0, self._back + bars)
        if bars > 0:
            self._look_further()
        else:
            self._redraw()

    def action_widen(self, by: int) -> None:
        self._pitch = max(1, min(WIDEST, (self._pitch or self._pitch_for(self._bars)) + by))
        self._look_further()


class SecondChartPane(ChartPane):
    """The same contract in another timeframe, or another contract in the same. While it has the focus, the
    keys of timeframe and contract are its own.
    """

    NAME = "chart-2"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("t", "timeframe(1)", show=False),
        Binding("T", "timeframe(-1)", show=False),
        Binding("n", "contract(1)", show=False),
        Binding("N", "contract(-1)", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.differs = ""
        self._timeframe: Timeframe | None = None
        self._instrument = ""
        self._given: ScreenState | None = None

    def build(self, state: ScreenState) -> Content:
        self._given = state
        return super().build(self._own(state))

    def _own(self, state: ScreenState) -> ScreenState:
        if self.differs == "timeframe":
            return replace(state, timeframe=self._timeframe or _LONGER[state.timeframe])
        known = [contract.instrument for contract in state.view.contracts]
        others = [name for name in known if name != state.instrument]
        if not others:
            return state
        wanted = self._instrument
        return replace(state, instrument=wanted if wanted in others else others[0])

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("timeframe", "contract"):
            return action == self.differs
        return super().check_action(action, parameters)

    def action_timeframe(self, by: int) -> None:
        if self._given is None:
            return
        frames = cast("CockpitApp", self.app).presenter.timeframes
        at = self._own(self._given).timeframe
        self._timeframe = frames[(frames.index(at) + by) % len(frames)] if at in frames else frames[0]
        self.show(self.build(self._given))

    def action_contract(self, by: int) -> None:
        if self._given is None:
            return
        known = [contract.instrument for contract in self._given.view.contracts]
        others = [name for name in known if name != self._given.instrument]
        if others:
            at = others.index(self._own(self._given).instrument)
            self._instrument = others[(at + by) % len(others)]
            self.show(self.build(self._given))


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


def _ohlc(bar: Bar, contract: ContractView, session: SessionView, *, timed: bool) -> Row:
    """The bar that stands at the right, or under the crosshair; its time where that is not now."""
    tone = figures.trend(bar.close - bar.open)
    spans: list[tuple[str, str]] = []
    if timed:
        at = f"{times.trade_day(bar.open_ts, session)} {times.hour_minute(bar.open_ts, session.zone)}  "
        spans.append((at, "warn"))
    for letter, ticks in zip("OHLC", (bar.open, bar.high, bar.low, bar.close), strict=True):
        price = figures.price(contract.tick_size * ticks, contract.decimals)
        spans += [(f"{letter} ", "dim"), (f"{price}  ", tone if letter == "C" else "text")]
    return (*spans, ("V ", "dim"), (figures.volume(bar.volume, contract.lot_size), "text"))
