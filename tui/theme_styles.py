"""Turns style names ("gain bold on:flash-up") into styles of the current theme."""

from __future__ import annotations

from collections.abc import Mapping

from rich.color import Color
from rich.style import Style

from engine.model.orders import AccountKind

_WEIGHTS = {"bold": "bold", "italic": "italic", "underline": "underline", "reverse": "reverse"}


class ThemeStyles:
    """The colours of one theme. `mode` LIVE paints the frames in the theme's live colour, a replay in that of
    its badge.
    """

    def __init__(
        self, colors: Mapping[str, str], mode: AccountKind = AccountKind.PRACTICE, *, replay: bool = False
    ) -> None:
        self.colors = colors
        self.mode = mode
        self.replay = replay
        self._styles: dict[str, Style] = {}

    def style(self, name: str) -> Style:
        """The style of a name. Unknown words are a mistake in the code and raise KeyError."""
        found = self._styles.get(name)
        if found is None:
            found = self._styles[name] = self._build(name)
        return found

    def _build(self, name: str) -> Style:
        foreground, background = self.colors["text"], self.colors["background"]
        weights: dict[str, bool] = {}
        for word in name.split():
            if word.startswith("on:"):
                background = self.colors[word[3:]]
            elif word in _WEIGHTS:
                weights[_WEIGHTS[word]] = True
            elif word == "frame" and self.replay:
                foreground = self.colors["practice"]
            elif word == "frame" and self.mode is AccountKind.LIVE:
                foreground = self.colors["live-frame"]
            else:
                foreground = self.colors[word]
        return Style(
            color=Color.parse(foreground),
            bgcolor=Color.parse(background),
            bold=weights.get("bold"),
            italic=weights.get("italic"),
            underline=weights.get("underline"),
            reverse=weights.get("reverse"),
        )
