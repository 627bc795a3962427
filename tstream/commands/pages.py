"""Writes docs/tstream.1 and docs/commands.md from the commands themselves.

`python -m tstream.commands.pages FOLDER`
"""

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
_ABOUT = """\
Written by `make docs` from the commands themselves, as the man page is: `man -l docs/tstream.1`. Each
says the same with `--help`. `tstream --install-completion` teaches bash, zsh or fish to complete commands.

Exit codes: 0 done, 1 failed, 2 asked wrongly (nothing was started), 130 interrupted. `tstream flatten` exits
with 0 only once everything in question was seen flat at the venue."""


def man_page() -> str:
    """tstream(1), in the macros of man(7)."""
    root = get_command(app)
    return "\n".join([*_head(root), *_commands(root), *_tail(root)]) + "\n"


def markdown_page() -> str:
    """The same as a page of the docs: a table of all commands, then a section for each with its options."""
    root = get_command(app)
    commands = [("tstream", root), *_walk(root, "tstream")]
    lines = ["# Commands", "", _ABOUT, "", "| command | what it does |", "|---|---|"]
    for name, command in commands:
        lines.append(f"| [`{name}`](#{name.replace(' ', '-')}) | {_cell(_paragraphs(command.help)[0])} |")
    for name, command in commands:
        takes = [_takes(one) for one in command.params if one.param_type_name == "argument"]
        lines += ["", f"## {name}", "", f"`{' '.join([name, *takes])}`"]
        for paragraph in _paragraphs(command.help):
            lines += ["", paragraph]
        rows = [f"| `{_cell(_spelt(one))}` | {_cell(_MARKUP.sub('', one.help))} |" for one in _told(command)]
        if rows:
            lines += ["", "| | |", "|---|---|", *rows]
    return "\n".join(lines) + "\n"


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


def _told(command: Any) -> Iterator[Any]:
    """Options and arguments that people are told of."""
    for one in command.params:
        if not getattr(one, "hidden", False) and one.name not in _HIDDEN and getattr(one, "help", None):
            yield one


def _spelt(one: Any) -> str:
    """How an option or an argument is written."""
    if one.param_type_name == "argument":
        return _takes(one)
    return ", ".join((*one.opts, *one.secondary_opts)) + ("" if one.is_flag else f" {_takes(one)}")


def _cell(words: str) -> str:
    return " ".join(words.split()).replace("|", "\\|")


def _parameters(command: Any) -> Iterator[str]:
    for one in _told(command):
        yield ".TP"
        if one.param_type_name == "argument":
            yield rf"\fI{_text(_takes(one))}\fR"
        else:
            names = ", ".join(rf"\fB{_text(name)}\fR" for name in (*one.opts, *one.secondary_opts))
            takes = "" if one.is_flag else rf" \fI{_text(_takes(one))}\fR"
            yield f"{names}{takes}"
        yield _text(_MARKUP.sub("", one.help))


def _prose(text: str | None) -> Iterator[str]:
    for number, paragraph in enumerate(_paragraphs(text)):
        if number:
            yield ".PP"
        yield _text(paragraph)


def _paragraphs(text: str | None) -> list[str]:
    return [" ".join(one.split()) for one in re.split(r"\n\s*\n", _MARKUP.sub("", text or "").strip())]


def _text(text: str) -> str:
    """Nothing in it is taken for a command of the page."""
    plain = text.replace("\\", r"\e").replace("-", r"\-")
    return rf"\&{plain}" if plain.startswith((".", "'")) else plain


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    (folder / "tstream.1").write_text(man_page(), encoding="utf-8")
    (folder / "commands.md").write_text(markdown_page(), encoding="utf-8")
