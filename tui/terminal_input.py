"""From the bytes that a terminal sends to Textual's events, each with the time at which its bytes came in.

Answers to questions depend on that time, so it is that of the read and not of the event: on a busy machine
the events of one read are made far apart, and what was typed at once would look like a key and an answer.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator

from textual._parser import ParseError
from textual._xterm_parser import BRACKETED_PASTE_END, BRACKETED_PASTE_START, XTermParser
from textual.message import Message

PASTE_SILENCE = 0.5
"""Seconds without input after which a paste is over that has not said so."""
PASTE_LONGEST = 5.0
"""Seconds after which single keys end a paste, however close they come."""
_KEY_BYTES = 16
"""What a key sends at most."""


class TerminalInput:
    """One for each terminal. What can't be decoded is replaced, a sequence that no terminal sends is left
    out. All times are seconds of a monotonic clock."""

    def __init__(self, debug: bool = False) -> None:
        self._debug = debug
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._parser = XTermParser(debug)
        self._at = 0.0
        self._pasting_since: float | None = None
        self._tail = ""

    def take(self, data: bytes, at: float) -> list[Message]:
        """The events of what came in at a time."""
        self._give_up_paste(at, len(data))
        self._at = at
        text = self._decode(data)
        self._follow_paste(text, at)
        return list(self._events(text))

    def wait(self, at: float) -> list[Message]:
        """Nothing more has come until now: an escape that was alone is a key."""
        self._give_up_paste(at)
        return list(self._events(""))

    def _events(self, text: str) -> Iterator[Message]:
        try:
            events: Iterable[Message] = (*(self._parser.feed(text) if text else ()), *self._parser.tick())
        except (ParseError, ValueError, OverflowError):
            self._begin_anew()
            return
        for event in events:
            event.time = self._at
            yield event

    def _begin_anew(self) -> None:
        self._parser = XTermParser(self._debug)
        self._pasting_since, self._tail = None, ""

    def _follow_paste(self, text: str, at: float) -> None:
        """Textual's parser holds all input back from the mark that begins a paste to the one that ends it."""
        seen = self._tail + text
        begun, ended = seen.rfind(BRACKETED_PASTE_START), seen.rfind(BRACKETED_PASTE_END)
        if begun > ended and self._pasting_since is None:
            self._pasting_since = at
        elif ended > begun:
            self._pasting_since = None
        self._tail = seen[1 - len(BRACKETED_PASTE_START) :]

    def _give_up_paste(self, at: float, size: int = 0) -> None:
        """A paste whose end got lost must not swallow keys for ever; what was pasted so far is dropped."""
        since = self._pasting_since
        if since is None:
            return
        too_long = at - since >= PASTE_LONGEST and 0 < size <= _KEY_BYTES
        if too_long or at - self._at >= PASTE_SILENCE:
            self._begin_anew()
