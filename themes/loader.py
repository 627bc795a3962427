"""Reads colour themes from TOML files; knows nothing of the screen that wears them.

A theme file has a `name`, a one-line `about`, `dark` (true or false) and a table `[colors]` with every
colour of `COLORS` as "#rrggbb", so that a theme can't look right on one pane only. Those that came later
(`DERIVED`) a theme of before takes from its own.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

DEFAULT = "nightwatch"

COLORS: dict[str, str] = {
    "background": "behind everything",
    "surface": "behind dialogs",
    "text": "what is read",
    "dim": "labels and column heads",
    "faint": "separators and what is switched off",
    "frame": "frames of panes",
    "live-frame": "frames of panes when any book is live",
    "accent": "the focused pane, the current contract, keys",
    "gain": "money won",
    "loss": "money lost",
    "up": "prices and directions that rise",
    "down": "prices and directions that fall",
    "buy": "what is bought, and long positions",
    "sell": "what is sold, and short positions",
    "ok": "connections and parts that are well",
    "bad": "connections and parts that are not",
    "flat": "neither",
    "stale": "data that is too old",
    "warn": "warnings",
    "error": "errors",
    "ink": "letters on a badge",
    "practice": "badge of a practice account",
    "paper": "badge of a paper account",
    "live": "badge of a live account",
    "entry": "entries on the chart",
    "stop": "stops on the chart",
    "target": "targets on the chart",
    "candle-up": "candles that closed up",
    "candle-down": "candles that closed down",
    "volume": "volume under the candles",
    "guide": "guide lines of the chart",
    "zone-up": "outlines of demand zones",
    "zone-down": "outlines of supply zones",
    "zone-level": "outlines of support and resistance",
    "flash-up": "behind a price that just rose",
    "flash-down": "behind a price that just fell",
    "select": "behind the selected row",
}
"""Every colour that a theme gives, and what it is for."""

DERIVED = {
    "up": "gain",
    "down": "loss",
    "buy": "gain",
    "sell": "loss",
    "ok": "gain",
    "bad": "error",
    "live-frame": "live",
}
"""Colours that a theme may leave out, and which of its own they take then."""

_HEX = re.compile(r"#[0-9a-fA-F]{6}")
_NAME = re.compile(r"[a-z][a-z0-9-]{1,30}")


class ThemeError(ValueError):
    """A theme file that can't be used; the message names the file, the key and what is allowed."""


@dataclass(frozen=True, slots=True)
class ColorTheme:
    """One theme: its name, whether its background is dark, and a colour for each name of `COLORS`."""

    name: str
    about: str
    dark: bool
    colors: dict[str, str]


def read_theme(path: Path) -> ColorTheme:
    """The theme in a file. Raises ThemeError."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ThemeError(f"{path.name}: {error}") from error
    name = data.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ThemeError(f"{path.name}: name = {name!r} must be lower-case letters, digits and dashes")
    dark = data.get("dark")
    if not isinstance(dark, bool):
        raise ThemeError(f"{path.name}: dark = {dark!r} must be true or false")
    about = data.get("about", "")
    if not isinstance(about, str):
        raise ThemeError(f"{path.name}: about = {about!r} must be a text")
    colors = data.get("colors")
    if not isinstance(colors, dict):
        raise ThemeError(f"{path.name}: the table [colors] is missing")
    colors = {late: colors[known] for late, known in DERIVED.items() if known in colors} | colors
    _check_colors(path.name, colors)
    return ColorTheme(name, about, dark, {key: colors[key] for key in COLORS})


def _check_colors(file: str, colors: dict[str, object]) -> None:
    unknown = sorted(set(colors) - set(COLORS))
    if unknown:
        raise ThemeError(f"{file}: colors.{unknown[0]} is not a colour that the cockpit knows")
    missing = [key for key in COLORS if key not in colors]
    if missing:
        raise ThemeError(f"{file}: colors.{missing[0]} is missing ({COLORS[missing[0]]})")
    for key, value in colors.items():
        if not isinstance(value, str) or not _HEX.fullmatch(value):
            raise ThemeError(f'{file}: colors.{key} = {value!r} must be "#rrggbb"')


def builtin_themes() -> dict[str, ColorTheme]:
    """The themes that come with tstream, by name, the default first."""
    found = (read_theme(path) for path in sorted(Path(__file__).with_name("data").glob("*.toml")))
    themes = {theme.name: theme for theme in found}
    return {DEFAULT: themes.pop(DEFAULT), **themes}


def user_themes(folder: Path) -> tuple[dict[str, ColorTheme], list[str]]:
    """The themes in a user's folder by name, and what is wrong with the rest. No folder, no themes."""
    themes: dict[str, ColorTheme] = {}
    problems: list[str] = []
    if not folder.is_dir():
        return themes, problems
    for path in sorted(folder.glob("*.toml")):
        try:
            theme = read_theme(path)
        except ThemeError as error:
            problems.append(str(error))
        else:
            themes[theme.name] = theme
    return themes, problems
