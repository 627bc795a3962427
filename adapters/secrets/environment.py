"""The environment and .env files as stores. The environment is somebody else's: it is only read."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from io import StringIO
from pathlib import Path

from dotenv.parser import Binding, parse_stream

from adapters.common.files import replace_file
from adapters.secrets.bounds import checked
from engine.model.errors import FatalError, RefusedError, RetryableError


class EnvironmentVariables:
    """The variables of this process."""

    kind = "environment"
    where = "the environment"

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._environ = environ

    def read(self, names: Iterable[str]) -> dict[str, str]:
        return {name: value for name in names if (value := self._environ.get(name))}

    def names(self) -> tuple[str, ...]:
        return tuple(sorted(name for name, value in self._environ.items() if value))

    def set(self, name: str, value: str) -> None:
        raise RefusedError(f"{name}: a variable of the environment is set by whoever starts tstream")

    def remove(self, name: str) -> None:
        raise RefusedError(f"{name}: a variable of the environment is taken away by whoever starts tstream")


class DotenvFile:
    """NAME=value lines of one file, whose other lines and remarks stay as they are."""

    kind = "dotenv"

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def where(self) -> str:
        return f"{self.path}"

    def read(self, names: Iterable[str]) -> dict[str, str]:
        said = self._values(self._bindings(self._text()))
        return {name: value for name in names if (value := said.get(name))}

    def names(self) -> tuple[str, ...]:
        said = self._values(self._bindings(self._text()))
        return tuple(sorted(name for name, value in said.items() if value))

    def set(self, name: str, value: str) -> None:
        line = f"{name}={_quoted(name, checked(name, value))}\n"
        bindings = self._bindings(self._text())
        lines = [one.original.string for one in bindings if one.key != name]
        if lines and not lines[-1].endswith("\n"):
            lines[-1] += "\n"
        self._replace([*lines, line], self._values(bindings) | {name: value})

    def remove(self, name: str) -> None:
        bindings = self._bindings(self._text())
        kept = [one for one in bindings if one.key != name]
        if len(kept) < len(bindings):
            said = self._values(bindings)
            said.pop(name)
            self._replace([one.original.string for one in kept], said)

    def _text(self) -> str:
        try:
            return self.path.read_text(encoding="utf-8-sig")
        except FileNotFoundError:
            return ""
        except UnicodeDecodeError:
            raise FatalError(f"{self.path} is not UTF-8 text: save it as UTF-8") from None
        except OSError as error:
            raise FatalError(f"can't read {self.path}: {error.strerror}") from None

    def _bindings(self, text: str) -> list[Binding]:
        found = list(parse_stream(StringIO(text)))
        for one in found:
            if one.error:
                raise FatalError(f"{self.path}: line {one.original.line} is no NAME=value")
        return found

    def _values(self, bindings: Iterable[Binding]) -> dict[str, str]:
        return {one.key: one.value or "" for one in bindings if one.key}

    def _replace(self, lines: list[str], means: Mapping[str, str]) -> None:
        """Write the file, where it would be read as it is meant: quotes of other lines may run on."""
        text = "".join(lines)
        if self._values(self._bindings(text)) != means:
            raise RefusedError(f"{self.path} can't hold it beside its other lines: use another store")
        try:
            # A file that stands behind a link stays where it is.
            replace_file(self.path.resolve(), text.encode(), durable=True)
        except OSError as error:
            raise RetryableError(f"can't write {self.path}: {error.strerror}") from None


def _quoted(name: str, value: str) -> str:
    """The value as the reader of such files takes it; nothing is filled in for ${...} there."""
    if value.endswith("\\"):
        raise RefusedError(f"{name}: a .env file can't hold a value that ends with a backslash")
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
