"""The themes to choose from: ours and the user's, as the screen library wants them."""

from __future__ import annotations

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

    def reduce_to_256(self) -> None:
        """Make all colours ones that a terminal with 256 of them has."""
        self.themes = {
            name: replace(theme, colors={key: for_256(color) for key, color in theme.colors.items()})
            for name, theme in self.themes.items()
        }

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
