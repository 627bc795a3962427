"""Reads tstream.toml, .env and the environment into Settings, or says what is wrong with them."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_settings import SettingsError as SourceError

from tstream.errors import Problem, SettingsError
from tstream.paths import Paths
from tstream.settings.dotenv import read_dotenv, unread
from tstream.settings.model import Settings
from tstream.settings.problems import LOGIN, MASK, nearest, problems, secret_keys, variable, walk
from tstream.settings.sources import PREFIX, RESERVED, dotenv_files

_SECRET = secret_keys(dict(walk(Settings)))
_ENVIRONMENT = "the environment"
_ABSENT = "name a file that is there, or begin one with a copy of tstream.example.toml"


@dataclass(frozen=True, slots=True)
class Loaded:
    settings: Settings
    file: Path | None
    """The tstream.toml that was read; None where there is none."""
    dotenv: tuple[Path, ...]
    """The .env files that were read; a later one wins."""


def load(paths: Paths, config: Path | None = None) -> Loaded:
    """Read and check all settings; touches no network.

    `config` names a settings file other than the usual one; it must exist. Raises SettingsError.
    """
    file = config or paths.settings_file
    table = _read_toml(file, required=config is not None)
    dotenv = dotenv_files(paths, file)
    variables = [(_ENVIRONMENT, dict(os.environ))] + [
        (f"{path}", read_dotenv(path)) for path in reversed(dotenv)
    ]
    found = list(_misplaced(table, file)) + [p for where, names in variables for p in _unknown(where, names)]
    _leave_out(table)
    try:
        arguments: dict[str, Any] = {**table, "_env_file": dotenv}
        settings = Settings(**arguments)
    except ValidationError as error:
        found += problems(error.errors(include_url=False), Settings, _origins(table, file, variables))
    except SourceError as error:
        found.append(_unreadable(error, variables))
    if found:
        raise SettingsError(found)
    return Loaded(settings, file if file.is_file() else None, dotenv)


def require_credentials(settings: Settings) -> None:
    """Raise SettingsError where the venue needs a login and none is set."""
    if settings.venue.practice:
        return
    absent = [
        Problem(
            f"{LOGIN}.{key}",
            f'is needed where venue.name is "{settings.venue.name}": set '
            f"{variable(f'{LOGIN}.{key}')} in .env or the environment",
        )
        for key, value in (
            ("user", settings.projectx.user),
            ("key", settings.projectx.key.get_secret_value()),
        )
        if not value
    ]
    if absent:
        raise SettingsError(absent)


def _read_toml(file: Path, *, required: bool) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        if not required:
            return {}
        absent = f"there is no settings file {file}"
        raise SettingsError([Problem("", absent, remedy=_ABSENT)]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise unread(file, error) from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError([Problem("", f"no valid TOML: {error}", origin=f"{file}")]) from None


def _misplaced(table: Mapping[str, Any], file: Path) -> Iterator[Problem]:
    """Secrets don't belong in a file that gets copied, shown and committed."""
    for section, keys in table.items():
        for key in keys if isinstance(keys, dict) else [""] if section == LOGIN else []:
            name = f"{section}.{key}".rstrip(".")
            if section == LOGIN or name in _SECRET:
                own = [one for one in _SECRET if one.startswith(f"{section}.")]
                meant = [name] if name in own else get_close_matches(name, own, 1) or own
                variables = " and ".join(map(variable, meant))
                yield Problem(
                    name,
                    f"belongs in .env or the environment, as {variables}",
                    MASK,
                    f"{file}",
                    f"move it to {file.parent / '.env'}, as {variables}",
                )


def _leave_out(table: dict[str, Any]) -> None:
    """Misplaced secrets are told of once, and are not looked at any further."""
    table.pop(LOGIN, None)
    for name in _SECRET:
        section, _, key = name.partition(".")
        if isinstance(table.get(section), dict):
            table[section].pop(key, None)


def _unknown(where: str, names: Mapping[str, str]) -> Iterator[Problem]:
    """Names with our prefix that no section answers to; keys within a section are left to pydantic."""
    sections = {name for name, field in Settings.model_fields.items() if _holds_keys(field.annotation)}
    for name, value in names.items():
        rest = name[len(PREFIX) :].lower()
        if not name.upper().startswith(PREFIX) or name.upper() in RESERVED or not value:
            continue
        if rest not in Settings.model_fields and rest.partition("_")[0] not in sections:
            known = [variable(key) for key, _ in walk(Settings)]
            yield Problem(name, "unknown setting" + nearest(name.upper(), known), origin=where)


def _holds_keys(annotation: Any) -> bool:
    return getattr(annotation, "__origin__", annotation) is dict or (
        isinstance(annotation, type) and issubclass(annotation, BaseModel)
    )


def _origins(
    table: Mapping[str, Any], file: Path, variables: list[tuple[str, dict[str, str]]]
) -> Callable[[str], str]:
    def origin(key: str) -> str:
        parts = re.sub(r"\[\d+\]", "", key).split(".")
        for name in (variable(".".join(parts[:length])) for length in range(len(parts), 0, -1)):
            for where, names in variables:
                if any(other.upper() == name and value for other, value in names.items()):
                    return f"{name} in {where}"
        return f"{file}" if parts[0] in table else ""

    return origin


def _unreadable(error: SourceError, variables: list[tuple[str, dict[str, str]]]) -> Problem:
    """A variable that holds a table must hold it as JSON."""
    match = re.search(r'field "(\w+)"', str(error))
    start = variable(match[1] if match else "")
    for where, names in variables:
        for name, value in names.items():
            if name.upper().startswith(start) and not _is_json(value):
                return Problem(name, "must hold a table as JSON, or set its keys one by one", origin=where)
    return Problem(start, "must hold a table as JSON, or set its keys one by one")


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
