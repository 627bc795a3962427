"""A .env to start from, from the declarations of the settings: secrets empty, all else commented out."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from tstream.paths import CONFIG_VARIABLE, HOME_VARIABLE
from tstream.settings.fields import allowed, extra
from tstream.settings.model import Settings
from tstream.settings.problems import entry, secret_keys, variable, walk
from tstream.settings.sources import BINANCE_LOGIN, BINANCE_TESTNET, SYNONYMS, VENUE_PREFIX
from tstream.settings.venues import LOGIN_KEYS

_WIDTH = 100
_HEAD = """\
# Secrets of tstream, and settings that are easier to keep here. Written by `tstream env create`.
# Keep it to yourself: chmod 600 .env. It lies beside tstream.toml, or where you start tstream.
# What is empty or commented out is not set. Without secrets tstream runs the practice venue; with them,
# name the venue in tstream.toml too. `tstream check` says what is wrong or missing.

"""


def env_text() -> str:
    """The whole file."""
    return _HEAD + "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    fields = dict(walk(Settings))
    secrets = secret_keys(fields)
    for key in secrets:
        yield from _words(_about(fields[key]))
        yield f"{variable(key)}="
    yield ""
    yield "# The login of one venue that has its own; NAME is what it is called in tstream.toml, in capitals."
    for key in LOGIN_KEYS:
        yield f"# {VENUE_PREFIX}NAME__{key.upper()}="
    yield ""
    yield "# Names that other programs use for the same; ours win."
    for name, key in SYNONYMS.items():
        yield f"# {name} is {variable(key)}"
    yield f"# {' and '.join(BINANCE_LOGIN)} log in at the one venue of kind binance: at its"
    yield f"# testnet, unless {BINANCE_TESTNET} is false."
    yield ""
    yield "# Where files are: all of them under one folder; a settings file other than the usual one."
    yield "# Only from the environment:"
    yield f"#   {HOME_VARIABLE}, {CONFIG_VARIABLE}"
    yield ""
    yield "# Every other setting, with its default. tstream.toml is the better place; what stands here wins."
    section = ""
    for key, field in fields.items():
        if key in secrets or not _is_plain(field):
            continue
        name = key.rpartition(".")[0]
        if name != section:
            section = name
            yield ""
            yield f"# --- [{name}]"
        yield from _words(f"{_about(field)} ({allowed(field)})")
        yield f"# {variable(key)}={_value(field)}"


def _about(field: FieldInfo) -> str:
    return " ".join((field.description or "").split())


def _words(text: str) -> Iterator[str]:
    yield from textwrap.wrap(text, _WIDTH, initial_indent="# ", subsequent_indent="# ")


def _is_plain(field: FieldInfo) -> bool:
    """Whether one line holds it: no table, and no list of tables."""
    return entry(field) is None and not isinstance(field.default, dict)


def _value(field: FieldInfo) -> str:
    """Its default as a variable says it; empty where it follows from others."""
    value: Any = field.default
    if value is None or value is PydanticUndefined or isinstance(value, SecretStr) or extra(field, "default"):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, tuple):
        return ",".join(str(one.value if isinstance(one, Enum) else one) for one in value)
    return str(value)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(env_text(), encoding="utf-8")
