"""What people can ask for. Cockpit, command line and control socket all send these."""

from __future__ import annotations

from msgspec import Struct


class Command(Struct, frozen=True, kw_only=True, tag=True, tag_field="command"):
    """Base. `id` names the command for its answer; `source` says who asked (keyboard, cli).

    Where a command has a `book`, None means all of them; where it has an `instrument`, None means all.
    """

    id: str
    source: str = "keyboard"


class Flatten(Command, frozen=True, kw_only=True, tag="flatten"):
    """Close every position and cancel every order in the scope, then keep entries paused there.

    `instrument` None means everything, `book` None every book, expected ones that are not adopted yet too.
    """

    instrument: str | None = None
    book: str | None = None


class CancelEntries(Command, frozen=True, kw_only=True, tag="cancel_entries"):
    """Cancel resting entries; exits and stops stay."""

    instrument: str | None = None
    book: str | None = None


class BreakEven(Command, frozen=True, kw_only=True, tag="break_even"):
    """Move the stops of an open position to where costs and slippage are paid, if the market allows."""

    instrument: str
    book: str | None = None


class Pause(Command, frozen=True, kw_only=True, tag="pause"):
    """No new entries, resting entries cancelled; exits and stops stay."""

    instrument: str | None = None
    book: str | None = None


class Resume(Command, frozen=True, kw_only=True, tag="resume"):
    """Undo a pause (a lock by a risk limit stays); with `halted` a halt too, on purpose."""

    instrument: str | None = None
    book: str | None = None
    halted: bool = False


class Halt(Command, frozen=True, kw_only=True, tag="halt"):
    """As a pause, but only a Resume that says `halted` lifts it; guards go on working."""

    instrument: str | None = None
    book: str | None = None


class Shutdown(Command, frozen=True, kw_only=True, tag="shutdown"):
    """Stop the engine gracefully; what stands at the venue stays there, and is told."""


AnyCommand = Flatten | CancelEntries | BreakEven | Pause | Resume | Halt | Shutdown
