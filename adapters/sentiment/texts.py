"""Texts from outside: cut, cleaned, counted once. They are data: nothing in them is followed or run."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterable, Mapping
from math import log1p

from msgspec import Struct

MOST_CHARS = 600
"""Of a text that is looked at: a headline and the beginning of what follows."""
MOST_READERS = 1e9
_TAG = re.compile(r"<[^<>]{0,400}>")
_ADDRESS = re.compile(r"https?://\S+")
_SPACE = re.compile(r"[\s\x00-\x1f\x7f-\x9f​-‏‪-‮⁦-⁩﻿]+")


class Text(Struct, frozen=True):
    """One news or post, as far as it is looked at."""

    key: str
    """By which its source knows it; the same for every reading."""
    words: str
    ts: int
    """When it was written, by its source, nanoseconds UTC."""
    readers: float = 0.0
    """How many have answered, shared or liked it."""

    @property
    def weight(self) -> float:
        """Ten times the readers count about twice: most posts have none, a few have all."""
        return 1.0 + log1p(max(0.0, min(self.readers, MOST_READERS))) / 2


def plain(*parts: str) -> str:
    """A text without mark-up, addresses and control characters, bounded."""
    joined = ". ".join(part[: 4 * MOST_CHARS] for part in parts if part)
    bare = _ADDRESS.sub(" ", html.unescape(_TAG.sub(" ", html.unescape(joined))))
    return _SPACE.sub(" ", _TAG.sub(" ", bare)).strip()[:MOST_CHARS]


def sameness(text: Text) -> tuple[str, str]:
    """By what a text is known again: its source's name of it, and its words, which others copy."""
    words = re.sub(r"\W+", " ", text.words.casefold()).strip()[:200]
    return _digest(text.key), _digest(words)


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).hexdigest()


KNOWN_WORDS: Mapping[str, tuple[str, ...]] = {
    "BTC": ("bitcoin", "btc"),
    "ETH": ("ethereum", "ether", "eth"),
    "SOL": ("solana",),
    "XRP": ("xrp", "ripple"),
    "ES": ("s&p 500", "s&p", "spx", "spy", "stocks", "wall street", "equities"),
    "NQ": ("nasdaq", "ndx", "qqq", "tech stocks"),
    "YM": ("dow jones", "the dow"),
    "RTY": ("russell 2000", "small caps"),
    "GC": ("gold", "bullion"),
    "SI": ("silver",),
    "CL": ("crude", "oil", "wti", "opec"),
    "NG": ("natural gas",),
    "6E": ("euro", "eur/usd"),
    "ZN": ("treasuries", "treasury yields", "10-year yield"),
}
"""What people call what the usual instruments follow."""
_LIKE = {"MES": "ES", "MNQ": "NQ", "MYM": "YM", "M2K": "RTY", "MGC": "GC", "SIL": "SI", "MCL": "CL"}
_ROOTS = sorted((*KNOWN_WORDS, *_LIKE), key=len, reverse=True)


def words_of(symbol: str) -> tuple[str, ...]:
    """What people call an instrument; its own symbol where nobody knows better."""
    root = next((root for root in _ROOTS if symbol.startswith(root)), "")
    return KNOWN_WORDS.get(_LIKE.get(root, root), ()) or (symbol.casefold(),)


class Namings:
    """Finds which instruments a text names."""

    def __init__(self, instruments: Iterable[str], words: Mapping[str, tuple[str, ...]]) -> None:
        self._patterns = {one: _any(words.get(one) or words_of(one)) for one in instruments}

    def named(self, text: Text) -> list[str]:
        found = text.words.casefold()
        return [symbol for symbol, pattern in self._patterns.items() if pattern.search(found)]


def _any(words: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(rf"(?<!\w){re.escape(word.casefold())}(?!\w)" for word in words))
