"""Makes text from outside harmless: what it says stays readable, what it could do to a terminal does not."""

from __future__ import annotations

import re

_BLANKS = re.compile(r"[\t\r\n\v\f\x85\u2028\u2029]+")
_DANGEROUS = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f"  # C0 and C1 controls, escape among them
    "\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"  # invisible, joining, reordering
    "\ufff9-\ufffb\ud800-\udfff"  # interlinear marks, lone surrogates
    "\U000e0000-\U000e0fff]"  # tags
)
MARK = "·"
"""Stands for each character that was taken out, so that a tampered text looks tampered with."""


def plain(text: str) -> str:
    """The text on one line, control and reordering characters shown as a middle dot. Markup stays literal."""
    if text.isascii() and text.isprintable():
        return text
    return _DANGEROUS.sub(MARK, _BLANKS.sub(" ", text))
