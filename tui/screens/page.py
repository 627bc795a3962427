"""Pages that take the whole screen: the log, and everything about one contract. They are live too."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, cast

from msgspec.structs import replace
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from tui import clock_times as times
from tui import number_format as figures
from tui.base_app import CockpitApp
from tui.plain_text import plain
from tui.rows import dashboard, market, messages, positions, why
from tui.rows.bars.safety import safety_row
from tui.rows.bars.status import status_row
from tui.rows.shared import told_zone
from tui.screen_state import ScreenState
from tui.styled_text import EMPTY, Row, cell
from tui.view_facts import state_word
from tui.widgets.grid import Content, LiveGrid
from tui.widgets.line import SurfaceLine

SCROLLED_S = 0.25
"""What moves by a row with each print is drawn no oftener: nobody reads faster."""


class Page(Screen[None]):
    """The status bar, one large frame, a line of keys."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "leave", show=False),
        Binding("A", "app.act('acknowledge')", id="acknowledge", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._status, self._safety, self._grid = SurfaceLine(), SurfaceLine(), LiveGrid()

    def compose(self) -> ComposeResult:
        yield self._status
        yield self._safety
        yield self._grid

    def on_mount(self) -> None:
        self._grid.focus()

    def on_live_grid_sized(self) -> None:
        self.cockpit.redraw()

    @property
    def cockpit(self) -> CockpitApp:
        """The app that this page belongs to."""
        return cast("CockpitApp", self.app)

    @property
    def hint(self) -> str:
        """The keys of every page."""
        return f"↑ ↓ scroll · {self.cockpit.keys.shown('acknowledge')} acknowledge · esc back"

    @abstractmethod
    def build(self, state: ScreenState, width: int) -> Content:
        """The content of the frame."""

    def draw(self, state: ScreenState, now: float, force: bool = False) -> None:
        """Show the state."""
        self._status.set_row(status_row(state, self.size.width))
        self._safety.set_row(safety_row(state, self.size.width))
        width, _ = self._grid.inner
        if width > 0:
            self._grid.set_content(self.build(state.own, width))

    def action_leave(self) -> None:
        self.dismiss(None)


class LogScreen(Page):
    """The whole log that is kept, newest first."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "app.filter", show=False),
        Binding("v", "app.level", show=False),
        Binding("l", "leave", show=False),
    ]

    def build(self, state: ScreenState, width: int) -> Content:
        rows = [messages.log_row(line, width, state.view.told_in) for line in reversed(list(state.logs))]
        note = cell(state.log_filter or "everything", "accent")
        foot = cell(f"/ filter · v level · {self.hint}", "dim")
        return Content(rows, title=cell("Log", "text bold"), note=note, foot=foot)


class DetailScreen(Page):
    """One contract: what it is, what is held, what works, what was traded, what was said."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("d", "leave", show=False)]

    def build(self, state: ScreenState, width: int) -> Content:
        contract = state.contract
        if contract is None:
            return Content([cell("no contract yet", "faint")], title=cell("Detail", "text bold"))
        worth = f"{figures.usd(contract.tick_value_usd)} {plain(contract.currency)}"
        rows: list[Row] = [
            ((plain(contract.description), "text bold"), (f"  {plain(contract.name)}", "accent")),
            (("tick ", "dim"), (f"{contract.tick_size} = {worth}", "text"),
             ("   bid ", "dim"), (figures.price(contract.bid, contract.decimals), "text"),
             ("   ask ", "dim"), (figures.price(contract.ask, contract.decimals), "text"),
             ("   state ", "dim"), (state_word(contract), "text")),
        ]  # fmt: skip
        only = _only(state)
        for name, (head, body) in (
            ("Positions", positions.position_rows(only, width)),
            ("Orders", positions.order_rows(only, width)),
            ("Trades", positions.trade_rows(only, width)),
        ):
            rows += [EMPTY, cell(name, "accent bold"), *([head, *body] if body else [cell("none", "faint")])]
        rows += [EMPTY, cell("Alignment", "accent bold"), *market.alignment_rows(state, width, 99)]
        rows += [EMPTY, cell("Alerts", "accent bold"), *messages.alert_rows(only.told, width)]
        foot = cell(self.hint, "dim")
        return Content(rows, title=(("Detail · ", "dim"), (plain(contract.name), "accent bold")), foot=foot)


class WhyScreen(Page):
    """What was seen in one contract of late, and why it was traded or not; the newest on top."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("i", "leave", show=False)]

    def build(self, state: ScreenState, width: int) -> Content:
        shown = tuple(one for one in state.view.signals if one.instrument == state.instrument)
        zone = state.view.told_in
        rows = why.all_rows(shown, lambda ts: times.clock(ts, zone), width)
        title = (("Why · ", "dim"), (plain(state.instrument), "accent bold"))
        return Content(rows, title=title, note=told_zone(state), foot=cell(self.hint, "dim"))


class DashboardScreen(Page):
    """All books over thirty days, their risk, the last alerts, and how everything is."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("D", "leave", show=False)]

    def build(self, state: ScreenState, width: int) -> Content:
        rows = dashboard.dashboard_rows(state, width)
        health = state.view.health
        well = health.ok and all(one.ok for one in health.components)
        note = cell("● all is well", "ok") if well else cell("✕ trouble", "error bold")
        return Content(rows, title=cell("Dashboard", "text bold"), note=note, foot=cell(self.hint, "dim"))


def _only(state: ScreenState) -> ScreenState:
    """The state with nothing but the shown contract."""
    shown = state.instrument
    view = replace(
        state.view,
        positions=tuple(p for p in state.view.positions if p.instrument == shown),
        orders=tuple(o for o in state.view.orders if o.instrument == shown),
        trades=tuple(t for t in state.view.trades if t.instrument == shown),
        alerts=tuple(a for a in state.view.alerts if a.instrument in (shown, "")),
    )
    return replace(state, view=view, notices=[n for n in state.notices if n.instrument in (shown, None)])
