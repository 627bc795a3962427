"""tstream flatten, pause, halt, resume, cancel and break-even: to the running engine, over its socket."""

from __future__ import annotations

import secrets
import sys
import time
from pathlib import Path

import typer

from adapters.common.redaction import printable
from adapters.control.client import NoEngineError, fetch_view, send_command
from engine.model.commands import BreakEven, CancelEntries, Flatten, Halt, Pause, Resume
from engine.model.errors import RetryableError
from engine.model.flattening import scope_name, still_open, what_flattening_does
from engine.model.notices import Notice
from engine.model.view import View
from tstream import paths
from tstream.errors import CommandError, UsageError

_LOOKS_S = 0.2
SOURCE = "cli"

Scoped = Pause | Resume | Halt | CancelEntries | BreakEven


def flatten(
    contract: str | None,
    book: str | None,
    sure: bool,
    wait_s: float,
    config: Path | None = None,
    takeover: bool = False,
) -> int:
    """Close positions and cancel orders in the scope, then wait until the engine sees it flat.

    Where no engine answers it is done from here (tstream.commands.direct). Gives the exit code: 0 only when
    flat was seen (or `wait_s` is 0 and an engine has taken it over). Raises PortError, CommandError.
    """
    socket = paths.find().control_socket
    try:
        view = fetch_view(socket)
    except (NoEngineError, RetryableError):
        from tstream.commands.direct import flatten_here

        return flatten_here(contract, book, sure, wait_s, config, takeover)
    require_known(view, contract, book)
    if not sure:
        _ask(view, contract, book)
    if not _told(send_command(socket, Flatten(id=new_id(), source=SOURCE, instrument=contract, book=book))):
        return 1
    if not wait_s:
        return 0
    left = _until_flat(socket, contract, book, wait_s)
    if left:
        raise CommandError(f"not flat after {wait_s:g} s: {', '.join(left)}; the engine keeps trying")
    say(f"{scope_name(contract, book)} is flat; entries stay paused there until tstream resume")
    return 0


def pause(contract: str | None, book: str | None = None) -> int:
    """No new entries; gives the exit code. Raises PortError, CommandError."""
    return _send(Pause(id=new_id(), source=SOURCE, instrument=contract, book=book))


def resume(contract: str | None, book: str | None = None, halted: bool = False) -> int:
    """Undo a pause, and a halt if told so; gives the exit code. Raises PortError, CommandError."""
    return _send(Resume(id=new_id(), source=SOURCE, instrument=contract, book=book, halted=halted))


def halt(contract: str | None, book: str | None = None) -> int:
    """No new entries until a deliberate resume; gives the exit code. Raises PortError, CommandError."""
    return _send(Halt(id=new_id(), source=SOURCE, instrument=contract, book=book))


def cancel(contract: str | None, book: str | None = None) -> int:
    """Cancel resting entries; gives the exit code. Raises PortError, CommandError."""
    return _send(CancelEntries(id=new_id(), source=SOURCE, instrument=contract, book=book))


def break_even(contract: str, book: str | None = None) -> int:
    """Move stops to break-even; gives the exit code. Raises PortError, CommandError."""
    return _send(BreakEven(id=new_id(), source=SOURCE, instrument=contract, book=book))


def require_known(view: View, contract: str | None, book: str | None) -> None:
    """Raises UsageError for what the engine does not trade."""
    watched = [known.instrument for known in view.contracts]
    if contract is not None and contract not in watched:
        raise UsageError(f"the engine does not trade {contract}; it trades {', '.join(watched)}")
    books = [known.book for known in view.books]
    if book is not None and book not in books:
        known = ", ".join(books) or "none yet: no account is known"
        raise UsageError(f"the engine has no book {book}; it has {known}")


def _ask(view: View, contract: str | None, book: str | None) -> None:
    does, account = what_flattening_does(view, contract, book), view.mode.upper()
    if not sys.stdin.isatty():
        raise UsageError(f"this would {does} ({account})", "without a terminal to ask on, say --yes")
    if not typer.confirm(f"{account}: {does}?", default=False):
        raise CommandError("nothing was done")


def _until_flat(socket: Path, contract: str | None, book: str | None, wait_s: float) -> list[str]:
    deadline = time.monotonic() + wait_s
    left = ["no answer from the engine"]
    while time.monotonic() < deadline:
        try:
            left = still_open(fetch_view(socket), contract, book)
        except RetryableError:
            continue  # busy: the deadline decides
        if not left:
            return left
        time.sleep(_LOOKS_S)
    return left


def _send(command: Scoped) -> int:
    socket = paths.find().control_socket
    if command.instrument is not None or command.book is not None:
        require_known(fetch_view(socket), command.instrument, command.book)
    return 0 if _told(send_command(socket, command)) else 1


def _told(answer: Notice) -> bool:
    """Print the engine's answer; whether it did as asked."""
    say(answer.text)
    return bool(answer.done)


def say(text: str) -> None:
    """A line for people, whatever it carries."""
    sys.stdout.write(printable(text) + "\n")


def new_id() -> str:
    """Of a command."""
    return f"cli-{secrets.token_hex(6)}"
