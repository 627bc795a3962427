"""A bar above the key line: something is moved by key, seen before it is sent, and left by escape.

What makes a trade risk less is sent by enter; what makes it risk more is asked first.
"""

from __future__ import annotations

from typing import ClassVar, cast

from msgspec import structs
from textual.app import ComposeResult
from textual.events import Key, Paste
from textual.screen import ModalScreen

from engine.model.orders import AccountKind
from engine.model.view import ContractView
from tui.base_app import CockpitApp
from tui.confirmations import Confirmation
from tui.ladder_orders import middle
from tui.moving import Move, Moves, at_limit, at_market, command, limit_of, other_number, stepped, typed
from tui.plain_text import plain
from tui.previews import Preview
from tui.rows.moving import ADD_KEYS, KEYS, heading, move_row, said_rows
from tui.screen_state import ScreenState
from tui.screens.ticket import AsksAndSends, read_only
from tui.styled_text import cell
from tui.view_facts import contract_of, kind_of
from tui.widgets.grid import Content, LiveGrid


class MoveScreen(ModalScreen[None]):
    """Fulfils tui.base_app.Question for enter alone: steps are heard at once, and are painted before they
    can be sent.
    """

    DIGITS: ClassVar[tuple[str, ...]] = tuple("0123456789.")
    STEPS: ClassVar[dict[str, int]] = {"[": -1, "]": 1, "{": -10, "}": 10}

    def __init__(self, moves: list[Move], runner: AsksAndSends, by: int = 0) -> None:
        """The first of `moves` is moved, and tab goes to the next; `by` is the first step."""
        super().__init__()
        self._moves = moves
        self._at = 0
        self._moves[0] = stepped(moves[0], by) if by else moves[0]
        self._runner = runner
        self._grid = LiveGrid(id="move")
        self._grid.can_focus = False
        self._preview: Preview | None = None
        self.readable_since: float | None = None
        self.painted: int | None = None

    @property
    def move(self) -> Move:
        """What is moved, and to where."""
        return self._moves[self._at]

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

    @property
    def laid_out(self) -> bool:
        return bool(self._grid.content.rows) and self._grid.size.height > 0

    def hears(self, event: Key) -> bool:
        """Everything but what sends it."""
        return event.key != "enter"

    def too_soon(self) -> None:
        self.cockpit.toast("too soon: read where it goes, then enter")

    def compose(self) -> ComposeResult:
        yield self._grid

    def on_live_grid_sized(self) -> None:
        self.draw(self.cockpit.shown, self.cockpit.clock())

    def draw(self, state: ScreenState, now: float, _force: bool = False) -> None:
        """Ask anew what has changed, and show what is known."""
        width, height = self._grid.inner
        contract = contract_of(state.view, self.move.instrument)
        if width <= 0 or contract is None:
            return
        move, new_id = self.move, self.cockpit.presenter.commands.new_id
        self.preview.want(
            structs.replace(move, typing=""),
            lambda: command(move, contract, f"{new_id()}-try", dry_run=True),
            now,
        )
        self.preview.look()
        rows = [
            move_row(move, self.preview, contract, width),
            *said_rows(self.preview, width, max(1, height - 1)),
        ]
        keys = ADD_KEYS if move.what is Moves.ADD else KEYS
        keys = f"tab next · {keys}" if len(self._moves) > 1 else keys
        title = cell(heading(move, len(state.view.books) > 1), "text bold")
        self._grid.set_content(
            Content(rows, title=title, note=read_only(self.cockpit), foot=cell(keys, "dim"))
        )

    def on_paste(self, event: Paste) -> None:
        event.stop()

    def on_key(self, event: Key) -> None:
        event.stop()
        event.prevent_default()
        character = event.character or ""
        contract = contract_of(self.cockpit.shown.view, self.move.instrument)
        if event.key == "escape":
            self.dismiss(None)
        elif event.key == "enter":
            self._send()
        elif self.move.what is Moves.ADD and event.key in ("l", "m", "tab", "shift+tab"):
            self._where_added(event.key, contract)
        elif event.key in ("tab", "shift+tab"):
            self._at = (self._at + (1 if event.key == "tab" else -1)) % len(self._moves)
            self._anew()
        elif character in self.STEPS:
            self._moves[self._at] = stepped(self.move, self.STEPS[character])
            self._anew()
        elif contract is not None and (
            event.key == "backspace" or (character and character in "0123456789.")
        ):
            self._moves[self._at] = typed(self.move, "" if event.key == "backspace" else character, contract)
            self._anew()

    def _where_added(self, key: str, contract: ContractView | None) -> None:
        """At a limit, at market, or the other of the two numbers."""
        market = None if contract is None else middle(contract, None)
        if key == "l" and market is not None:
            self._moves[self._at] = at_limit(self.move, market)
        elif key != "l":
            self._moves[self._at] = at_market(self.move) if key == "m" else other_number(self.move)
        self._anew()

    def _anew(self) -> None:
        """It says something else now: that has to be seen before it can be sent."""
        self.readable_since = self.painted = None
        self.cockpit.redraw()

    def _send(self) -> None:
        cockpit, move, preview = self.cockpit, self.move, self.preview
        contract = contract_of(cockpit.shown.view, move.instrument)
        if contract is None:
            return
        if cockpit.presenter.choice.readonly:
            cockpit.toast("this cockpit is read-only", "warning")
        elif move.was == move.at:
            cockpit.toast("it stands there already: [ ] move it")
        elif not preview.fresh:
            cockpit.toast("the engine has not answered yet: look, then press again", "warning")
        elif not preview.done:
            cockpit.toast("nothing is sent: the bar says what stands against it", "warning")
        elif self._loosens():
            live = kind_of(cockpit.shown.view, move.book) is AccountKind.LIVE
            text = plain(preview.text).partition("would be taken: ")[2] or plain(preview.text)
            asked = Confirmation(f"{heading(move, several=False)}?", (text, self._more()), "send", live)
            self._runner.confirm(lambda: asked, self._sent)
        else:
            self._sent()

    def _loosens(self) -> bool:
        """Whether more is at risk then, or one more order is sent."""
        verdict = next(iter(self.preview.verdicts), None)
        if verdict is None or self.move.what is Moves.ADD:
            return True
        return verdict.before is not None and verdict.risk > verdict.before

    def _more(self) -> str:
        if self.move.what is Moves.ADD:
            where = "at market" if limit_of(self.move) is None else "that rests"
            return f"one more order {where}; what is held keeps its stop"
        return "more is at risk than before"

    def _sent(self) -> None:
        contract = contract_of(self.cockpit.shown.view, self.move.instrument)
        if contract is not None:
            self._runner.send(
                command(self.move, contract, "", dry_run=False), heading(self.move, several=False)
            )
        self.dismiss(None)
