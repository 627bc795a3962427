"""Pages that take the whole screen: the log, and everything about one contract. They are live too."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar, cast

from msgspec.structs import replace
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from tui import number_format as figures
from tui.plain_text import plain
from tui.rows import market
from tui.rows import messages as talk
from tui.rows import positions as book
from tui.rows.safety import safety_row
from tui.rows.status import status_row
from tui.screen_state import Scene
from tui.spans import EMPTY, Row, cell
from tui.styles import Palette
from tui.widgets.grid import Content, LiveGrid
from tui.widgets.line import Bar

if TYPE_CHECKING:
    from tui.app import TStreamApp


class Page(Screen[None]):
    """The status bar, one large frame, a line of keys."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "leave", show=False)]
    HINT = "↑ ↓ scroll · esc back"

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self._status, self._safety = Bar(palette), Bar(palette)
        self._grid = LiveGrid(palette)
        self._drawn: Scene | None = None

    def compose(self) -> ComposeResult:
        yield self._status
        yield self._safety
        yield self._grid

    def on_mount(self) -> None:
        self._grid.focus()

    def on_resize(self) -> None:
        self.call_after_refresh(self.cockpit.hurry)

    @property
    def cockpit(self) -> TStreamApp:
        """The app that this page belongs to."""
        return cast("TStreamApp", self.app)

    @abstractmethod
    def build(self, scene: Scene, width: int) -> Content:
        """The content of the frame."""

    def set_palette(self, palette: Palette) -> None:
        """Wear other colours."""
        self._status.set_palette(palette)
        self._safety.set_palette(palette)
        self._grid.set_palette(palette)

    def draw(self, scene: Scene, now: float, force: bool = False) -> None:
        """Show the scene."""
        self._status.set_row(status_row(scene, self.size.width))
        self._safety.set_row(safety_row(scene, self.size.width))
        width, _ = self._grid.inner
        if width > 0:
            self._grid.set_content(self.build(scene, width))

    def action_leave(self) -> None:
        self.dismiss(None)


class LogScreen(Page):
    """The whole log that is kept, newest first."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "app.filter", show=False),
        Binding("v", "app.level", show=False),
        Binding("l", "leave", show=False),
    ]

    def build(self, scene: Scene, width: int) -> Content:
        rows = [talk.log_row(line, width) for line in reversed(list(scene.logs))]
        note = cell(scene.log_filter or "everything", "accent")
        foot = cell("/ filter · v level · ↑ ↓ scroll · esc back", "dim")
        return Content(rows, title=cell("Log", "text bold"), note=note, foot=foot)


class DetailScreen(Page):
    """One contract: what it is, what is held, what works, what was traded, what was said."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("d", "leave", show=False)]

    def build(self, scene: Scene, width: int) -> Content:
        contract = scene.contract
        if contract is None:
            return Content([cell("no contract yet", "faint")], title=cell("Detail", "text bold"))
        rows: list[Row] = [
            ((plain(contract.description), "text bold"), (f"  {plain(contract.name)}", "accent")),
            (("tick ", "dim"), (f"{contract.tick_size} = {figures.usd(contract.tick_value_usd)} USD", "text"),
             ("   bid ", "dim"), (figures.price(contract.bid, contract.decimals), "text"),
             ("   ask ", "dim"), (figures.price(contract.ask, contract.decimals), "text"),
             ("   state ", "dim"), (contract.state.value, "text")),
        ]  # fmt: skip
        only = _only(scene)
        for name, (head, body) in (
            ("Positions", book.positions(only, width)),
            ("Orders", book.orders(only, width)),
            ("Trades", book.trades(only, width)),
        ):
            rows += [EMPTY, cell(name, "accent bold"), *([head, *body] if body else [cell("none", "faint")])]
        rows += [EMPTY, cell("Alignment", "accent bold"), *market.alignment(scene, width, 99)]
        rows += [EMPTY, cell("Alerts", "accent bold"), *talk.alerts(only, width)]
        foot = cell(self.HINT, "dim")
        return Content(rows, title=(("Detail · ", "dim"), (plain(contract.name), "accent bold")), foot=foot)


def _only(scene: Scene) -> Scene:
    """The scene with nothing but the shown contract."""
    shown = scene.instrument
    view = replace(
        scene.view,
        positions=tuple(p for p in scene.view.positions if p.instrument == shown),
        orders=tuple(o for o in scene.view.orders if o.instrument == shown),
        trades=tuple(t for t in scene.view.trades if t.instrument == shown),
        alerts=tuple(a for a in scene.view.alerts if a.instrument in (shown, "")),
    )
    return replace(scene, view=view, notices=[n for n in scene.notices if n.instrument in (shown, None)])
