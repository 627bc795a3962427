"""tstream secrets: what is kept where. Values go from hand to store: none is printed or an argument."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from adapters.common.files import not_ours_alone
from adapters.common.finding import Check
from adapters.common.redaction import REDACT, printable
from adapters.secrets.bounds import LONGEST_VALUE, checked
from adapters.secrets.environment import DotenvFile
from engine.model.errors import PortError, RefusedError
from tstream import paths
from tstream.commands.check import line_of, secrecy
from tstream.commands.told import tell_of_keys
from tstream.errors import CommandError, SettingsError, UsageError
from tstream.settings.load import load, login_problems, read_sources
from tstream.settings.secrets import SecretsSettings
from tstream.settings.stores import open_store, secret_names, section_of, shadowed
from tstream.settings.venue_sources import Variables

if TYPE_CHECKING:
    from engine.ports import SecretStore

STORES = ("dotenv", "file", "keyring", "aws", "vault")
_LEAST_SHOWN = 16
"""A shorter value shows nothing of itself."""


@dataclass(frozen=True, slots=True)
class _Places:
    """Where secrets may stand, before any settings are checked: they may be wrong for want of one."""

    file: Path
    """The settings."""
    variables: Variables
    names: tuple[str, ...]
    """Those that the settings can use."""
    section: SecretsSettings
    dotenv: tuple[Path, ...]
    """The .env files that there are; a later one counts before."""

    def open(self, kind: str | None) -> SecretStore:
        """A store by its kind; without one that of the settings, or .env. Raises UsageError, PortError."""
        kind = kind or self.section.store or "dotenv"
        if kind not in STORES:
            raise UsageError(f"no store is called {kind}; there are {', '.join(STORES)}")
        return open_store(kind, self.section, self.variables, self.file)

    def named(self, name: str) -> str:
        """The name of a secret as it is written. Raises UsageError."""
        wanted = name.upper().replace("-", "_")
        if wanted in self.names:
            return wanted
        near = get_close_matches(wanted, self.names, 1)
        remedy = f"did you mean {near[0]}?" if near else "tstream secrets list names them all"
        raise UsageError(f"the settings use no secret {printable(wanted[:100])}", remedy)


def _places(config: Path | None) -> _Places:
    """Raises SettingsError."""
    found = paths.find()
    file = config or found.settings_file
    table, variables, dotenv = read_sources(found, file, required=config is not None)
    section = section_of(table, variables)
    if section is None:
        load(found, config, may_ask=False)  # says what is wrong with it
        raise UsageError("[secrets] in the settings is wrong")
    return _Places(file, variables, secret_names(table), section, dotenv)


def put(name: str, kind: str | None, config: Path | None) -> int:
    """Take a value from a person or a pipe into a store; the exit code."""
    places = _places(config)
    name, store = places.named(name), places.open(kind)
    value = _typed(name) if sys.stdin.isatty() else _piped(name)
    REDACT.add(value)
    store.set(name, checked(name, value))
    _say(f"{name} is kept in {store.where}")
    tell_of_keys(f"a key was changed: {name} in {store.where}")
    before = shadowed(name, [one for one in places.variables if one[0] != store.where])
    if before:
        _say(f"but {before} has a value for it too, which counts before this one")
    elif store.kind not in ("dotenv", places.section.store):
        _say(f'no run looks there yet: set store = "{store.kind}" in [secrets] of {places.file}')
    return 0


def _typed(name: str) -> str:
    from getpass import getpass

    return getpass(f"{name}: ")


def _piped(name: str) -> str:
    value = sys.stdin.read(LONGEST_VALUE + 3)
    if len(value) > LONGEST_VALUE + 2:
        raise RefusedError(f"{name}: the value has more than {LONGEST_VALUE} characters")
    return value.removesuffix("\n").removesuffix("\r")


def get(name: str, config: Path | None) -> int:
    """Print where a secret stands, and it masked; the exit code, 1 where nobody has it."""
    places = _places(config)
    name = places.named(name)
    where, value = _find(places, name)
    if not value:
        raise CommandError(f"{name} is not set", f"tstream secrets set {name}")
    REDACT.add(value)
    _say(f"{name}  {masked(value)}  in {where}")
    return 0


def masked(value: str) -> str:
    """What can be told of a secret: enough to see which one it is."""
    shown = f"{value[:2]}…{value[-2:]}" if len(value) >= _LEAST_SHOWN and value.isprintable() else "…"
    return f"{shown} ({len(value)} characters)"


def _find(places: _Places, name: str) -> tuple[str, str]:
    """Who has a secret, as the settings would take it, and its value; empty where nobody does."""
    for where, names in places.variables:
        if value := names.get(name):
            return where, value
    if not places.section.store:
        return "", ""
    store = places.open(None)
    return store.where, store.read([name]).get(name, "")


def show(config: Path | None) -> int:
    """Print every secret that the settings can use, and where it stands."""
    places = _places(config)
    kept: set[str] = set()
    where = ""
    if places.section.store:
        store = places.open(None)
        kept, where = set(store.read(places.names)), store.where
    width = max(map(len, places.names))
    for name in places.names:
        stands = shadowed(name, places.variables) or (where if name in kept else "-")
        _say(f"{name:{width}}  {stands}")
    return 0


def remove(name: str, kind: str | None, config: Path | None) -> int:
    """Take a secret out of a store; the exit code."""
    places = _places(config)
    name, store = places.named(name), places.open(kind)
    if name not in store.read([name]):
        raise CommandError(f"{name} is not in {store.where}")
    store.remove(name)
    _say(f"{name} is taken out of {store.where}")
    tell_of_keys(f"a key was taken away: {name} out of {store.where}")
    return 0


def move(to: str, names: Sequence[str], config: Path | None) -> int:
    """Move secrets to another store, each proven there before it goes here; the exit code."""
    places = _places(config)
    chosen = tuple(map(places.named, names)) or places.names
    target = places.open(to)
    sources: list[SecretStore] = [DotenvFile(path) for path in reversed(places.dotenv)]
    if places.section.store:
        sources.append(places.open(None))
    sources = [one for one in sources if one.where != target.where]
    moved: list[str] = []
    for source in sources:
        for name, value in source.read(chosen).items():
            REDACT.add(value)
            if name in moved:  # what counted before it stands there already
                source.remove(name)
                continue
            target.set(name, value)
            if target.read([name]).get(name) != value:
                raise CommandError(
                    f"{name} can't be read back from {target.where}: it stays in {source.where}"
                )
            source.remove(name)
            moved.append(name)
            _say(f"{name}  {source.where} → {target.where}")
    if not moved:
        raise CommandError(f"there is nothing to move to {target.where}")
    tell_of_keys(f"keys were moved to {target.where}: {', '.join(moved)}")
    if to not in ("dotenv", places.section.store):
        _say(f'now set store = "{to}" in [secrets] of {places.file}: a run looks there from then on')
    kept = [name for name in chosen if shadowed(name, places.variables[:1])]
    if kept:
        _say(f"the environment still has {', '.join(kept)}, which counts before it")
    return 0


def check(config: Path | None) -> int:
    """Print what is found; 0 where all is well."""
    well = True
    for finding in findings(config):
        well = well and finding.ok
        typer.echo(REDACT(line_of(finding).plain))
    return 0 if well else 1


def findings(config: Path | None) -> Iterator[Check]:
    """One after another: .env, the store, and what the settings lack."""
    try:
        places = _places(config)
    except SettingsError as error:
        yield from (Check("settings", False, f"{one}", one.remedy) for one in error.problems)
        return
    yield from map(secrecy, places.dotenv)
    if places.section.store:
        try:
            store = places.open(None)
            kept = store.read(places.names)
            strangers = sorted(set(store.names()) - set(places.names))
        except PortError as error:
            yield Check("store", False, f"{error}", "see docs/operations.md#secrets")
            return
        yield Check("store", True, f"{store.where}: {len(kept)} that the settings can use")
        if strangers:
            names = printable(", ".join(strangers)[:300])
            yield Check("store", True, f"it has others, which are left alone: {names}")
        if isinstance(path := getattr(store, "path", None), Path) and (told := not_ours_alone(path.parent)):
            yield Check("store", False, told, "move it, or close the folder to others")
        for name in kept:
            if before := shadowed(name, places.variables):
                yield Check("store", False, f"{name} is in {before} too, which counts", "remove one of them")
    try:
        loaded = load(paths.find(), config)
    except SettingsError as error:
        yield from (Check("settings", False, f"{one}", one.remedy) for one in error.problems)
        return
    lacking = [one for name in loaded.settings.active for one in login_problems(loaded.settings, name)]
    yield from (Check("logins", False, f"{one}", one.remedy) for one in lacking)
    if not lacking:
        yield Check("logins", True, "every venue of the settings has what it needs")


def _say(line: str) -> None:
    typer.echo(printable(REDACT(line)))
