"""Turns style names ("gain bold on:flash-up") into styles of the current theme."""

from __future__ import annotations

from collections.abc import Mapping

from rich.color import Color
from rich.style import Style

from engine.model.orders import AccountKind

_WEIGHTS = {"bold": "bold", "italic": "italic", "underline": "underline", "reverse": "reverse"}


_LEVELS = (0, 95, 135, 175, 215, 255)


def for_256(color: str) -> str:
    """The nearest "#rrggbb" that terminals with 256 colours have: of the cube or of the greys.

    Without this, dark tinted colours fall to black, and zones and bars can't be seen.
    """
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    cube = [min(_LEVELS, key=lambda level: abs(level - part)) for part in (red, green, blue)]
    mean = (red + green + blue) / 3
    grey = min(238, max(8, round((mean - 8) / 10) * 10 + 8))

    def distance(r: int, g: int, b: int) -> float:
        weight = (red + r) / 2
        return (
            (2 + weight / 256) * (red - r) ** 2
            + 4 * (green - g) ** 2
            + (2 + (255 - weight) / 256) * (blue - b) ** 2
        )

    nearest = min((tuple(cube), (grey,) * 3), key=lambda rgb: distance(*rgb))
    return "#{:02x}{:02x}{:02x}".format(*nearest)


class Palette:
    """The colours of one theme. `mode` LIVE paints the frames in the theme's live colour."""

    def __init__(self, colors: Mapping[str, str], mode: AccountKind = AccountKind.PRACTICE) -> None:
        self.colors = colors
        self.mode = mode
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
