"""The order ticket: filled in by keys alone, with what the engine says of it below.

Nothing is sent from here. Enter asks once, with the whole order in words, and only what was asked is sent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, cast

from msgspec import structs
from textual.app import ComposeResult
from textual.events import Key, Paste
from textual.screen import ModalScreen

from engine.model.commands import ONLY_TRIED, AnyCommand, PlaceManual
from engine.model.market import Side
from engine.model.orders import AccountKind, OrderType
from tui import ticket as tickets
from tui.base_app import CockpitApp
from tui.confirmations import Confirmation
from tui.plain_text import plain
from tui.previews import Preview
from tui.rows.ticket import field_rows, preview_rows
from tui.screen_state import ScreenState
from tui.styled_text import EMPTY, Row, cell
from tui.ticket import Ticket, TicketField, UnfinishedError
from tui.view_facts import contract_of
from tui.widgets.grid import Content, LiveGrid

_MOST_LINES = 12
_KEYS = "↑ ↓ field · ←→ how · type · ⏎ ask · esc leave"


class AsksAndSends(Protocol):
    """What the ticket wants of tui.action_runner."""

    def confirm(self, question: Callable[[], Confirmation], confirmed: Callable[[], None]) -> None: ...
    def send(self, command: AnyCommand, label: str) -> None: ...


def read_only(cockpit: CockpitApp) -> Row:
    """Said from the start where enter would send nothing."""
    return cell("read-only: nothing is sent", "warn bold") if cockpit.presenter.choice.readonly else EMPTY


class TicketScreen(ModalScreen[None]):
    """Left by escape, or once its order is sent."""

    def __init__(self, ticket: Ticket, runner: AsksAndSends) -> None:
        super().__init__()
        self.ticket = ticket
        self._runner = runner
        self._grid = LiveGrid(id="ticket")
        self._grid.can_focus = False
        self._preview: Preview | None = None

    @property
    def cockpit(self) -> CockpitApp:
        """The app that this screen belongs to."""
        return cast("CockpitApp", self.app)

    @property
    def preview(self) -> Preview:
        """What the engine says of it."""
        if self._preview is None:
            self._preview = Preview(self.cockpit.presenter.commands.try_out)
        return self._preview

    def compose(self) -> ComposeResult:
        yield self._grid

    def on_live_grid_sized(self) -> None:
        self.draw(self.cockpit.shown, self.cockpit.clock())

    def draw(self, state: ScreenState, now: float, _force: bool = False) -> None:
        """Ask anew what has changed, and show what is known."""
        width, height = self._grid.inner
        if width <= 0:
            return
        contract = contract_of(state.view, self.ticket.instrument)
        self._ask(state, now)
        self.preview.look()
        fields = field_rows(self.ticket, contract, width)
        said = preview_rows(self.preview, contract, width, max(0, height - len(fields) - 1))
        kind = "" if state.view.mode is not AccountKind.LIVE else "REAL MONEY · "
        title = cell(f"{kind}Order · {plain(self.ticket.instrument)}", "live bold" if kind else "text bold")
        foot = cell(_KEYS, "dim")
        self._grid.set_content(
            Content([*fields, EMPTY, *said], title=title, note=read_only(self.cockpit), foot=foot)
        )

    def _ask(self, state: ScreenState, now: float) -> None:
        filled = structs.replace(self.ticket, at=TicketField.SIDE, anew=False)
        try:
            order = self._order(state)
        except UnfinishedError as missing:
            self.preview.missing(filled, f"{missing}")
            return
        new_id = self.cockpit.presenter.commands.new_id
        self.preview.want(filled, lambda: structs.replace(order, id=f"{new_id()}-try"), now)

    def _order(self, state: ScreenState) -> PlaceManual:
        """To be tried out. Raises UnfinishedError."""
        contract = contract_of(state.view, self.ticket.instrument)
        if contract is None:
            raise UnfinishedError(f"{self.ticket.instrument}: the venue has not told its contract yet")
        chart = state.chart_of(self.ticket.instrument, state.timeframe)
        return tickets.order(self.ticket, contract, chart, "", dry_run=True)

    # What people do.

    def on_paste(self, event: Paste) -> None:
        event.stop()

    def on_key(self, event: Key) -> None:
        event.stop()
        event.prevent_default()
        if event.key == "escape":
            self.dismiss(None)
        elif event.key == "enter":
            self._submit()
        else:
            self.ticket = _after(self.ticket, event)
            self.cockpit.redraw()

    def _submit(self) -> None:
        """Ask, if it can be: the question says what the newest answer says, and no more than that is sent."""
        cockpit, preview = self.cockpit, self.preview
        now = cockpit.clock()
        self.draw(cockpit.shown, now)
        if cockpit.presenter.choice.readonly:
            cockpit.toast("this cockpit is read-only", "warning")
        elif cockpit.pace.burst(now):
            cockpit.toast("what is pasted trades nothing", "warning")
        elif not preview.fresh:
            cockpit.toast("the engine has not answered yet: look at the ticket, then press again", "warning")
        elif not preview.done:
            cockpit.toast(preview.text, "warning")
        else:
            self._confirm()

    def _confirm(self) -> None:
        # What the engine has answered to, as it was then: a range that has changed since makes another stop.
        answered, verdicts = self.preview.answered, self.preview.verdicts
        if not isinstance(answered, PlaceManual):
            return
        order = structs.replace(answered, id="", dry_run=False)
        if order.sized and len(verdicts) == 1:  # so many were read, and no more are sent
            order = structs.replace(order, sized=False, qty=verdicts[0].qty)
        lines = [plain(one.text).removeprefix(ONLY_TRIED) for one in verdicts]
        more = len(lines) - _MOST_LINES
        shown = tuple(lines[:_MOST_LINES]) + ((f"and in {more} books more",) if more > 0 else ())
        live = any(one.kind is AccountKind.LIVE for one in verdicts)
        where = f" in {len(verdicts)} books" if len(verdicts) > 1 else ""
        words = tuple(f"OVERRIDES {word}" for word in order.override)
        rests = () if order.entry is OrderType.MARKET else (_rests(order),)
        name = f"{order.side.value} {plain(order.instrument)}"
        asked = Confirmation(f"{name}{where}?", (*shown, *rests, *words), order.side.value, live)

        def confirmed() -> None:
            self._runner.send(order, name)
            self.dismiss(None)

        self._runner.confirm(lambda: asked, confirmed)


def _rests(order: PlaceManual) -> str:
    until = "for the day" if order.minutes is None else f"for {order.minutes} minutes"
    return f"it rests {until}; its stop comes with its first fill"


_SIDES = {"b": Side.BUY, "s": Side.SELL}
_ENTRIES = {"m": OrderType.MARKET, "l": OrderType.LIMIT, "p": OrderType.STOP}


def _after(ticket: Ticket, event: Key) -> Ticket:
    """What a key makes of it. Letters choose side and entry, but in the field that takes letters."""
    match event.key:
        case "up" | "shift+tab":
            return tickets.moved(ticket, -1)
        case "down" | "tab":
            return tickets.moved(ticket, 1)
        case "left" | "right":
            return tickets.turned(ticket, 1 if event.key == "right" else -1)
        case "backspace" | "delete":
            return tickets.erased(ticket, whole=event.key == "delete")
    character = event.character or ""
    if ticket.at is not TicketField.OVERRIDE:
        if character in _SIDES:
            return tickets.sided(ticket, _SIDES[character])
        if character in _ENTRIES:
            return structs.replace(ticket, entry=_ENTRIES[character], at=TicketField.ENTRY, anew=True)
    return tickets.typed(ticket, character) if len(character) == 1 else ticket
