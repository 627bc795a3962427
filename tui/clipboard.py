"""What is copied to the clipboard, and how a terminal is told (OSC 52)."""

from __future__ import annotations

from base64 import b64encode

from tui.plain_text import plain

MOST = 4_000
"""Characters that are copied at most: terminals drop longer sequences whole."""


def copied(text: str) -> str:
    """The text as it is copied: plain, each run of blanks two, bounded."""
    words = "  ".join(part.strip() for part in plain(text).split("  ") if part.strip())
    return words[:MOST]


def osc52(text: str, tmux: bool) -> str:
    """The sequence that puts a text into the terminal's clipboard. Inside tmux the outer terminal is told
    too, for a tmux that passes through but keeps the clipboard to itself."""
    sequence = f"\x1b]52;c;{b64encode(text.encode()).decode('ascii')}\x07"
    return sequence + (f"\x1bPtmux;{sequence.replace(chr(27), chr(27) * 2)}\x1b\\" if tmux else "")
