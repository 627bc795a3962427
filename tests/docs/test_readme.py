"""README.md says what the program does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from typer.main import get_command

from tests.docs.pages import README, section, tables, text
from tstream.commands.app import app
from tui.actions import ACTIONS, Danger
from tui.keymap import RESERVED, key_text

ASKS = {Danger.NONE: "", Danger.GUARDED: "on a live account", Danger.CONFIRMED: "always"}
COMPLETION = {"--install-completion", "--show-completion"}


def commands(command: Any, name: str = "tstream") -> Iterator[tuple[str, Any]]:
    """The program, its commands and theirs; groups that do nothing by themselves are left out."""
    inner = getattr(command, "commands", {})
    if not inner or getattr(command, "invoke_without_command", False):
        yield name, command
    for word, one in inner.items():
        yield from commands(one, f"{name} {word}")


ALL = dict(commands(get_command(app)))


def test_the_table_of_keys_is_the_registry() -> None:
    (table,) = tables(section(README, "Keys"))
    assert table == [
        [f"`{key_text(a.keys)}`" if a.keys else "", f"`{a.id}`", a.tooltip, ASKS[a.danger]]
        for a in ACTIONS.values()
    ]


@pytest.mark.parametrize("key", RESERVED)
def test_keys_that_cannot_be_given_away_are_named(key: str) -> None:
    assert f"`{key_text(key)}`" in section(README, "Keys")


def test_every_command_is_in_the_table() -> None:
    table = tables(section(README, "Command line"))[0]
    assert sorted(row[0].strip("`") for row in table) == sorted(ALL)


def test_every_option_is_in_the_table_and_no_other() -> None:
    table = tables(section(README, "Command line"))[1]
    told = set(re.findall(r"--[a-z-]+", " ".join(row[0] for row in table)))
    known = {
        name
        for command in ALL.values()
        for parameter in command.params
        if parameter.param_type_name == "option"
        for name in (*parameter.opts, *parameter.secondary_opts)
        if name.startswith("--")
    }
    assert told - {"--help"} == known - COMPLETION - {"--help"}


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
