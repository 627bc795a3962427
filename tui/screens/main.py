"""The main screen: the panes, what is chosen, and what each key does."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.reactive import reactive
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from engine.model.market import Timeframe
from tui.actions import ACTIONS, PANES
from tui.layout import LEAST, Shape, arrange, shape_of
from tui.panes.base import Pane
from tui.panes.chart import ChartPane
from tui.panes.market import AlignmentPane, QuotesPane, SystemPane
from tui.panes.messages import AlertsPane, LogPane
from tui.panes.pnl import PnlPane
from tui.panes.positions import OrdersPane, PositionsPane, TradesPane
from tui.rows.hints import key_line
from tui.rows.messages import alert_line, log_line
from tui.rows.safety import safety_row
from tui.rows.status import quote_strip, status_row
from tui.screen_state import Scene
from tui.styles import Palette
from tui.widgets.keyline import KeyLine
from tui.widgets.line import Bar, Line
from tui.widgets.pane_area import Deck

if TYPE_CHECKING:
    from tui.app import TStreamApp

_PANES: tuple[type[Pane], ...] = (
    ChartPane,
    PositionsPane,
    OrdersPane,
    AlignmentPane,
    PnlPane,
    AlertsPane,
    LogPane,
    QuotesPane,
    SystemPane,
    TradesPane,
)


class MainScreen(Screen[None]):
    """Draws the Scene that the app hands in. Looking is done here; trading goes through the app."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(a.keys, f"act('{a.id}')", a.label, id=a.id, tooltip=a.tooltip, show=False)
            for a in ACTIONS.values()
        ),
        Binding("escape", "back", show=False),
    ]

    instrument: reactive[str] = reactive("", init=False)
    """The shown contract: status bar, chart and alignment follow it at once."""
    timeframe: reactive[Timeframe] = reactive(Timeframe.M5, init=False)

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self._palette = palette
        self._panes: list[Pane] = [pane(palette) for pane in _PANES]
        self._status = Bar(palette, id="status")
        self._safety = Bar(palette, id="safety")
        self._strip = Line(palette, id="strip")
        self._alert = Line(palette, id="alert-line")
        self._log = Line(palette, id="log-line")
        self._keys = KeyLine(palette, id="keys")
        self._deck = Deck()
        self._zoomed = ""
        self._swapped = False
        self._shape = Shape.TINY

    @property
    def cockpit(self) -> TStreamApp:
        """The app that this screen belongs to."""
        return cast("TStreamApp", self.app)

    def compose(self) -> ComposeResult:
        message = Static("", id="too-small", markup=False)
        with self._deck:
            lines = (self._alert, self._log, self._keys, message)
            yield from (self._status, self._safety, self._strip, *self._panes, *lines)

    def pane(self, name: str) -> Pane:
        """A pane by its name. Raises KeyError."""
        for pane in self._panes:
            if name == pane.NAME:
                return pane
        raise KeyError(name)

    def on_mount(self) -> None:
        self._place()

    def on_resize(self, event: events.Resize) -> None:
        self._place()
        # Panes learn their new sizes when this layout is done; they are drawn right after it.
        self.call_after_refresh(self.cockpit.hurry)

    def _place(self) -> None:
        width, height = self.size
        if not width or not height:
            return
        self._shape = shape_of(width, height)
        plan = arrange(width, height, self._zoomed, self._swapped)
        positions = cast("PositionsPane", self.pane("positions"))
        positions.fold_orders = "orders" not in plan and not self._zoomed
        self._deck.place(plan)
        if self._shape is Shape.TINY:
            self.query_one("#too-small", Static).update(
                f"tstream needs {LEAST[0]}×{LEAST[1]} cells,\nthis window has {width}×{height}"
            )
        focused = self.focused
        if isinstance(focused, Pane) and not focused.display:
            self.set_focus(None)

    def set_palette(self, palette: Palette) -> None:
        """Wear other colours."""
        self._palette = palette
        lines: tuple[Line, ...] = (
            self._status,
            self._safety,
            self._strip,
            self._alert,
            self._log,
            self._keys,
        )
        widgets: list[Line | Pane] = [*lines, *self._panes]
        for widget in widgets:
            widget.set_palette(palette)

    def draw(self, scene: Scene, now: float, force: bool = False) -> None:
        """Show the scene; `now` is in monotonic seconds, `force` draws panes that are not due."""
        self.set_reactive(MainScreen.instrument, scene.instrument)
        width = self.size.width
        self._status.set_row(status_row(scene, width))
        lines: tuple[tuple[Line, Callable[[Scene, int], object]], ...] = (
            (self._safety, safety_row),
            (self._strip, quote_strip),
            (self._alert, alert_line),
            (self._log, log_line),
        )
        for line, build in lines:
            if line.display:
                line.set_row(build(scene, width))  # type: ignore[arg-type]
        self._keys.show(key_line(scene, self.cockpit.keys, self._shape, width))
        for pane in self._panes:
            pane.draw(scene, now, force)

    # What the keys do that only look.

    def watch_instrument(self, instrument: str) -> None:
        self.cockpit.stage.choice.instrument = instrument
        self.cockpit.hurry()

    def watch_timeframe(self, timeframe: Timeframe) -> None:
        self.cockpit.stage.choice.timeframe = timeframe
        self.cockpit.hurry()

    async def action_act(self, action_id: str) -> None:
        self.cockpit.act(action_id)

    def do_contract(self, by: int) -> None:
        self.instrument = self.cockpit.stage.step_contract(by)

    def do_timeframe(self, by: int) -> None:
        self.timeframe = self.cockpit.stage.step_timeframe(by)

    def do_focus_pane(self, name: str) -> None:
        pane = self.pane(name)
        if not pane.display or (self._zoomed and self._zoomed != name):
            # Where a pane has no room of its own it gets the whole body.
            self._zoom(name)
        pane.focus()

    def do_zoom(self) -> None:
        focused = self.focused
        if self._zoomed:
            self._zoom("")
        else:
            self._zoom(focused.NAME if isinstance(focused, Pane) else "chart")

    def _zoom(self, name: str) -> None:
        self._zoomed = name
        self._place()
        self.call_after_refresh(self.cockpit.hurry)

    def action_back(self) -> None:
        if self._zoomed:
            self._zoom("")
        else:
            self.set_focus(None)

    def do_swap(self) -> None:
        if self._shape is not Shape.SMALL or self._zoomed:
            self.cockpit.say(f"chart and alignment are both here: {PANES['chart']} and {PANES['alignment']}")
            return
        self._swapped = not self._swapped
        self._place()
        self.call_after_refresh(self.cockpit.hurry)

    def on_quotes_pane_picked(self, event: QuotesPane.Picked) -> None:
        contracts = self.cockpit.stage.view.contracts
        if event.index < len(contracts):
            self.instrument = contracts[event.index].instrument

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        widget: Widget = event.widget
        widget.refresh()
