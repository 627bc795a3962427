"""README.md says what the program does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from textual.binding import Binding
from typer.main import get_command

from tests.docs.pages import COCKPIT, DOCS, README, section, tables, text
from tstream.commands.app import app
from tui.actions import ACTIONS, Danger
from tui.keymap import RESERVED, key_text
from tui.screens.ladder import LadderScreen

ASKS = {Danger.NONE: "", Danger.GUARDED: "on a live account", Danger.CONFIRMED: "always"}


def commands(command: Any, name: str = "tstream") -> Iterator[tuple[str, Any]]:
    """The program, its commands and theirs; groups that do nothing by themselves are left out."""
    inner = getattr(command, "commands", {})
    if not inner or getattr(command, "invoke_without_command", False):
        yield name, command
    for word, one in inner.items():
        yield from commands(one, f"{name} {word}")


ALL = dict(commands(get_command(app)))


def rows(*actions: str) -> list[list[str]]:
    """What a table of keys says of these actions."""
    return [
        [f"`{key_text(a.keys)}`" if a.keys else "", f"`{a.id}`", a.tooltip, ASKS[a.danger]]
        for a in (ACTIONS[name] for name in actions)
    ]


def test_the_table_of_keys_is_the_registry() -> None:
    (table,) = tables(section(COCKPIT, "Keys"))
    assert table == rows(*ACTIONS)


def test_the_keys_of_every_day_are_as_the_registry_has_them() -> None:
    (table,) = tables(section(README, "Keys"))
    assert {"flatten", "pause", "ticket", "help", "quit"} < {row[1].strip("`") for row in table}
    assert table == rows(*(row[1].strip("`") for row in table))


BY_HAND = (
    "ticket", "next-contract", "help", "focus-orders", "price-down", "price-up", "price-down-ten",
    "price-up-ten", "trail", "break-even", "close-half", "flatten", "reverse", "cancel-entries", "row",
)  # fmt: skip
"""What docs/trading-by-hand.md does by key."""
IN_TICKET = set("bsmlp↑↓←→")
READS = {"⏎", "y", "j", "k"}
"""Answers, and the cursor."""


def test_trading_by_hand_has_the_keys_of_the_registry_and_no_other() -> None:
    prose = re.sub(r"```.*?```", "", text(DOCS / "trading-by-hand.md"), flags=re.DOTALL)
    named = {key for key in re.findall(r"`([^`]+)`", prose) if len(key) == 1}
    keys = {key_text(ACTIONS[action].keys) for action in BY_HAND}
    assert keys <= named | {"⏎"}
    assert named <= keys | IN_TICKET | READS


def test_the_table_of_an_armed_ladder_is_the_page() -> None:
    table = next(one for one in tables(text(DOCS / "ladder.md")) if "buy or sell limit" in one[0][1])
    known = {key_text(one.key) for one in Binding.make_bindings(LadderScreen.BINDINGS)} | {"esc"}
    named = {key for row in table for key in re.findall(r"`([^`]+)`", row[0])}
    assert {"b", "s", "B", "S", "x", "m", "a"} <= named <= known


@pytest.mark.parametrize("key", RESERVED)
def test_keys_that_cannot_be_given_away_are_named(key: str) -> None:
    assert f"`{key_text(key)}`" in section(COCKPIT, "Keys")


def test_the_commands_that_are_named_exist() -> None:
    (table,) = tables(section(README, "Command line"))
    for row in table:
        for name in re.findall(r"`(?:tstream )?([a-z]+)`", row[0]):
            assert name == "tstream" or any(f"{one} ".startswith(f"tstream {name} ") for one in ALL), name


def test_the_screenshots_are_of_this_program() -> None:
    shown = {
        "docs/images/cockpit.svg": (
            *("PRACTICE", "practice time", "Chart", "Positions", "Alignment", "Alerts", "entry", "SL", "T1"),
        ),
        "docs/images/ladder.svg": ("PRACTICE", "Ladder", "bid", "ask", "traded", "our buys"),
    }
    pictures = re.findall(r"!\[[^]]*\]\(([^)]+)\)", text(README))
    assert pictures == [*shown]
    for picture, wanted in shown.items():
        svg = (README.parent / picture).read_text(encoding="utf-8")
        words = re.sub(r"<[^>]+>", " ", svg).replace("&#160;", " ")
        for word in wanted:
            assert word in words, (picture, word)
