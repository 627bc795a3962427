""".env files: NAME=value, taken as it stands. A secret may hold ${...}, which nobody fills in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from dotenv.parser import parse_stream
from pydantic_settings import DotEnvSettingsSource, EnvSettingsSource
from pydantic_settings.sources.utils import parse_env_vars

from tstream.errors import Problem, SettingsError
from tstream.settings.sources import VENUE_PREFIX

_T = TypeVar("_T")


def read_dotenv(file: Path) -> dict[str, str]:
    """What a file says, quotes and comments taken off. Raises SettingsError."""
    try:
        with file.open(encoding="utf-8-sig") as stream:
            bindings = list(parse_stream(stream))
    except (OSError, UnicodeDecodeError) as error:
        raise unread(file, error) from None
    broken = [
        Problem("", f"line {binding.original.line} is no NAME=value", origin=f"{file}")
        for binding in bindings
        if binding.error
    ]
    if broken:
        raise SettingsError(broken)
    return {binding.key: binding.value or "" for binding in bindings if binding.key}


def unread(file: Path, error: OSError | UnicodeDecodeError) -> SettingsError:
    """That a file can't be read."""
    text, remedy = "it is not UTF-8 text", "save it as UTF-8"
    if isinstance(error, OSError):
        text, remedy = f"can't read it: {error.strerror}", "let yourself read it"
    return SettingsError([Problem("", text, origin=f"{file}", remedy=remedy)])


class DotenvSource(DotEnvSettingsSource):
    """pydantic's, which would fill in what looks like a variable; without those of single venues."""

    def _read_env_file(self, file_path: Path) -> Mapping[str, str | None]:
        return parse_env_vars(
            _of_no_venue(read_dotenv(file_path)),
            self.case_sensitive,
            self.env_ignore_empty,
            self.env_parse_none_str,
        )


class EnvironmentSource(EnvSettingsSource):
    """pydantic's, without the variables of single venues."""

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return _of_no_venue(super()._load_env_vars())


def _of_no_venue(names: Mapping[str, _T]) -> dict[str, _T]:
    return {name: value for name, value in names.items() if not name.upper().startswith(VENUE_PREFIX)}
