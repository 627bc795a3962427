"""What a terminal would show of the bytes that a program has written."""

from __future__ import annotations

import re

import pyte

# Questions to the terminal and keyboard modes that pyte would paint or take for something else.
_UNKNOWN = re.compile(rb"\x1b\[[?>=<][0-9;]*(?:\$p|u)")
_UNFINISHED = re.compile(rb"\x1b(?:\[[?>=<]?[0-9;]*\$?)?\Z")


class TerminalScreen:
    """A screen of so many columns and rows."""

    def __init__(self, columns: int, rows: int) -> None:
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._held = b""

    def feed(self, data: bytes) -> None:
        """Take in bytes; a sequence that is cut off waits for its rest."""
        data = self._held + data
        cut = _UNFINISHED.search(data)
        self._held = data[cut.start() :] if cut else b""
        self._stream.feed(_UNKNOWN.sub(b"", data[: cut.start()] if cut else data))

    def resize(self, columns: int, rows: int) -> None:
        self._screen.resize(rows, columns)

    @property
    def lines(self) -> list[str]:
        return list(self._screen.display)

    @property
    def text(self) -> str:
        return "\n".join(self._screen.display)
