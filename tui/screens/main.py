"""The main screen: the panes and bars, where they stand, and which contract and timeframe they show."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, cast

from msgspec.structs import replace
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.reactive import reactive
from textual.screen import Screen
from textual.widgets import Static

from engine.model.market import Timeframe
from engine.model.sums import together
from engine.model.view import View
from tui.actions import ACTIONS, PANES
from tui.base_app import CockpitApp
from tui.layout import LEAST, Shape, arrange, shape_of
from tui.layout_changes import charts_on_top, resized, with_second_chart
from tui.messages import ActionAsked
from tui.panes.base import Pane
from tui.panes.books import BooksPane
from tui.panes.chart import SECOND, ChartPane, SecondChartPane
from tui.panes.market import AlignmentPane, QuotesPane
from tui.panes.messages import AlertsPane, LogPane
from tui.panes.opinion import OpinionPane
from tui.panes.patterns import PatternsPane
from tui.panes.pnl import PnlPane
from tui.panes.positions import OrdersPane, PositionsPane, TradesPane
from tui.panes.system import SystemPane
from tui.remembered import SavedLayout
from tui.rows.bars.keys import key_row
from tui.rows.bars.quote_strip import quote_strip_row
from tui.rows.bars.safety import safety_row
from tui.rows.bars.status import status_row
from tui.rows.books import book_strip_row
from tui.rows.market import quote_things
from tui.rows.messages import alert_line, log_line
from tui.screen_state import ScreenState
from tui.styled_text import Row
from tui.things import Thing, ThingKind
from tui.widgets.grid import LiveGrid
from tui.widgets.line import KeyLine, Line, SurfaceLine
from tui.widgets.pane_area import PaneArea

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
    BooksPane,
    PatternsPane,
    SecondChartPane,
    OpinionPane,
)


def _rows(view: View) -> tuple[int, int]:
    """Of the books, with what they come to, and of the quotes."""
    books = len(view.books)
    return books + (len(together(view)) if books > 1 else 0), len(quote_things(view))


class MainScreen(Screen[None]):
    """Draws the ScreenState that the app hands in; what a key does is decided by tui.action_runner."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(a.keys, f"app.act('{a.id}')", a.label, id=a.id, tooltip=a.tooltip, show=False)
            for a in ACTIONS.values()
            if a.keys
        ),
        Binding("escape", "back", show=False),
    ]

    instrument: reactive[str] = reactive("", init=False)
    """The shown contract: status bar, chart and alignment follow it at once."""
    timeframe: reactive[Timeframe] = reactive(Timeframe.M5, init=False)

    def __init__(self) -> None:
        super().__init__()
        self._panes: list[Pane] = [pane() for pane in _PANES]
        self._lines: list[tuple[Line, Callable[[ScreenState, int], Row]]] = [
            (SurfaceLine(id="status"), status_row),
            (SurfaceLine(id="safety"), safety_row),
            (Line(id="strip"), lambda state, width: quote_strip_row(state.own, width)),
            (Line(id="book-strip"), book_strip_row),
            (Line(id="alert-line"), alert_line),
            (Line(id="log-line"), log_line),
        ]
        self._second = cast("SecondChartPane", self.pane("chart-2"))
        self._keys = KeyLine(id="keys")
        self._pane_area = PaneArea()
        self._zoomed = ""
        self._swapped = False
        self._sized_by = (0, 0)
        """Rows of books and of quotes when the panes were placed."""
        self._shape = Shape.TINY

    @property
    def cockpit(self) -> CockpitApp:
        """The app that this screen belongs to."""
        return cast("CockpitApp", self.app)

    def compose(self) -> ComposeResult:
        self.set_reactive(MainScreen.timeframe, self.cockpit.presenter.choice.timeframe)
        message = Static("", id="too-small", markup=False)
        with self._pane_area:
            yield from (*(line for line, _ in self._lines), *self._panes, self._keys, message)

    def pane(self, name: str) -> Pane:
        """A pane by its name. Raises KeyError."""
        for pane in self._panes:
            if name == pane.NAME:
                return pane
        raise KeyError(name)

    def on_mount(self) -> None:
        self.place()

    def on_resize(self, event: events.Resize) -> None:
        self.place()
        self.cockpit.redraw()

    def place(self) -> None:
        """Put everything where the size, the books and the layout want it."""
        width, height = self.size
        if not width or not height:
            return
        self._shape = shape_of(width, height)
        view = self.cockpit.presenter.view
        self._sized_by = books, quotes = _rows(view)
        layout, zoomed = self.cockpit.remembered.choices.layout, self._zoomed
        places = arrange(width, height, zoomed, self._swapped, books, quotes=quotes)
        if layout.arrangement == "charts" and not zoomed:
            places = charts_on_top(places, width, height)
        if not zoomed:
            places = resized(places, layout.grown)
        if layout.second:
            self._second.differs = layout.second
            places = with_second_chart(places)
        positions = cast("PositionsPane", self.pane("positions"))
        positions.fold_orders = "orders" not in places and not self._zoomed
        self._pane_area.place(places)
        if self._shape is Shape.TINY:
            self.query_one("#too-small", Static).update(
                f"tstream needs {LEAST[0]}×{LEAST[1]} cells,\nthis window has {width}×{height}"
            )
        focused = self.focused
        if isinstance(focused, Pane) and not focused.display:
            self.set_focus(None)

    def on_live_grid_sized(self, event: LiveGrid.Sized) -> None:
        if isinstance(event.grid, Pane):
            event.grid.draw(self.cockpit.shown, self.cockpit.clock(), force=True)

    def draw(self, state: ScreenState, now: float, force: bool = False) -> None:
        """Show the state; `now` is in monotonic seconds, `force` draws panes that are not due."""
        self.set_reactive(MainScreen.instrument, state.instrument)
        if _rows(state.view) != self._sized_by:
            self.place()
        width = self.size.width
        for line, build in self._lines:
            if line.display:
                line.set_row(build(state, width))
        self._draw_keys(state)
        for pane in self._panes:
            pane.draw(state, now, force)

    # What is shown.

    def watch_instrument(self, instrument: str) -> None:
        self.cockpit.presenter.choice.instrument = instrument
        self.cockpit.redraw()

    def watch_timeframe(self, timeframe: Timeframe) -> None:
        self.cockpit.presenter.choice.timeframe = timeframe
        self.cockpit.redraw()

    def focus_pane(self, name: str) -> None:
        """Go to a pane by its name. Raises KeyError."""
        pane = self.pane(name)
        if not pane.display or (self._zoomed and self._zoomed != name):
            # Where a pane has no room of its own it gets the whole body.
            self._zoom(name)
        self.set_focus(pane)

    def toggle_zoom(self) -> None:
        """The focused pane (else the chart) alone on the screen, or all panes again."""
        focused = self.focused
        if self._zoomed:
            self._zoom("")
        else:
            self._zoom(focused.NAME if isinstance(focused, Pane) else "chart")

    def _zoom(self, name: str) -> None:
        self._zoomed = name
        self.place()

    def action_back(self) -> None:
        choice = self.cockpit.presenter.choice
        if choice.filters.get(choice.pane):
            choice.filter(choice.pane, "")
            self.cockpit.redraw()
        elif self._zoomed:
            self._zoom("")
        else:
            self.set_focus(None)

    def toggle_crosshair(self) -> None:
        """On the focused chart, else on the first, which gets the focus."""
        focused = self.focused
        if not isinstance(focused, ChartPane):
            self.focus_pane("chart")
        chart = focused if isinstance(focused, ChartPane) else self.pane("chart")
        cast("ChartPane", chart).toggle_crosshair()

    def step_second_chart(self) -> None:
        """Another timeframe beside the chart, another contract, none."""
        remembered = self.cockpit.remembered
        layout = remembered.choices.layout
        second = SECOND[(SECOND.index(layout.second) + 1) % len(SECOND)] if layout.second in SECOND else ""
        remembered.change(layout=replace(layout, second=second), name="")
        self.place()
        self.cockpit.redraw()
        if second and not self._second.display:
            self.cockpit.toast("no room for two charts here: a larger window, or the chart alone (zoom)")

    def resize_pane(self, rows: int) -> None:
        """So many rows more for the focused pane, taken from the one below, else above."""
        focused, remembered = self.focused, self.cockpit.remembered
        if not isinstance(focused, Pane) or self._zoomed:
            self.cockpit.toast("which pane? go to one by its number, not zoomed")
            return
        name = "chart" if focused.NAME == "chart-2" else focused.NAME
        layout, before = remembered.choices.layout, focused.size.height
        wanted = {**layout.grown, name: layout.grown.get(name, 0) + rows}
        remembered.change(layout=replace(layout, grown=wanted), name="")
        self.place()
        self.call_after_refresh(self._resized, focused, before, layout)

    def _resized(self, pane: Pane, before: int, layout: SavedLayout) -> None:
        """What had no effect is not kept, or the way back would be long."""
        if pane.size.height == before:
            self.cockpit.remembered.change(layout=layout)
            self.cockpit.toast(f"{pane.NAME} can't change here: no pane above or below it gives rows")

    def toggle_swap(self) -> None:
        """On small screens the alignment in the chart's place, or the chart again."""
        if self._shape is not Shape.SMALL or self._zoomed:
            self.cockpit.toast(
                f"chart and alignment are both here: {PANES['chart']} and {PANES['alignment']}"
            )
            return
        self._swapped = not self._swapped
        self.place()

    # Rows.

    @property
    def selected(self) -> Thing | None:
        """What the cursor of the focused pane is on."""
        focused = self.focused
        return focused.selected if isinstance(focused, Pane) else None

    @property
    def filtered_pane(self) -> str:
        """Which pane a filter is for: the focused one, or the log where that has no rows to filter."""
        focused = self.focused
        return focused.NAME if isinstance(focused, Pane) and focused.FILTERS else "log"

    @property
    def replaced_at(self) -> float:
        """When something else came under that cursor by itself, in monotonic seconds."""
        focused = self.focused
        return focused.replaced_at if isinstance(focused, Pane) else -1e9

    def text_of_thing(self, thing: Thing) -> str:
        """The row of a thing in the focused pane, as text."""
        focused = self.focused
        return focused.text_of_thing(thing) if isinstance(focused, Pane) else ""

    def on_live_grid_row_picked(self, event: LiveGrid.RowPicked) -> None:
        """A click on a contract shows it, one on a book picks it, a second one on another row opens it."""
        if isinstance(event.grid, QuotesPane | BooksPane):
            self.show_thing(event.thing)
        elif event.twice:
            self.cockpit.post_message(ActionAsked("row"))

    def show_thing(self, thing: Thing) -> None:
        """Show the contract of a row; pick the book of a book's, or all again."""
        choice = self.cockpit.presenter.choice
        if thing.kind is ThingKind.BOOK:
            choice.book = "" if choice.book == thing.book else thing.book
            self.cockpit.redraw()
        elif thing.instrument:
            self.instrument = thing.instrument

    def on_live_grid_cursor_moved(self, event: LiveGrid.CursorMoved) -> None:
        if event.grid is self.focused:
            self._show_selected()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        event.widget.refresh()
        self._show_selected()

    def on_descendant_blur(self) -> None:
        self._show_selected()

    def _show_selected(self) -> None:
        """What keys mean has changed: the key line says so at once, the rest follows with the next frame."""
        choice, cockpit = self.cockpit.presenter.choice, self.cockpit
        focused = self.focused
        choice.selected, choice.pane = self.selected, focused.NAME if isinstance(focused, Pane) else ""
        cockpit.shown = replace(cockpit.shown, selected=choice.selected, pane=choice.pane)
        self._draw_keys(cockpit.shown)

    def _draw_keys(self, state: ScreenState) -> None:
        self._keys.show(key_row(state, self.cockpit.keys, self._shape, self.size.width))
