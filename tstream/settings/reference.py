"""Writes docs/configuration.md: every key, from its own declaration.

Run as `python -m tstream.settings.reference FILE` (make docs).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from tstream.settings.fields import allowed, extra
from tstream.settings.model import Settings
from tstream.settings.problems import entry
from tstream.settings.sizing import SIZINGS
from tstream.settings.sources import PREFIX, VENUE_PREFIX

_HEAD = f"""# Settings

<!-- Written by `make docs` from the settings themselves; a test compares the two. -->

tstream needs no settings: without any it runs the practice venue. `tstream.example.toml` shows a file to
start from. Settings come from three places; a later one wins over an earlier one:

1. `tstream.toml` in the platform's settings folder (`tstream check` prints where), in `$TSTREAM_HOME` when
   that is set, or the file that `--config FILE` or `$TSTREAM_CONFIG` names;
2. `.env` beside that file and, unless `TSTREAM_HOME` is set, in the working folder; nothing is filled in for
   `${{...}}`;
3. the environment. Secrets that neither has come from the store that `[secrets]` names
   ([operations.md](operations.md#secrets)).

A variable's name is `{PREFIX}`, the section, an underscore and the key: `{PREFIX}RISK_MAX_TRADES=10`.
Lists are separated by commas (`{PREFIX}CONTRACTS=MNQ,MES`), tables are JSON. Those of one venue are
`{VENUE_PREFIX}`, its name in capitals (`_` for a hyphen), two underscores and the key:
`{VENUE_PREFIX}APEX__KEY`. Logins at gateways, and every token, password and webhook address of `notify`, are
taken from `.env` or the environment only.

Names that other programs use are read too, where ours say nothing: `DATABASE_URL`, `REDIS_URL`, `API_TOKEN`,
`NEWS_API_KEY`, `TWITTER_API_KEY`, and `BINANCE_API_KEY` with `BINANCE_API_SECRET` for the one venue of kind
binance: with these it is at Binance's testnet, unless `BINANCE_TESTNET=false`, or `at` says where it is.

A file of before, with one `[venue]` section (name, account), is read as the one `[venues.NAME]` that it
means.
[venues-and-books.md](venues-and-books.md) is a page to follow for several accounts.

Anything that can't be right, a misspelt key included, ends the start with one line for each problem and exit
code 2, before anything connects. A running engine takes changes of the keys that the last column calls
*live*, under open trades too; the others count from the next start on (*restart*).
[operations.md](operations.md#reload) tells how.
"""


def markdown() -> str:
    """The whole page."""
    return _HEAD + "".join(_sections())


_COLUMNS = "| key | what it is | allowed | default | change |\n|---|---|---|---|---|\n"
_SIZINGS = """How large trades are, before the limits of `[risk]` make them smaller
([semantics.md](semantics.md#sizers)): at the top of the file for the run, in `[[venues.NAME.accounts]]` and
`[paper]` for a book, in `[[bots]]` for a bot, in `[rooms.NAME]` for a room's alerts. The bot's or room's own
one counts before the book's, and that before the run's. `sizing = "risk"` and `sizing = "grade"` need no
table. In these tables the keys `base` take a table of their own, each of the kinds before it."""
_ENTRIES = {
    "venues": ("[venues.NAME]", "NAME is yours for it."),
    "accounts": ("[[venues.NAME.accounts]]", ""),
    "instruments": ("[instruments.NAME]", "NAME is MNQ, ES and so on."),
    "paper": ("[paper]", ""),
    "bots": ("[[bots]]", ""),
    "rooms": ("[rooms.NAME]", "NAME is yours for it."),
    "timeframe": ("[scan.timeframe.NAME]", "NAME is 2m, 5m and so on."),
}
"""Titles of the tables of which there may be several, and what stands for their names."""


def _sections() -> Iterator[str]:
    fields = Settings.model_fields
    plain = {name: field for name, field in fields.items() if not (_section(field) or entry(field))}
    yield _table("At the top of the file", "Above the first section.", plain)
    yield _kinds("sizing = { kind = ... }", SIZINGS)
    for name, field in fields.items():
        section = _section(field)
        if section is not None:
            yield _table(f"[{name}]", " ".join((section.__doc__ or "").split()), section.model_fields)
            for inner, one in section.model_fields.items():
                yield from _entries(inner, one)
        yield from _entries(name, field)


def _entries(name: str, field: FieldInfo) -> Iterator[str]:
    section = entry(field)
    if section is None or name not in _ENTRIES:
        return
    title, words = _ENTRIES[name]
    yield _table(title, " ".join(f"{section.__doc__} {words}".split()), section.model_fields)
    for inner, one in section.model_fields.items():
        yield from _entries(inner, one)


def _section(field: FieldInfo) -> type[BaseModel] | None:
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _table(title: str, about: str, fields: dict[str, FieldInfo]) -> str:
    rows = "".join(_row(name, field) for name, field in fields.items())
    return f"\n## {title}\n\n{about}\n\n{_COLUMNS}{rows}"


def _kinds(title: str, kinds: Mapping[str, type[BaseModel]]) -> str:
    """One table of tables that are told apart by their `kind`: a line for each, then its keys."""
    rows = ""
    for kind, section in kinds.items():
        about = re.sub(r" \(docs/.*?\)", "", " ".join((section.__doc__ or "").split()))
        rows += f'| `kind = "{kind}"` | {about} | | | live |\n'
        keys = (item for item in section.model_fields.items() if item[0] != "kind")
        rows += "".join(_row(name, field) for name, field in keys)
    return f"\n## {title}\n\n{_SIZINGS}\n\n{_COLUMNS}{rows}"


def _row(name: str, field: FieldInfo) -> str:
    cells = (f"`{name}`", field.description, allowed(field), _default(field), extra(field, "reload"))
    return f"| {' | '.join(str(cell) for cell in cells)} |\n"


def _default(field: FieldInfo) -> str:
    if words := extra(field, "default"):
        return words
    value = field.default
    if value is None or value is PydanticUndefined or isinstance(value, SecretStr) or value in ("", {}, ()):
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
