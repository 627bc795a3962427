"""What page and server say to each other on a tab's websocket.

The page sends text, one JSON object a message, each with exactly one of these fields (and `at` with keys):

- `{"size": [120, 40]}`: columns and rows; the first message, and then whenever the window changes.
- `{"keys": "f", "at": 1760000000000}`: what was typed, and when by the page's clock, milliseconds.
- `{"ping": 1760000000000}`: is answered by `{"pong": 1760000000000}`.

The server sends bytes, what the program paints, and as text `pong`, `begun` (the program runs, the screen
begins anew), `dropped` (keys that came too late to count) and `why` (words for people, before it hangs up).
"""

from __future__ import annotations

from collections import deque
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

MESSAGE_LIMIT = 16 * 1024
"""Bytes of the longest message of a page."""
KEYS_LIMIT = 4_000
"""Characters that are typed or pasted at once; the page refuses a longer text before it sends it."""
SIZES = (2, 500)
"""Least and most columns or rows."""

_Side = Annotated[int, Meta(ge=SIZES[0], le=SIZES[1])]
_Millis = Annotated[float, Meta(ge=0, le=1e15)]


class PageMessage(Struct, frozen=True, forbid_unknown_fields=True):
    size: tuple[_Side, _Side] | None = None
    keys: Annotated[str, Meta(max_length=KEYS_LIMIT)] | None = None
    at: _Millis | None = None
    ping: _Millis | None = None


class ServerMessage(Struct, frozen=True, omit_defaults=True):
    pong: float | None = None
    begun: bool = False
    dropped: int = 0
    """So many characters since the last of these."""
    why: str = ""


_PAGE = msgspec.json.Decoder(PageMessage)


def read_page(text: str) -> PageMessage | None:
    """A message of the page; None for anything else."""
    try:
        return _PAGE.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return None


class KeyLag:
    """How much later than usual a message arrives, by stamps of the sender's own clock, whatever that shows.

    The quickest message of the last minute is what is usual: the two clocks need not agree.
    """

    WINDOW_S = 60.0

    def __init__(self) -> None:
        self._seen: deque[tuple[float, float]] = deque(maxlen=512)

    def late_s(self, sent_ms: float, now: float) -> float:
        """Seconds beyond the usual, 0 or above; `now` is when it arrived, in monotonic seconds."""
        offset = now - sent_ms / 1000
        self._seen.append((now, offset))
        while now - self._seen[0][0] > self.WINDOW_S:
            self._seen.popleft()
        return offset - min(offset for _, offset in self._seen)
