"""What a secret may be called and hold, whatever store keeps it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from engine.model.errors import FatalError, RefusedError

LONGEST_NAME, LONGEST_VALUE, MOST = 100, 8192, 200
"""Characters of a name and of a value, and how many a store holds. A private key has some two thousand."""

_NAME = re.compile(rf"[A-Z][A-Z0-9_]{{0,{LONGEST_NAME - 1}}}", re.ASCII)
_NOT_IN_VALUES = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def checked(name: str, value: str) -> str:
    """The value, where a store may hold it under this name. Raises RefusedError, which does not show it."""
    if not _NAME.fullmatch(name):
        raise RefusedError("a secret's name is of capitals, digits and _, as an environment variable's is")
    if not value:
        raise RefusedError(f"{name}: the value is empty")
    if len(value) > LONGEST_VALUE:
        raise RefusedError(f"{name}: the value has more than {LONGEST_VALUE} characters")
    if _NOT_IN_VALUES.search(value) or not _is_text(value):
        raise RefusedError(f"{name}: the value has control characters in it")
    return value


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def told(content: object, where: str) -> dict[str, str]:
    """What a store outside holds, as names and values. Raises FatalError, which shows neither."""
    if not isinstance(content, Mapping):
        raise FatalError(f"{where} holds no table of names and values")
    if len(content) > MOST:
        raise FatalError(f"{where} holds more than {MOST} secrets")
    try:
        return {str(name): checked(str(name), value) for name, value in content.items() if _is_ours(value)}
    except RefusedError as error:
        raise FatalError(f"{where}: {error}") from None


def _is_ours(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def some(content: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """Those of the names that are there."""
    return {name: content[name] for name in names if name in content}
