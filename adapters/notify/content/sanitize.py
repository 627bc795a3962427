"""Words from outside (venues, alert rooms, people) as plain data: nothing in them steers a reader's app."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 500
"""Characters of one line; what comes on top is cut off."""

_JOINER = "\u2060"
"""Word joiner: invisible, and enough for no app to see a link, a mention or a command."""

_ACTIVE = (
    re.compile(r"(?<=:)/(?=/)"),  # http://…
    re.compile(r"(?<=[@#])(?=\w)"),  # @everyone, #channel
    re.compile(r"(?:(?<=\s/)|(?<=^/))(?=\w)"),  # /flatten: a tap on it would send it
    re.compile(r"(?<=[^\W\d]\.)(?=[^\W\d]{2})"),  # example.org
    re.compile(r"(?<=[^\W\d])(?=\.[^\W\d]{2})"),
)


def sanitize(text: object, longest: int = LONGEST) -> str:
    """One line of at most `longest` characters without control, direction and invisible characters.

    Links, mentions and bot commands in it are broken up invisibly, so that no app makes them live.
    """
    shown = " ".join(_printable(str(text)[: 4 * longest]).split())
    if len(shown) > longest:
        shown = shown[: longest - 1] + "…"
    for pattern in _ACTIVE:
        shown = pattern.sub(_broken, shown)
    return shown


def _broken(match: re.Match[str]) -> str:
    return match[0] + _JOINER


def _printable(text: str) -> str:
    """Control characters become spaces; formats, surrogates and private characters go."""
    return "".join(_CATEGORIES.get(unicodedata.category(c), c) for c in text)


_CATEGORIES = {"Cc": " ", "Zl": " ", "Zp": " ", "Zs": " ", "Cf": "", "Cs": "", "Co": "", "Cn": ""}
