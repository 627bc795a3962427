"""What a person has to say of a trade, typed in place of the key line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from engine.model.commands import NOTE_LONGEST, NoteTrade
from tui.base_app import CockpitApp

if TYPE_CHECKING:
    from tui.widgets.typed_line import TypedLine


class Noted(Protocol):
    """A trade that is over, wherever it is shown."""

    @property
    def book(self) -> str: ...
    @property
    def instrument(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def note(self) -> str: ...


def note_line(cockpit: CockpitApp, trade: Noted) -> TypedLine:
    """Begins with what was said before."""
    from tui.widgets.typed_line import TypedLine

    def typed(text: str) -> str:
        commands = cockpit.presenter.commands
        note = NoteTrade(id=commands.new_id(), book=trade.book, trade=trade.key, text=text.strip())
        commands.send(note, f"note {trade.instrument}", cockpit.clock())
        cockpit.redraw()
        return ""

    return TypedLine("note, #words are tags · ⏎ keep · esc leave", typed, trade.note, most=NOTE_LONGEST)
