"""Opens the store of secrets that the settings name, and reads from it what the settings need.

It is asked before the settings are checked as a whole: whether a venue has a login decides where it is.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_origin

from pydantic import ValidationError

from adapters.common.redaction import REDACT
from adapters.common.secret import Secret
from engine.model.errors import FatalError, PortError
from tstream.errors import Problem, SettingsError
from tstream.settings.model import Settings
from tstream.settings.problems import secret_keys, variable, walk
from tstream.settings.secrets import SecretsSettings
from tstream.settings.sources import PREFIX
from tstream.settings.venue_sources import Variables, own_variable
from tstream.settings.venues import LOGIN_KEYS

if TYPE_CHECKING:
    from adapters.secrets.encrypted_file import EncryptedFile
    from engine.ports import SecretStore

MASTER_PASSWORD = "MASTER_PASSWORD"
_OPENS = (MASTER_PASSWORD, "VAULT_TOKEN", "VAULT_ROLE_ID", "VAULT_SECRET_ID")
"""What opens stores: never kept in one."""
_SECTION = f"{PREFIX}SECRETS_"
_FILE = "secrets.json"

_fields = dict(walk(Settings))
_secret = secret_keys(_fields)
_opened: dict[Path, EncryptedFile] = {}
"""Files of this process whose password is known: a person is asked once."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What the store of the settings has of what they need."""

    where: str
    """In words."""
    values: Mapping[str, str]
    """By the names of variables."""


def secret_names(table: Mapping[str, Any]) -> tuple[str, ...]:
    """Every secret that settings with this table may have, by the name of its variable."""
    venues = table.get("venues")
    own = [
        own_variable(name, key) for name in (venues if isinstance(venues, dict) else ()) for key in LOGIN_KEYS
    ]
    return (*map(variable, _secret), *own)


def section_of(table: Mapping[str, Any], variables: Variables) -> SecretsSettings | None:
    """The section [secrets] as table and variables say it; None where it is wrong, which is told when all
    settings are checked.
    """
    said = table.get("secrets", {})
    given: dict[str, Any] = dict(said) if isinstance(said, dict) else {}
    for _where, names in reversed(variables):
        for name, value in names.items():
            if name.upper().startswith(_SECTION) and value:
                given[name[len(_SECTION) :].lower()] = value
    try:
        return SecretsSettings(**given)
    except ValidationError:
        return None


def read_store(
    table: Mapping[str, Any], variables: Variables, file: Path, *, may_ask: bool = True
) -> Stored | None:
    """What the store has; None where the settings name none. Raises SettingsError."""
    section = section_of(table, variables)
    if section is None or not section.store:
        return None
    try:
        store = open_store(section.store, section, variables, file, may_ask=may_ask)
        values = store.read(secret_names(table))
    except PortError as error:
        problem = Problem("secrets.store", f"{error}", f'"{section.store}"', remedy="tstream secrets check")
        raise SettingsError([problem]) from None
    for value in values.values():
        REDACT.add(value)
    return Stored(store.where, values)


def into(table: dict[str, Any], stored: Stored) -> Iterator[Problem]:
    """Put what a store has where the settings file would have it: environment and .env count before it.
    Logins of single venues are taken with their variables (own_variables).
    """
    for key in _secret:
        value = stored.values.get(variable(key))
        section, _, name = key.partition(".")
        inside = table.setdefault(section, {}) if value else None
        if not value or not isinstance(inside, dict):
            continue
        if get_origin(_fields[key].annotation) is dict:
            try:
                inside[name] = json.loads(value)
            except ValueError:
                why = "must hold a table as JSON"
                yield Problem(variable(key), why, origin=stored.where)
        else:
            inside[name] = value


def open_store(
    kind: str,
    section: SecretsSettings,
    variables: Variables,
    file: Path,
    *,
    may_ask: bool = True,
) -> SecretStore:
    """The store of a kind, with what the section says of it; `file` are the settings. Nothing is asked of it
    yet. Raises FatalError.
    """
    for name in _OPENS:
        REDACT.add(_said(name, variables))
    match kind:
        case "dotenv":
            from adapters.secrets.environment import DotenvFile

            return DotenvFile(file.absolute().parent / ".env")
        case "file":
            return _encrypted(section, variables, file, may_ask=may_ask)
        case "keyring":
            from adapters.secrets.desktop import SystemKeyring

            return SystemKeyring(section.keyring_service)
        case "aws":
            from adapters.secrets.aws import AwsSecretsManager

            return AwsSecretsManager(section.aws_secret, section.aws_region, section.aws_url)
        case _:
            return _vault(section, variables)


def _encrypted(section: SecretsSettings, variables: Variables, file: Path, *, may_ask: bool) -> EncryptedFile:
    from adapters.secrets.encrypted_file import EncryptedFile

    path = encrypted_path(section, file)

    def password(new: bool) -> str:
        said = _said(MASTER_PASSWORD, variables)
        if said:
            return said
        if not may_ask or not sys.stdin.isatty():
            raise FatalError(
                f"{path} is encrypted: set {MASTER_PASSWORD}, or start where it can be asked for"
            )
        return typed_password(path, new=new)

    if _said(MASTER_PASSWORD, variables):
        return EncryptedFile(path, password)
    if path not in _opened:
        _opened[path] = EncryptedFile(path, password)
    elif may_ask:
        _opened[path].ask_with(password)
    return _opened[path]


def encrypted_path(section: SecretsSettings, file: Path) -> Path:
    """Where the encrypted file is; `file` are the settings."""
    return file.absolute().parent / (Path(section.file).expanduser() if section.file else _FILE)


def typed_password(path: Path, *, new: bool) -> str:
    """Ask a person at the terminal. Raises FatalError for one that is too short, or typed differently."""
    from getpass import getpass

    from adapters.secrets.encrypted_file import LEAST_PASSWORD

    typed = getpass(f"{'new ' * new}master password of {path}: ")
    REDACT.add(typed)
    if new and len(typed) < LEAST_PASSWORD:
        raise FatalError(f"a master password has at least {LEAST_PASSWORD} characters")
    if new and getpass("once more: ") != typed:
        raise FatalError("the two passwords differ: nothing was written")
    return typed


def _vault(section: SecretsSettings, variables: Variables) -> SecretStore:
    from adapters.secrets.vault import Vault, VaultLogin, VaultPlace

    url = section.vault_url or _said("VAULT_ADDR", variables).rstrip("/")
    if not url:
        raise FatalError("secrets.vault_url is needed: set it, or VAULT_ADDR")
    ca = section.vault_ca or _said("VAULT_CACERT", variables)
    place = VaultPlace(
        url,
        section.vault_mount,
        section.vault_path,
        section.vault_namespace or _said("VAULT_NAMESPACE", variables),
        Path(ca).expanduser() if ca else None,
    )
    token, role, secret = (Secret(_said(name, variables)) for name in _OPENS[1:])
    return Vault(place, VaultLogin(token, role, secret))


def _said(name: str, variables: Variables) -> str:
    """What a variable says; environment first."""
    return next((names[name] for _, names in variables if names.get(name)), "")


def shadowed(name: str, variables: Sequence[tuple[str, Mapping[str, str]]]) -> str:
    """Who says this secret before a store does; empty where nobody does."""
    return next((where for where, names in variables if names.get(name)), "")
