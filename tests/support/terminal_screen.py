"""What a terminal would show of the bytes that a program has written."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import pyte

from tests.support.pseudo_terminal import PseudoTerminal

# Questions to the terminal and keyboard modes that pyte would paint or take for something else; and colours,
# which are most of what is written and which nobody looks at here.
_LEFT_OUT = re.compile(rb"\x1b\[(?:[?>=<][0-9;]*(?:\$p|u)|[0-9;]*m)")
_UNFINISHED = re.compile(rb"\x1b(?:\[[?>=<]?[0-9;]*\$?)?\Z")


class TerminalScreen:
    """A program in a pseudo-terminal, and what that would show of what was read from it so far."""

    def __init__(
        self, command: Sequence[str], env: Mapping[str, str], *, size: tuple[int, int] = (120, 40), **how: Any
    ) -> None:
        """`size` is columns and rows; `how` as PseudoTerminal takes it."""
        self._pseudo = PseudoTerminal(command, env, size=size, **how)
        self.process = self._pseudo.process
        self.raw = bytearray()
        self._screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self._screen)
        self._lines: list[str] = []
        self._held = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Kill the program if it still runs, and give the terminal back."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.pull()

    def read(self, seconds: float) -> bool:
        """Take in what comes within so long; gives whether anything came."""
        if not (came := self._pseudo.read(seconds)):
            return False
        self.raw += came
        data = self._held + came
        # A sequence that is cut off waits for its rest.
        cut = _UNFINISHED.search(data)
        self._held = data[cut.start() :] if cut else b""
        self._stream.feed(_LEFT_OUT.sub(b"", data[: cut.start()] if cut else data))
        return True

    def screen(self) -> list[str]:
        """The lines of the screen as last read."""
        shown, columns = self._screen, range(self._screen.columns)
        every, self._lines = not self._lines, self._lines or [""] * shown.lines
        for y in range(shown.lines):
            if every or y in shown.dirty:
                line = shown.buffer[y]
                self._lines[y] = "".join(line[x].data for x in columns)
        shown.dirty.clear()
        return list(self._lines)

    @property
    def text(self) -> str:
        return "\n".join(self.screen())

    def press(self, keys: str | bytes) -> None:
        self._pseudo.press(keys)

    def resize(self, columns: int, rows: int) -> None:
        """Change the window's size; the kernel tells the program."""
        self._screen.resize(rows, columns)
        self._lines = []
        self._pseudo.resize(columns, rows)

    def pull(self) -> None:
        """Take the terminal away, as a lost connection does."""
        self._pseudo.pull()
