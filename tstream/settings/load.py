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
from typing import Any, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import SettingsError as SourceError

from tstream.errors import Problem, SettingsError
from tstream.paths import Paths
from tstream.settings.dotenv import read_dotenv, unread
from tstream.settings.model import Settings
from tstream.settings.plain_names import take_binance
from tstream.settings.problems import LOGIN, MASK, entry, nearest, problems, secret_keys, variable, walk
from tstream.settings.sources import PREFIX, RESERVED, SYNONYMS, VENUE_PREFIX, dotenv_files
from tstream.settings.stores import into, read_store
from tstream.settings.venue_sources import (
    OLD,
    OLD_VARIABLES,
    Variables,
    misplaced,
    old_section,
    own_variable,
    own_variables,
)

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
    store: str = ""
    """Where secrets were read that neither environment nor .env has; empty where the settings name none."""


Add = Callable[[dict[str, Any]], list[Problem]]
"""Puts more into the table of tstream.toml, and gives what is wrong with that."""


def load(paths: Paths, config: Path | None = None, add: Add | None = None, *, may_ask: bool = True) -> Loaded:
    """Read and check all settings; touches no network but that of a store of secrets.

    `config` names a settings file other than the usual one; it must exist. `add` has more than is in it.
    `may_ask`: a person may be asked for the password of a store. Raises SettingsError.
    """
    file = config or paths.settings_file
    table, variables, dotenv = read_sources(paths, file, required=config is not None)
    found = list(_misplaced(table, file)) + [p for where, names in variables for p in _unknown(where, names)]
    _leave_out(table)
    try:
        old = old_section(table, variables)
    except ValueError as error:
        raise SettingsError([*found, Problem(OLD, f"{error}", origin=f"{file}")]) from None
    if add is not None:
        found += add(table)
    stored = read_store(table, variables, file, may_ask=may_ask)
    if stored is not None:
        variables.append((stored.where, dict(stored.values)))
        found += into(table, stored)
    found += own_variables(table, variables)
    found += take_binance(table, variables)
    _take_synonyms(table, variables)
    found += _one_paper_book(table, variables)
    try:
        arguments: dict[str, Any] = {**table, "_env_file": dotenv}
        settings = Settings(**arguments)
    except ValidationError as error:
        found += problems(error.errors(include_url=False), Settings, _origins(table, file, variables, old))
    except SourceError as error:
        found.append(_unreadable(error, variables))
    if found:
        raise SettingsError(found)
    return Loaded(settings, file if file.is_file() else None, dotenv, "" if stored is None else stored.where)


def read_sources(
    paths: Paths, file: Path, *, required: bool
) -> tuple[dict[str, Any], list[tuple[str, dict[str, str]]], tuple[Path, ...]]:
    """What the settings file says; the variables of the environment and of .env files, of which the first
    wins; and which .env files there are. Raises SettingsError.
    """
    table = _read_toml(file, required=required)
    dotenv = dotenv_files(paths, file)
    variables = [(_ENVIRONMENT, dict(os.environ))] + [
        (f"{path}", read_dotenv(path)) for path in reversed(dotenv)
    ]
    return table, variables, dotenv


def require_credentials(settings: Settings) -> None:
    """Raise SettingsError where a venue needs a login and has none, or where two have the same."""
    found = [problem for name in settings.active for problem in login_problems(settings, name)]
    if found:
        raise SettingsError(found)


def login_problems(settings: Settings, name: str) -> list[Problem]:
    """What is wrong with the login of one venue."""
    venue, login = settings.venues[name], settings.login(name)
    if venue.practice or (venue.prices_only and not venue.about.shared_login):
        return []
    real = [other for other, one in settings.active.items() if not one.practice]
    own = venue.user or venue.key.get_secret_value()
    shared = venue.about.shared_login and len(real) == 1 and not own
    found = []
    for one in venue.about.needs:
        if not login.has(one):
            whole = f"{LOGIN}.{one}" if shared else f"venues.{name}.{one}"
            wanted = variable(whole) if shared else own_variable(name, one)
            why = f'is needed for the venue "{name}": set {wanted} in .env or the environment'
            found.append(Problem(whole, why, remedy=f"set {wanted}"))
    for other in real[: real.index(name)] if venue.about.needs and not found else ():
        if _gateway(settings, other) == _gateway(settings, name):
            wanted = " and ".join(own_variable(name, one) for one in venue.about.needs)
            why = f"has the login of {other}: list its accounts there, or give it one of its own, {wanted}"
            found.append(Problem(f"venues.{name}", why))
    return found


def _gateway(settings: Settings, name: str) -> tuple[str, str]:
    return settings.login(name).known_as, settings.venues[name].gateway


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

    for name, wanted in misplaced(table):
        yield Problem(
            name,
            f"belongs in .env or the environment, as {wanted}",
            MASK,
            f"{file}",
            f"move it to {file.parent / '.env'}, as {wanted}",
        )


def _leave_out(table: dict[str, Any]) -> None:
    """Misplaced secrets are told of once, and are not looked at any further."""
    table.pop(LOGIN, None)
    for name, _ in list(misplaced(table)):
        _, venue, key = name.split(".")
        del table["venues"][venue][key]
    for name in _SECRET:
        section, _, key = name.partition(".")
        if isinstance(table.get(section), dict):
            table[section].pop(key, None)


def _take_synonyms(table: dict[str, Any], variables: Variables) -> None:
    """Put what variables of other names say where ours would put it: our own ones win."""
    for _where, names in reversed(variables):
        for name, value in names.items():
            section, _, key = SYNONYMS.get(name.upper(), "").partition(".")
            if value and key and isinstance(table.setdefault(section, {}), dict):
                table[section][key] = value


def _unknown(where: str, names: Mapping[str, str]) -> Iterator[Problem]:
    """Names with our prefix that no section answers to; keys within a section are left to pydantic."""
    sections = {name for name, field in Settings.model_fields.items() if _holds_keys(field)}
    for name, value in names.items():
        rest = name[len(PREFIX) :].lower()
        if name.upper().startswith(VENUE_PREFIX) or name.upper() in OLD_VARIABLES:
            continue  # read by themselves
        if not name.upper().startswith(PREFIX) or name.upper() in RESERVED or not value:
            continue
        if rest not in Settings.model_fields and rest.partition("_")[0] not in sections:
            known = [variable(key) for key, _ in walk(Settings)]
            yield Problem(name, "unknown setting" + nearest(name.upper(), known), origin=where)


def _holds_keys(field: FieldInfo) -> bool:
    kind = field.annotation
    plain = isinstance(kind, type) and issubclass(kind, BaseModel)
    return plain or get_origin(kind) is dict or entry(field) is not None


def _one_paper_book(table: Mapping[str, Any], variables: Variables) -> Iterator[Problem]:
    """A variable names no book: it would be all that is left of several."""
    for where, names in variables if isinstance(table.get("paper"), list) else ():
        for name, value in names.items():
            if name.upper().startswith(variable("paper.")) and value:
                yield Problem(name, "is about [paper], and there are several [[paper]]", origin=where)


def _origins(table: Mapping[str, Any], file: Path, variables: Variables, old: str) -> Callable[[str], str]:
    def origin(key: str) -> str:
        parts = re.sub(r"\[\d+\]", "", key).split(".")
        names_of_it = [variable(".".join(parts[:length])) for length in range(len(parts), 0, -1)]
        if parts[0] == "venues" and len(parts) > 2:
            names_of_it.insert(0, own_variable(parts[1], parts[2]))
            if old:
                was = {"kind": "name", "accounts": "account"}.get(parts[2], parts[2])
                names_of_it.insert(0, f"{PREFIX}VENUE_{was}".upper())
        names_of_it += [name for name, meant in SYNONYMS.items() if meant == ".".join(parts)]
        for name in names_of_it:
            for where, names in variables:
                if any(other.upper() == name and value for other, value in names.items()):
                    return f"{name} in {where}"
        if old and parts[0] == "venues":
            return f"{file}, where [venue] is read as [venues.{old}]"
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
