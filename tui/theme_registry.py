"""The themes that can be worn: ours and the user's, as the screen library wants them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from textual.theme import Theme

from themes.loader import DEFAULT, ColorTheme, ThemeError, builtin_themes, read_theme, user_themes
from tui.styles import for_256


class Wardrobe:
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
                self.problems.append(f"{error}; {DEFAULT} is worn instead")
                return DEFAULT
            self.themes[theme.name] = theme
            return theme.name
        if wanted not in self.themes:
            self.problems.append(
                f"theme = {wanted!r}: there are {', '.join(self.themes)}; {DEFAULT} is worn instead"
            )
            return DEFAULT
        return wanted

    def reduce(self) -> None:
        """Make all colours ones that a terminal with 256 of them has."""
        self.themes = {
            name: replace(theme, colors={key: for_256(color) for key, color in theme.colors.items()})
            for name, theme in self.themes.items()
        }

    def after(self, name: str) -> str:
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
        success=colors["gain"],
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
