"""Signs that are not in every character set, and what stands for them where they can't be shown."""

from __future__ import annotations

import codecs

REPLACED = "tstream.signs"
"""An error handler for streams: our own signs become words or ASCII, everything else "?"."""

_ASCII = {
    "✓": "ok",
    "✗": "NO",
    "→": "->",
    "–": "-",
    "−": "-",
    "…": "...",
    "·": ".",
    "×": "x",
    "“": '"',
    "”": '"',
}


def _replaced(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    cut = error.object[error.start : error.end]
    return "".join(_ASCII.get(sign, "?") for sign in cut), error.end


codecs.register_error(REPLACED, _replaced)
