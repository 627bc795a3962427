from __future__ import annotations

from pathlib import Path

import pytest

from themes.loader import (
    COLORS,
    DEFAULT,
    DERIVED,
    ColorTheme,
    ThemeError,
    builtin_themes,
    read_theme,
    user_themes,
)
from tui.theme_registry import ThemeRegistry, for_16, for_256
from tui.theme_styles import ThemeStyles

THEMES = builtin_themes()


def _luminance(color: str) -> float:
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, two: str) -> float:
    """WCAG contrast ratio, 1 to 21."""
    light, dark = sorted((_luminance(one), _luminance(two)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _seen_without_green(color: str) -> tuple[float, float, float]:
    """Roughly how a deuteranope sees a colour (linear mix of red and green)."""
    red, green, blue = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return 0.625 * red + 0.375 * green, 0.7 * red + 0.3 * green, 0.3 * green + 0.7 * blue


def test_there_is_a_choice_and_a_default() -> None:
    assert next(iter(THEMES)) == DEFAULT
    assert len(THEMES) >= 4
    assert [theme.dark for theme in THEMES.values()].count(False) == 1
    assert all(set(theme.colors) == set(COLORS) for theme in THEMES.values())


# Prices, deadlines and what is said of them.
READ = (
    "text", "dim", "up", "down", "buy", "sell", "gain", "loss", "ok", "bad", "flat", "stale", "entry", "stop",
    "target", "warn", "error", "accent",
)  # fmt: skip


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES.keys())
def test_what_must_be_read_can_be_read(theme: ColorTheme) -> None:
    colors = theme.colors
    for back in ("background", "surface"):
        assert contrast(colors["faint"], colors[back]) >= 4.5, back
        for name in READ:
            assert contrast(colors[name], colors[back]) >= 7, (name, back)
    for back in ("flash-up", "flash-down"):
        assert contrast(colors["text"], colors[back]) >= 7, back
    assert contrast(colors["text"], colors["select"]) >= 4.5
    for zone in ("zone-up", "zone-down", "zone-level"):
        assert contrast(colors[zone], colors["background"]) >= 3, zone
    for badge in ("practice", "paper", "live", "up", "down", "stale", "warn", "error"):
        assert contrast(colors["ink"], colors[badge]) >= 7, badge


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES.keys())
def test_the_bars_of_limits_stand_out_from_their_track(theme: ColorTheme) -> None:
    colors = theme.colors
    for name in ("warn", "error"):
        assert contrast(colors[name], colors["guide"]) >= 3, name
    assert contrast(colors["faint"], colors["guide"]) >= 1.5
    for name in ("warn", "error", "dim", "text"):
        assert contrast(colors[name], colors["surface"]) >= 3.8, name


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES.keys())
def test_live_can_be_told_from_practice(theme: ColorTheme) -> None:
    assert len({theme.colors[name] for name in ("practice", "paper", "live")}) == 3
    assert theme.colors["frame"] != theme.colors["live-frame"]


def test_meridian_keeps_up_and_down_apart_for_colour_blind_eyes() -> None:
    colors = THEMES["meridian"].colors
    for up, down in (
        ("gain", "loss"),
        ("up", "down"),
        ("buy", "sell"),
        ("candle-up", "candle-down"),
        ("zone-up", "zone-down"),
    ):
        apart = zip(_seen_without_green(colors[up]), _seen_without_green(colors[down]), strict=True)
        assert sum(abs(a - b) for a, b in apart) > 0.25, (up, down)


def _write(folder: Path, name: str, **changes: str) -> Path:
    colors = {**THEMES[DEFAULT].colors, **changes}
    path = folder / f"{name}.toml"
    body = "\n".join(f'{key} = "{value}"' for key, value in colors.items() if value)
    path.write_text(f'name = "{name}"\ndark = true\n[colors]\n{body}\n', encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("name = ", "bad.toml: Invalid value"),
        ('name = "No Good"\ndark = true', "bad.toml: name = 'No Good'"),
        ('name = "x1"\ndark = "yes"', "bad.toml: dark = 'yes' must be true or false"),
        ('name = "x1"\ndark = true', "bad.toml: the table [colors] is missing"),
        ('name = "x1"\ndark = true\n[colors]\ngreen = "#ffffff"', "colors.green is not a colour"),
        ('name = "x1"\ndark = true\n[colors]\ntext = "#ffffff"', "colors.background is missing"),
    ],
)
def test_a_broken_theme_is_named_with_its_fault(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ThemeError) as caught:
        read_theme(path)
    assert problem in str(caught.value)


def test_a_theme_of_before_the_newer_colours_is_worn_with_colours_of_its_own(tmp_path: Path) -> None:
    colors = read_theme(_write(tmp_path, "mine", **dict.fromkeys(DERIVED, ""))).colors
    assert {late: colors[late] for late in DERIVED} == {
        late: colors[known] for late, known in DERIVED.items()
    }


def test_a_colour_must_be_hex(tmp_path: Path) -> None:
    with pytest.raises(ThemeError, match=r"colors\.gain = 'green' must be"):
        read_theme(_write(tmp_path, "mine", gain="green"))


def test_good_and_bad_themes_of_a_folder(tmp_path: Path) -> None:
    _write(tmp_path, "mine")
    _write(tmp_path, "broken", gain="")
    found, problems = user_themes(tmp_path)
    assert list(found) == ["mine"]
    assert problems == ["broken.toml: colors.gain is missing (money won)"]
    assert user_themes(tmp_path / "absent") == ({}, [])


@pytest.mark.parametrize(
    ("wanted", "worn", "told"),
    [
        (None, DEFAULT, ""),
        ("", DEFAULT, ""),
        ("daybook", "daybook", ""),
        ("mine", "mine", ""),
        ("solarised", DEFAULT, "theme = 'solarised': there are nightwatch"),
        ("/absent/x.toml", DEFAULT, "x.toml:"),
    ],
)
def test_a_theme_that_can_not_be_worn_falls_back(
    tmp_path: Path, wanted: str | None, worn: str, told: str
) -> None:
    _write(tmp_path, "mine")
    theme_registry = ThemeRegistry(wanted, tmp_path)
    assert theme_registry.first == worn
    assert told in "".join(theme_registry.problems)
    assert bool(theme_registry.problems) is bool(told)


def test_a_theme_may_be_a_file(tmp_path: Path) -> None:
    assert ThemeRegistry(str(_write(tmp_path, "mine")), None).first == "mine"


def test_themes_go_round() -> None:
    theme_registry = ThemeRegistry(None, None)
    name, seen = DEFAULT, []
    for _ in theme_registry.themes:
        seen.append(name)
        name = theme_registry.next_after(name)
    assert name == DEFAULT
    assert set(seen) == set(theme_registry.themes)


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES.keys())
def test_with_256_colours_text_stays_readable_and_zones_visible(theme: ColorTheme) -> None:
    colors = {name: for_256(color) for name, color in theme.colors.items()}
    for name in ("text", "gain", "loss", "warn", "error", "accent"):
        assert contrast(colors[name], colors["background"]) >= 4, name
    for name in ("zone-up", "zone-down", "zone-level", "flash-up", "flash-down", "surface", "select"):
        assert colors[name] != colors["background"], name
    assert all(for_256(color) == color for color in colors.values())


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES.keys())
def test_with_16_colours_everything_can_be_read_and_what_is_selected_is_seen(theme: ColorTheme) -> None:
    colors = for_16(theme)
    for name in (*READ, "faint", "practice", "paper", "live", "zone-up", "zone-down", "zone-level"):
        assert contrast(colors[name], colors["background"]) >= 4.5, name
        assert contrast(colors["ink"], colors[name]) >= 4.5, name
    for name in ("select", "guide", "frame", "flash-up", "flash-down"):
        assert colors[name] != colors["background"], name
        assert contrast(colors["text"], colors[name]) >= 4.5, name
    if theme.dark:
        for one, other in (("up", "down"), ("gain", "loss"), ("buy", "sell"), ("ok", "bad")):
            assert colors[one] != colors[other]


def test_a_live_mode_changes_only_the_frames() -> None:
    from engine.model.orders import AccountKind

    calm = ThemeStyles(THEMES[DEFAULT].colors, AccountKind.PAPER)
    live = ThemeStyles(THEMES[DEFAULT].colors, AccountKind.LIVE)
    assert calm.style("frame") != live.style("frame")
    assert calm.style("gain bold on:zone-up") == live.style("gain bold on:zone-up")
    with pytest.raises(KeyError):
        calm.style("greenish")
