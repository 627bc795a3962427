"""A message made plain before it is read: what can't be seen is dropped, what can't be trusted refused."""

from __future__ import annotations

import re
import unicodedata

from engine.model.alerts import Reason
from engine.strategies.alerts.alert import Unread

LONGEST = 400
"""Characters of an alert, once it is plain."""

_RAW_LONGEST = 4_000
"""Characters looked at at all: what a chat's longest message and its embeds hold."""

EXCERPT = 80
"""Characters of a message that people are shown at most."""

_EXCERPT_READ = 400

_MENTION = re.compile(r"<@[!&]?\d{1,20}>|@everyone|@here")
_MARKUP = str.maketrans("", "", "*_`~|")
_BLANK = re.compile(r"[^\S\n]+")


def plain(raw: str) -> str | Unread:
    """The text in NFKC, without invisible characters, markdown and mentions; one space between words."""
    if len(raw) > _RAW_LONGEST:
        return Unread(Reason.TOO_LONG)
    if not raw.isascii() and any(_strange_digit(c) for c in raw):
        return Unread(Reason.STRANGE_DIGITS)
    spaced = _BLANK.sub(" ", unicodedata.normalize("NFKC", raw))
    seen = "".join(c for c in spaced if _visible(c))
    seen = _MENTION.sub("", seen).translate(_MARKUP)
    lines = (_BLANK.sub(" ", line).strip() for line in seen.split("\n"))
    text = "\n".join(line for line in lines if line)
    return Unread(Reason.TOO_LONG) if len(text) > LONGEST else text


def _strange_digit(character: str) -> bool:
    """Another script's, or one in a circle or a fraction, that NFKC makes an ordinary one."""
    if character.isascii():
        return False
    return character.isdigit() or any(c.isdigit() for c in unicodedata.normalize("NFKC", character))


def excerpt(raw: str) -> str:
    """The beginning of a message for people to recognise it by: one line of what can be seen, short."""
    seen = "".join(c if _visible(c) else " " for c in unicodedata.normalize("NFKC", raw[:_EXCERPT_READ]))
    line = " / ".join(part for part in (" ".join(x.split()) for x in seen.split("\n")) if part)
    return line if len(line) <= EXCERPT else line[: EXCERPT - 1] + "…"


def _visible(character: str) -> bool:
    """Neither control, format (zero-width, bidi), surrogate nor private, nor a variation selector."""
    return character == "\n" or not (
        unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn") or "\ufe00" <= character <= "\ufe0f"
    )
