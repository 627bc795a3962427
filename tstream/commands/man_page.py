"""Writes docs/tstream.1 from the commands themselves: `python -m tstream.commands.man_page FILE`."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from enum import Enum
from importlib.metadata import version
from pathlib import Path
from typing import Any

from typer.main import get_command

from tstream.commands.app import app

_MARKUP = re.compile(r"\[/?[a-z]+\]")
_HIDDEN = {"install_completion", "show_completion"}


def page() -> str:
    """The whole page, in the macros of man(7)."""
    root = get_command(app)
    return "\n".join([*_head(root), *_commands(root), *_tail(root)]) + "\n"


def _head(root: Any) -> Iterator[str]:
    yield r".\" Written by `make docs` from the commands themselves; a test compares the two."
    yield f'.TH TSTREAM 1 "" "tstream {version("tstream")}" "User Commands"'
    yield ".SH NAME"
    yield r"tstream \- a terminal cockpit that watches, trades and guards futures and crypto accounts"
    yield ".SH SYNOPSIS"
    yield r".B tstream"
    yield r"[\fIOPTIONS\fR] [\fICOMMAND\fR [\fIARGUMENTS\fR]]"
    yield ".SH DESCRIPTION"
    yield from _prose(root.help)
    yield ".SH OPTIONS"
    yield from _parameters(root)


def _commands(root: Any) -> Iterator[str]:
    yield ".SH COMMANDS"
    for name, command in _walk(root, "tstream"):
        yield f".SS {_text(name)} {_usage(command)}".rstrip()
        yield from _prose(command.help)
        yield from _parameters(command)


def _tail(root: Any) -> Iterator[str]:
    if root.epilog:
        yield ".SH EXAMPLES"
        yield ".nf"
        yield from (
            _text(line) for line in _MARKUP.sub("", root.epilog).strip().splitlines()[1:] if line.strip()
        )
        yield ".fi"
    yield ".SH EXIT STATUS"
    for code, words in (
        (0, "Done."),
        (1, "Failed."),
        (2, "Asked wrongly; nothing was started."),
        (130, "Interrupted."),
    ):
        yield ".TP"
        yield f".B {code}"
        yield words
    yield ".SH FILES"
    yield r"\fI~/.config/tstream/tstream.toml\fR and \fI.env\fR: settings and secrets;"
    yield r"\fI~/.local/share/tstream\fR: journals; \fI~/.local/state/tstream\fR: logs;"
    yield r"with \fBTSTREAM_HOME\fR set, all of them in that folder."


def _walk(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    for word, one in sorted(getattr(command, "commands", {}).items()):
        path = f"{name} {word}"
        if not getattr(one, "commands", {}) or getattr(one, "invoke_without_command", False):
            yield path, one
        yield from _walk(one, path)


def _usage(command: Any) -> str:
    return _text(" ".join(_takes(one) for one in command.params if one.param_type_name == "argument"))


def _takes(one: Any) -> str:
    """What stands for the value of an option or an argument."""
    kind = one.type_descriptor.annotation
    if one.metavar is None and isinstance(kind, type) and issubclass(kind, Enum):
        return "|".join(str(member.value) for member in kind)
    return one.metavar or str(one.name).upper()


def _parameters(command: Any) -> Iterator[str]:
    for one in command.params:
        if getattr(one, "hidden", False) or one.name in _HIDDEN or not getattr(one, "help", None):
            continue
        yield ".TP"
        if one.param_type_name == "argument":
            yield rf"\fI{_text(_takes(one))}\fR"
        else:
            names = ", ".join(rf"\fB{_text(name)}\fR" for name in (*one.opts, *one.secondary_opts))
            takes = "" if one.is_flag else rf" \fI{_text(_takes(one))}\fR"
            yield f"{names}{takes}"
        yield _text(_MARKUP.sub("", one.help))


def _prose(text: str | None) -> Iterator[str]:
    for number, paragraph in enumerate(re.split(r"\n\s*\n", _MARKUP.sub("", text or "").strip())):
        if number:
            yield ".PP"
        yield _text(" ".join(paragraph.split()))


def _text(text: str) -> str:
    """Nothing in it is taken for a command of the page."""
    plain = text.replace("\\", r"\e").replace("-", r"\-")
    return rf"\&{plain}" if plain.startswith((".", "'")) else plain


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
