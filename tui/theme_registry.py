"""The themes to choose from: ours and the user's, as the screen library wants them."""

from __future__ import annotations

import colorsys
from dataclasses import replace
from pathlib import Path

from textual.theme import Theme

from themes.loader import DEFAULT, ColorTheme, ThemeError, builtin_themes, read_theme, user_themes

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


_SHADES = ("#000000", "#555555", "#aaaaaa", "#ffffff")
_ON_BLACK = {0: "#ff5555", 60: "#ffff55", 120: "#55ff55", 180: "#55ffff", 300: "#ff55ff", 360: "#ff5555"}
_ON_WHITE = {0: "#aa0000", 240: "#0000aa", 300: "#aa00aa", 360: "#aa0000"}
"""Of the colours of terminals with 16 those that can be read, by hue."""
_BEHIND = ("frame", "guide", "select", "volume", "flash-up", "flash-down")
"""Must stand out from the background, and be read upon."""


def for_16(theme: ColorTheme) -> dict[str, str]:
    """The theme in colours of terminals that have 16: by hue, in greys where no colour is near that can be
    read."""
    found, hues = {}, _ON_BLACK if theme.dark else _ON_WHITE
    for key, color in theme.colors.items():
        red, green, blue = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
        hue, light, saturation = colorsys.rgb_to_hls(red, green, blue)
        nearest = min(hues, key=lambda known: abs(known - hue * 360))
        if saturation > 0.3 and light > (0.3 if theme.dark else 0) and abs(nearest - hue * 360) < 61:
            found[key] = hues[nearest]
        else:
            found[key] = min(_SHADES, key=lambda shade: abs(int(shade[1:3], 16) / 255 - light))
    back, near, text = ("#000000", "#555555", "#ffffff") if theme.dark else ("#ffffff", "#aaaaaa", "#000000")
    readable = "#aaaaaa" if theme.dark else "#555555"
    dim = {key: readable for key, color in found.items() if color in (back, near)}
    chrome = dict.fromkeys(_BEHIND, near)
    if theme.dark:
        chrome["select"] = "#0000aa"  # upon grey red could not be read, and a row has losses and sells
    return found | dim | chrome | {"background": back, "surface": back, "ink": back, "text": text}


class ThemeRegistry:
    """Our themes, then the user's. One that can't be read is a problem to be told, never an end."""

    def __init__(self, wanted: str | None, folder: Path | None) -> None:
        self.themes: dict[str, ColorTheme] = builtin_themes()
        self.problems: list[str] = []
        if folder is not None:
            found, self.problems = user_themes(folder)
            self.themes |= found
        self.first = self._choose(wanted)

    def _choose(self, wanted: str | None) -> str:
        """The name to start with; `wanted` may be a name or a file."""
        if not wanted:
            return DEFAULT
        if wanted.endswith(".toml"):
            try:
                theme = read_theme(Path(wanted))
            except ThemeError as error:
                self.problems.append(f"{error}; {DEFAULT} is used instead")
                return DEFAULT
            self.themes[theme.name] = theme
            return theme.name
        if wanted not in self.themes:
            self.problems.append(
                f"theme = {wanted!r}: there are {', '.join(self.themes)}; {DEFAULT} is used instead"
            )
            return DEFAULT
        return wanted

    def reduce(self, color_system: str | None) -> None:
        """Make all colours ones that a terminal has: "256", or "standard", which is 16."""
        for name, theme in self.themes.items():
            if color_system == "standard":
                self.themes[name] = replace(theme, colors=for_16(theme))
            elif color_system == "256":
                colors = {key: for_256(color) for key, color in theme.colors.items()}
                self.themes[name] = replace(theme, colors=colors)

    def next_after(self, name: str) -> str:
        """The next theme, round and round."""
        names = list(self.themes)
        return names[(names.index(name) + 1) % len(names)] if name in names else names[0]


def textual_theme(theme: ColorTheme) -> Theme:
    """A theme as Textual knows it; all our colours become variables of the stylesheet."""
    colors = theme.colors
    return Theme(
        name=theme.name,
        primary=colors["accent"],
        secondary=colors["entry"],
        warning=colors["warn"],
        error=colors["error"],
        success=colors["ok"],
        accent=colors["accent"],
        foreground=colors["text"],
        background=colors["background"],
        surface=colors["surface"],
        panel=colors["surface"],
        dark=theme.dark,
        variables={
            **colors,
            "block-cursor-background": colors["select"],
            "block-cursor-foreground": colors["text"],
            "input-selection-background": f"{colors['select']}",
            "scrollbar": colors["faint"],
            "scrollbar-background": colors["surface"],
        },
    )
