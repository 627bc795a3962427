"""Reads JSON files of bots: every problem at once, each with its path in the file and a remedy."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from tstream.botfiles.model import BotFile
from tstream.errors import Problem, SettingsError
from tstream.settings.fields import allowed
from tstream.settings.problems import MASK, may_be_secret, shown
from tstream.settings.venues import small

MOST_BYTES = 1_000_000
MOST_FILES = 30
"""More bots than this in one run are a mistake: each has a book of its own."""
_DEEPEST = 20
_LONGEST = 60
"""Of a key or a name that is repeated in a message."""


class NamedBot(NamedTuple):
    """What a file says, and what its bot is called."""

    name: str
    path: Path
    file: BotFile


def find(paths: Sequence[Path]) -> tuple[list[Path], list[Problem]]:
    """The files that are meant: these, and of a folder every .json in it; and what is wrong."""
    found: list[Path] = []
    wrong: list[Problem] = []
    for path in paths:
        inside = sorted(path.glob("*.json")) if path.is_dir() else [path]
        if not inside:
            wrong.append(
                Problem("", "there is no .json file in it", origin=f"{path}", remedy="put one there")
            )
        found += inside
    found = list(dict.fromkeys(found))
    if len(found) > MOST_FILES:
        why = f"{len(found)} files are more than the {MOST_FILES} bots that one run takes"
        wrong.append(Problem("", why, origin=f"{paths[0]}", remedy="name fewer"))
    return found[:MOST_FILES], wrong


def read_all(paths: Sequence[Path]) -> tuple[list[NamedBot], list[Problem]]:
    """Those of the files that can be read, and what is wrong with the others."""
    found: list[NamedBot] = []
    files, wrong = find(paths)
    for path in files:
        try:
            found.append(read(path))
        except SettingsError as error:
            wrong += error.problems
    for index, one in enumerate(found):
        earlier = next((other for other in found[:index] if other.name == one.name), None)
        if earlier is not None:
            why = f"{earlier.path} is called {one.name} too, and each bot has a book of its own"
            wrong.append(
                Problem("name", why, shown(one.name), f"{one.path}", 'give one of them another "name"')
            )
    return found, wrong


def read(path: Path) -> NamedBot:
    """One file. Raises SettingsError."""
    said = _json(path)
    try:
        file = BotFile.model_validate(said)
    except ValidationError as error:
        raise SettingsError([_problem(one, f"{path}") for one in error.errors(include_url=False)]) from None
    name = file.name or small(path.stem)[:24].strip("-")
    if not name or name in _TAKEN:
        why = "is needed: the file's own name gives none"
        raise SettingsError([Problem("name", why, origin=f"{path}", remedy='add a "name" such as "btc-1"')])
    return NamedBot(name, path, file)


_TAKEN = ("paper", "tape", "virtual", "check", "all")


def _json(path: Path) -> Any:
    def refused(why: str, remedy: str, key: str = "") -> SettingsError:
        return SettingsError([Problem(key, why, origin=f"{path}", remedy=remedy)])

    try:
        with path.open("rb") as stream:
            raw = stream.read(MOST_BYTES + 1)
        text = raw.decode("utf-8-sig")
    except FileNotFoundError:
        raise refused("there is no such file", "name one that is there") from None
    except OSError as error:
        raise refused(f"can't be read: {error.strerror}", "make it readable") from None
    except UnicodeDecodeError as error:
        raise refused(f"is no UTF-8 at byte {error.start}", "save it as UTF-8") from None
    if len(raw) > MOST_BYTES:
        raise refused(f"is larger than {MOST_BYTES} bytes", "name the file of a bot")
    try:
        found = json.loads(text, parse_float=Decimal, parse_constant=_no_number, object_pairs_hook=_Once.of)
    except json.JSONDecodeError as error:
        why = f"is no valid JSON at line {error.lineno}, column {error.colno}: {error.msg}"
        raise refused(why, "correct it there") from None
    except RecursionError:
        raise refused("is nested too deeply", "name the file of a bot") from None
    except ValueError as error:
        raise refused(str(error), "correct it") from None
    twice = list(_twice(found))
    if twice:
        raise SettingsError(
            [
                Problem(one, "stands there twice", origin=f"{path}", remedy="leave one of them out")
                for one in twice
            ]
        )
    if not isinstance(found, dict):
        raise refused("must be a JSON object: { ... }", "begin with the example of docs/json-bots.md")
    found.pop("$schema", None)  # it is for editors
    return found


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


class _Once(dict[str, Any]):
    """An object that remembers which keys stand in it more than once."""

    twice: tuple[str, ...] = ()

    @classmethod
    def of(cls, pairs: list[tuple[str, Any]]) -> _Once:
        found = cls(pairs)
        names = [name for name, _ in pairs]
        found.twice = (
            tuple(name for name in found if names.count(name) > 1) if len(found) < len(names) else ()
        )
        return found


def _twice(value: Any, where: str = "", depth: int = 0) -> Iterator[str]:
    if depth > _DEEPEST:
        yield f"{where} (nested too deeply)"
    elif isinstance(value, _Once):
        yield from (f"{where}{in_line(name)}" for name in value.twice)
        for name, inner in value.items():
            yield from _twice(inner, f"{where}{in_line(name)}.", depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _twice(inner, where, depth + 1)


def _problem(error: ErrorDetails, origin: str) -> Problem:
    """One clear line, with what to do."""
    location, kind, context = error["loc"], error["type"], error.get("ctx", {})
    where = _dotted(location)
    field, section = _declared(location)
    name = str(location[-1]) if location else ""
    if kind == "extra_forbidden":
        return _unknown(where, name, section, error["input"], origin)
    inner = None if field is None else section_of(field)
    what = _keys(inner) if inner is not None else allowed(field) if field is not None else _keys(BotFile)
    if kind == "missing":
        return Problem(where, f"is needed: {what}", origin=origin, remedy=f'add "{name}"')
    message = context["message"] if kind == "check" and context.get("message") else f"must be {what}"
    value = None if isinstance(error["input"], dict) else shown(error["input"], secret=may_be_secret(where))
    return Problem(where, message, value, origin, f"write {what}")


def _unknown(where: str, name: str, section: type[BaseModel], value: object, origin: str) -> Problem:
    if may_be_secret(name):
        why = "is no place for a secret: logins and tokens belong in .env (docs/configuration.md)"
        return Problem(
            where, why, MASK, origin, "take it out of the file, and give it a new one if it was shared"
        )
    known = list(section.model_fields)
    close = get_close_matches(name, known, 1, 0.6)
    elsewhere = [path for path in _paths(BotFile) if path.rpartition(".")[2] == name]
    remedy = (
        f"move it to {elsewhere[0]}" if elsewhere else f'call it "{close[0]}"' if close else "leave it out"
    )
    plain = value is None or isinstance(value, (dict, list))
    return Problem(
        where,
        f"unknown key; there are {', '.join(known)}",
        None if plain else shown(value),
        origin,
        remedy,
    )


def _paths(model: type[BaseModel], before: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        inner = section_of(field)
        if inner is not None:
            yield from _paths(inner, f"{before}{name}.")
        else:
            yield before + name


def section_of(field: FieldInfo) -> type[BaseModel] | None:
    """The section that a key holds, if it holds one."""
    for part in (field.annotation, *get_args(field.annotation)):
        if isinstance(part, type) and issubclass(part, BaseModel):
            return part
    return None


def _keys(section: type[BaseModel]) -> str:
    return f"an object with {', '.join(section.model_fields)}"


def _declared(location: tuple[int | str, ...]) -> tuple[FieldInfo | None, type[BaseModel]]:
    """The declaration of a key, and the section that it is in."""
    section: type[BaseModel] = BotFile
    field: FieldInfo | None = None
    for part in location:
        if field is not None:
            inner = section_of(field)
            if inner is None:
                break  # inside a list or a table of parameters
            section = inner
        field = section.model_fields.get(str(part))
        if field is None:
            break
    return field, section


def _dotted(location: tuple[int | str, ...]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{in_line(part)}" for part in location)
    return re.sub(r"^\.", "", text)


def in_line(text: str) -> str:
    """Words of a file as part of a line of ours: short, without signs that steer a terminal."""
    return (text if text.isprintable() else json.dumps(text)[1:-1])[:_LONGEST]
