"""Texts that are kept out of logs, reprs and exceptions, and where they may travel."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import unquote, urlsplit

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

_SHORTEST = 6
"""A shorter part of an address is a name or a number, and blotting it out would blot out words."""


class Secret:
    """A text that shows itself only when asked: not in logs, reprs, formats or exceptions.

    Takes the text or a callable that fetches it (from a key vault) at the moment of use.
    """

    __slots__ = ("_source",)

    def __init__(self, source: str | Callable[[], str]) -> None:
        self._source = source

    def __bool__(self) -> bool:
        return bool(self.reveal())

    def reveal(self) -> str:
        return self._source if isinstance(self._source, str) else self._source()

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __reduce__(self) -> str:
        raise TypeError("a secret is not pickled")


def words_of_address(url: str) -> tuple[str, ...]:
    """An address that is a secret, whole and in the parts in which libraries quote it. Never fails."""
    rest = url.partition("://")[2].partition("?")[0]
    login, at, _ = rest.rpartition("@")
    path = rest.partition("/")[2]
    parts = {path, *re.split(r"[/:]", path), *(re.split(r"[/:]", login) if at else ())}
    return (url, *sorted(part for part in parts if len(part) >= _SHORTEST))


def words_of_login(url: str) -> tuple[str, ...]:
    """An address that holds a password, whole and the password by itself, as written and as meant. Never
    fails. Names of users and databases are none of it: they are words as others are.
    """
    login = url.partition("://")[2].partition("/")[0].rpartition("@")[0]
    password = login.partition(":")[2]
    return tuple(dict.fromkeys(word for word in (url, password, unquote(password)) if word))


def travels_readable(url: str) -> bool:
    """Whether what goes to an address can be read on the way: unencrypted, and not on this machine."""
    parts = urlsplit(url)
    return parts.scheme not in ("https", "wss") and parts.hostname not in LOOPBACK
