"""Keeps secrets out of texts that came from libraries or the venue and go into logs and messages."""

from __future__ import annotations

import re

_PATTERNS = (
    (re.compile(r"(access_token=)[^&\s\"']+", re.IGNORECASE), r"\1***"),
    (re.compile(r"(Bearer\s+)[^\s\"',}]+", re.IGNORECASE), r"\1***"),
    (re.compile(r"\beyJ[\w-]*\.[\w-]*\.?[\w-]*"), "***"),
)
LONGEST = 300


def scrub(text: object, *secrets: str) -> str:
    """The text without the given secrets and anything shaped like a token, control characters, or excess."""
    clean = str(text)
    for secret in secrets:
        if secret:
            clean = clean.replace(secret, "***")
    for pattern, replacement in _PATTERNS:
        clean = pattern.sub(replacement, clean)
    clean = "".join(c if c.isprintable() else " " for c in clean)
    return clean if len(clean) <= LONGEST else clean[:LONGEST] + "…"
