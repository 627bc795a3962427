"""The terminal as something that can stall or go away, and must then not take the cockpit with it.

Textual writes to the terminal from a thread with a short queue; once that is full, every further write
blocks the event loop for as long as the terminal does not read. And when the terminal is gone, that thread
dies of the first write, the queue fills, and the input thread spins on end-of-file. This driver counts what
it has handed to the thread and what the thread has written: the app paints only while that backlog is short,
a write that fails marks the terminal as lost instead of killing the thread, and no write ever blocks.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, cast

from textual import events
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

from tui.terminal_input import TerminalInput

if TYPE_CHECKING:
    from textual.app import App

STALLED = 4
"""Writes that may wait before painting is skipped."""
_FULL = 24
"""Writes that may wait before everything else is dropped too; Textual's queue holds 30."""
_LARGEST = 2_000
"""Columns or rows beyond which a size that the terminal tells is not believed."""
_READ = 4096
"""Bytes of input that are read at once."""
_CLOSE_WITHIN_S = 1.0
"""Seconds that the next of the last writes has when the cockpit closes."""
_CLOSE_AT_MOST_S = 10.0
"""Seconds that all of them have: on a slow connection they take a while, and put the terminal back."""


class _Output:
    """The terminal's output as the writer thread sees it. Never raises; counts what went out."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self.written = 0
        self.lost = False

    def write(self, text: str) -> int:
        if not self.lost:
            try:
                self._file.write(text)
            except (OSError, ValueError):
                self.lost = True
        self.written += 1
        return len(text)

    def flush(self) -> None:
        if not self.lost:
            try:
                self._file.flush()
            except (OSError, ValueError):
                self.lost = True

    def fileno(self) -> int:
        return self._file.fileno()


class CockpitDriver(LinuxDriver):
    """Textual's driver with a backlog that can be looked at, and an end that can't hang."""

    def __init__(
        self,
        app: App[Any],
        *,
        debug: bool = False,
        mouse: bool = True,
        size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._output = _Output(cast("IO[str]", sys.__stderr__))
        self._file = cast("Any", self._output)
        self._handed = 0
        # TypedCommand for here, the first layout is made for the terminal too.
        self._size = size or self._get_terminal_size()

    def _get_terminal_size(self) -> tuple[int, int]:
        """Columns and rows of the terminal itself: COLUMNS and LINES, if somebody has exported them, stay
        as they are when the window changes, and would make the cockpit deaf to that."""
        for number in (self._output.fileno(), self.fileno):
            try:
                columns, rows = os.get_terminal_size(number)
            except OSError:
                continue
            if columns and rows:
                return columns, rows
        return super()._get_terminal_size()

    @property
    def backlog(self) -> int:
        """Writes that the terminal has not taken yet."""
        return self._handed - self._output.written

    @property
    def handed(self) -> int:
        """Writes so far; what `taken` is asked about."""
        return self._handed

    def taken(self, handed: int) -> bool:
        """Whether the terminal has taken the first so many writes, whatever came after them."""
        return self._output.written >= handed

    @property
    def stalled(self) -> bool:
        """Whether painting would only queue up."""
        return self.backlog > STALLED

    @property
    def lost(self) -> bool:
        """Whether the terminal has gone away: a write failed, or the kernel says that it hung up."""
        if self._output.lost:
            return True
        if not self.input_tty:
            return False
        poll = select.poll()
        poll.register(self.fileno, select.POLLIN)
        try:
            events = poll.poll(0)
        except OSError:
            return True
        return any(mask & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, mask in events)

    def write(self, data: str) -> None:
        if self.backlog < _FULL and not self._output.lost:
            self._handed += 1
            super().write(data)

    def run_input_thread(self) -> None:
        """Textual's loop, but the end of a lost terminal is no error: the app finds out by `lost`."""
        keys, none_before = TerminalInput(self._debug), time.monotonic()
        poll = select.poll()
        poll.register(self.fileno, select.POLLIN)
        while not self.exit_event.is_set():
            try:
                # What is there already came at some time since nothing was: it may be as old as that.
                at = none_before if poll.poll(0) else time.monotonic() if poll.poll(100) else None
                data = os.read(self.fileno, _READ) if at is not None else None
            except OSError:
                data = b""
            if data == b"":
                self._output.lost = self._output.lost or self.input_tty
                return
            if not data or len(data) < _READ:
                none_before = time.monotonic()
            events = keys.take(data, at) if data and at is not None else keys.wait(none_before)
            for event in events:
                self.process_message(event)

    def _run_input_thread(self) -> None:
        try:
            self.run_input_thread()
        except Exception as error:  # noqa: BLE001  it ends the screen, with its reason
            self._app.call_later(self._app._handle_exception, error)

    def process_message(self, message: Message) -> None:
        if not isinstance(message, events.Resize) or max(message.size) <= _LARGEST:
            super().process_message(message)

    def close(self) -> None:
        """Let the last writes out as long as the terminal takes them: one that does not read can't hold the
        program."""
        closing = threading.Thread(target=super().close, name="terminal-close", daemon=True)
        closing.start()
        begun = moved = time.monotonic()
        written = self._output.written
        while closing.is_alive() and (now := time.monotonic()) - begun < _CLOSE_AT_MOST_S:
            if self._output.written != written:
                written, moved = self._output.written, now
            elif now - moved >= _CLOSE_WITHIN_S:
                return
            closing.join(0.05)

    def start_application_mode(self) -> None:
        super().start_application_mode()  # type: ignore[no-untyped-call]
        self.write("\x1b[22;2t")  # keep the title that stands there

    def stop_application_mode(self) -> None:
        self.write("\x1b[23;2t")  # and put it back
        super().stop_application_mode()

    # What people see of the terminal itself. Texts must be plain already.

    def show_title(self, title: str) -> None:
        """Set the title of the window or tab."""
        self.write(f"\x1b]2;{title}\x07")
        self.flush()

    def notify_desktop(self, text: str) -> None:
        """Ask the terminal for a desktop notification (OSC 9; those that don't know it ignore it)."""
        self.write(f"\x1b]9;{text}\x07")
        self.flush()


@contextmanager
def signals_as_before() -> Iterator[None]:
    """The process hears the signals of terminals afterwards as it did before. What Textual's driver leaves
    behind would take an ended screen up again when the process goes on, as it does when tmux ends.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    names = ("SIGTSTP", "SIGCONT")
    before = {number: signal.getsignal(number) for name in names if (number := getattr(signal, name, None))}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def usable() -> bool:
    """Whether this driver fits: not on Windows, and nobody asked Textual for another one."""
    return sys.platform != "win32" and not os.environ.get("TEXTUAL_DRIVER")
