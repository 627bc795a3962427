"""A message made plain before it is read: what can't be seen is dropped, what can't be trusted refused."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from functools import lru_cache

from engine.model.alerts import Reason
from engine.strategies.alerts.alert import Unread

LONGEST = 400
"""Characters of an alert, once it is plain."""

_RAW_LONGEST = 4_000
"""Characters looked at at all: what a chat's longest message and its embeds hold."""

EXCERPT = 80
"""Characters of a message that people are shown at most."""

_EXCERPT_READ = 400

UNSAID = "\ufffc"
"""Stands where something is struck through or hidden. No form of an alert has it."""

_STRUCK = re.compile(r"~~.*?(?:~~|\Z)|\|\|.*?(?:\|\||\Z)", re.DOTALL)
"""What nothing closes is struck to the end."""
_QUOTED = re.compile(r"^[^\S\n]*>>>", re.MULTILINE)
"""From here to the end all is quoted."""

_MENTION = re.compile(r"<(?:@[!&]?|#)\d{1,20}>|@everyone|@here")
_MARKUP = re.compile(r"(?<![\d*_`])[*_`]++|(?<![*_`])[*_`]++(?!\d)")
"""Between two digits they are no markdown."""
_BLANK = re.compile(r"[^\S\n]+")

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_RESULT = re.compile(
    r"[\W_]*?(?:[+\N{MINUS SIGN}-] ?[\d$]|\d+(?:\.\d+)? ?(?:(?:(?:POINT|PT|TICK)S?|R)(?![^\W_])|%))"
)
"""A line that begins with a result: "+12", "12 points"."""
_SIGNS = re.compile(r"[\W_]*?([❌✖🚫⛔✅☑✔💰])")
_SMALL_WORDS = (
    "PLEASE PLS PLZ SORRY GUYS ALL MY THIS THAT THE TRADE TRADES ALERT SETUP SIGNAL CALL ONE IS WAS WERE ARE "
    "WE WE'RE WE'VE I I'M I'VE IM IT ITS GOT GET HAS HAVE BEEN NOW JUST AND OK OKAY ALSO SO NOTE "
    "STATUS POSITION ORDER ENTRY LONG SHORT"
)
_SMALL = frozenset(_SMALL_WORDS.split())
"""What may stand before the word that a line begins with."""


def said(raw: str) -> str:
    """The message without what is struck through or hidden, and with a mark before each line of a quotation.

    Neither is what its author says (docs/alerts.md#taken-back, F43).
    """
    text = _STRUCK.sub(UNSAID, raw)
    quoted = _QUOTED.search(text)
    if quoted is None:
        return text
    return text[: quoted.start()] + text[quoted.start() :].replace("\n", "\n>")


def taken_back(text: str, words: Collection[str], contracts: Collection[str]) -> str:
    """Why a text is no alert, whatever stands in its other lines: one takes back or reports. Empty for none.

    Small words and names of contracts may stand before what says so.
    """
    told = _by_first_word(tuple(words))
    for line in _seen(text[:_RAW_LONGEST]).upper().replace("’", "'").split("\n"):
        found, begin = list(_WORD.finditer(line)), 0
        spoken = [word[0].removesuffix("'S") for word in found]
        while spoken and (spoken[0] in _SMALL or spoken[0] in contracts):
            begin = found[-len(spoken)].end()
            del spoken[0]
        for start in (0, begin):
            if _RESULT.match(line, start):
                return "a line of it begins with a result"
            if sign := _SIGNS.match(line, start):
                return f"a line of it begins with {sign[1]}"
        for word in told.get(spoken[0], ()) if spoken else ():
            if spoken[: len(word)] == word:
                return f"a line of it begins with “{' '.join(word).lower()}”"
    return ""


@lru_cache(maxsize=64)
def _by_first_word(words: tuple[str, ...]) -> dict[str, list[list[str]]]:
    """In capitals, word by word."""
    found: dict[str, list[list[str]]] = {}
    for word in (word.upper().split() for word in words):
        if word:
            found.setdefault(word[0], []).append(word)
    return found


def plain(raw: str) -> str | Unread:
    """The text in NFKC, without invisible characters, markdown and mentions; one space between words."""
    if len(raw) > _RAW_LONGEST:
        return Unread(Reason.TOO_LONG)
    if not raw.isascii() and any(_strange_digit(c) for c in raw):
        return Unread(Reason.STRANGE_DIGITS)
    seen = _MARKUP.sub("", _seen(raw))
    lines = (_BLANK.sub(" ", line).strip() for line in seen.split("\n"))
    text = "\n".join(line for line in lines if line)
    return Unread(Reason.TOO_LONG) if len(text) > LONGEST else text


def _seen(raw: str) -> str:
    spaced = _BLANK.sub(" ", unicodedata.normalize("NFKC", raw))
    return _MENTION.sub("", "".join(c for c in spaced if _visible(c)))


@lru_cache(maxsize=2_048)
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


@lru_cache(maxsize=2_048)
def _visible(character: str) -> bool:
    """Neither control, format (zero-width, bidi), surrogate nor private, nor a variation selector."""
    return character == "\n" or not (
        unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn") or "\ufe00" <= character <= "\ufe0f"
    )
