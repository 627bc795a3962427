"""Writes docs/configuration.md: every key, from its own declaration.

Run as `python -m tstream.settings.reference FILE` (make docs).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import get_args

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from tstream.settings.fields import allowed, extra
from tstream.settings.model import Settings
from tstream.settings.problems import ENTRIES
from tstream.settings.sources import PREFIX

_HEAD = f"""# Settings

<!-- Written by `make docs` from the settings themselves; a test compares the two. -->

tstream needs no settings: without any it runs the practice venue. `tstream.example.toml` shows a file to
start from. Settings come from three places; a later one wins over an earlier one:

1. `tstream.toml` in the platform's settings folder (`tstream check` prints where), in `$TSTREAM_HOME` when
   that is set, or the file that `--config FILE` or `$TSTREAM_CONFIG` names;
2. `.env` beside that file and, unless `TSTREAM_HOME` is set, in the working folder; nothing is filled in for
   `${{...}}`;
3. the environment.

A variable's name is `{PREFIX}`, the section, an underscore and the key: `{PREFIX}RISK_MAX_TRADES=10`.
Lists are separated by commas (`{PREFIX}CONTRACTS=MNQ,MES`), tables are JSON. The login at a gateway
(`projectx`), and every token, password and webhook address of `notify`, is taken from `.env` or the
environment only.

Anything that can't be right, a misspelt key included, ends the start with one line for each problem and exit
code 2, before anything connects. Changes take hold at the next start; the last column tells which keys could
change under open trades (*live*) and which never can (*restart*).
"""


def markdown() -> str:
    """The whole page."""
    return _HEAD + "".join(_sections())


def _sections() -> Iterator[str]:
    top = {name: field for name, field in Settings.model_fields.items() if not _section(field)}
    plain = {name: field for name, field in top.items() if name not in ENTRIES}
    yield _table("At the top of the file", "Above the first section.", plain)
    for name, field in Settings.model_fields.items():
        section = _section(field)
        if section is not None:
            yield _table(f"[{name}]", section.__doc__ or "", section.model_fields)
    for table, example in zip(ENTRIES, ("MNQ, ES and so on", "yours for it"), strict=True):
        entry: type[BaseModel] = get_args(top[table].annotation)[1]
        yield _table(f"[{table}.NAME]", f"{entry.__doc__} NAME is {example}.", entry.model_fields)


def _section(field: FieldInfo) -> type[BaseModel] | None:
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _table(title: str, about: str, fields: dict[str, FieldInfo]) -> str:
    rows = "".join(_row(name, field) for name, field in fields.items())
    head = "| key | what it is | allowed | default | change |\n|---|---|---|---|---|\n"
    return f"\n## {title}\n\n{about}\n\n{head}{rows}"


def _row(name: str, field: FieldInfo) -> str:
    cells = (f"`{name}`", field.description, allowed(field), _default(field), extra(field, "reload"))
    return f"| {' | '.join(str(cell) for cell in cells)} |\n"


def _default(field: FieldInfo) -> str:
    if words := extra(field, "default"):
        return words
    value = field.default
    if value is None or isinstance(value, SecretStr) or value in ("", {}):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, dict):
        return "`{ " + ", ".join(f"{key} = {entry}" for key, entry in value.items()) + " }`"
    if isinstance(value, tuple):
        return "`[" + ", ".join(f'"{entry}"' for entry in value) + "]`"
    return f"`{value}`" if isinstance(value, (int, float, Decimal)) else f'`"{value}"`'


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(markdown(), encoding="utf-8")
