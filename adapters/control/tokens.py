"""Tokens of the REST API: who may do what, and until when. Only the SHA-256 of a token is ever kept.

A token is `ts_ID_SECRET`: the id finds its record, 32 random bytes prove it. The file is read again when it
has changed, so that a token that is made or revoked counts at once.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import logging
import os
import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

import msgspec
from msgspec import Struct

from adapters.common.files import owner_only, replace_file
from adapters.common.secret import Secret
from engine.model.errors import FatalError, RefusedError

log = logging.getLogger(__name__)

SECRET_BYTES = 32
SHORTEST = 16
"""Characters of a token that a person has chosen (API_TOKEN)."""
LONGEST = 200
"""What is longer is no token."""
MOST = 100
"""Tokens that may be kept."""
_LOOK_S = 1.0
"""The file is looked at no oftener."""
_PREFIX = "ts_"


class Scope(StrEnum):
    """What a token may; each one may what those before it may."""

    READ = "read"
    """Look: prices, positions, orders, figures."""
    TRADE = "trade"
    """Place and cancel orders, close positions."""
    ADMIN = "admin"
    """Start, stop and halt trading, end the engine, read the settings."""


def with_lesser(scopes: Iterable[Scope]) -> tuple[Scope, ...]:
    """These and all that they include, in order."""
    order = tuple(Scope)
    highest = max((order.index(scope) for scope in scopes), default=-1)
    return order[: highest + 1]


class Token(Struct, frozen=True, kw_only=True):
    """What is kept of a token. Times are nanoseconds UTC of the wall's clock."""

    id: str
    name: str
    digest: str
    """SHA-256 of the whole token, hex."""
    scopes: tuple[Scope, ...]
    created: int
    expires: int = 0
    """0: never."""

    def expired(self, now: int) -> bool:
        return 0 < self.expires <= now

    def may(self, scope: Scope) -> bool:
        return scope in self.scopes


class _Kept(Struct):
    tokens: tuple[Token, ...] = ()


class TokenFile:
    """The tokens in a file for its owner only. Two commands at a time do not lose each other's change."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> tuple[Token, ...]:
        """All of them; none where there is no file. Raises FatalError."""
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=_Kept).tokens
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise FatalError(f"can't read the tokens in {self.path}: {error.strerror}") from None
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise FatalError(
                f"{self.path} is damaged: no token of it counts; move it away, and make new ones with "
                "tstream token create"
            ) from None

    def create(self, name: str, scopes: Iterable[Scope], now: int, expires: int = 0) -> tuple[Token, str]:
        """A new token, and its text, which nobody can be shown again. Raises RefusedError, FatalError."""
        with self._alone():
            known = self.read()
            if any(one.name == name for one in known):
                raise RefusedError(f"there is a token called {name} already: tstream token revoke {name}")
            if len(known) >= MOST:
                raise RefusedError(f"there are {MOST} tokens already: revoke one first")
            key = secrets.token_hex(4)
            text = f"{_PREFIX}{key}_{secrets.token_urlsafe(SECRET_BYTES)}"
            made = Token(
                id=key,
                name=name,
                digest=_digest(text),
                scopes=with_lesser(scopes),
                created=now,
                expires=expires,
            )
            self._write((*known, made))
        return made, text

    def revoke(self, name: str) -> Token:
        """Take a token out, by its name or id. Raises RefusedError, FatalError."""
        with self._alone():
            known = self.read()
            gone = next((one for one in known if name in (one.name, one.id)), None)
            if gone is None:
                there = ", ".join(one.name for one in known) or "none"
                raise RefusedError(f"no token is called {name}; there are: {there}")
            self._write(tuple(one for one in known if one is not gone))
        return gone

    def _write(self, tokens: tuple[Token, ...]) -> None:
        try:
            replace_file(self.path, msgspec.json.format(msgspec.json.encode(_Kept(tokens)), indent=1))
        except OSError as error:
            raise FatalError(f"can't write {self.path}: {error.strerror}") from None

    @contextmanager
    def _alone(self) -> Iterator[None]:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = open(self.path.with_suffix(".lock"), "wb", opener=owner_only)  # noqa: SIM115
        except OSError as error:
            raise FatalError(f"can't write beside {self.path}: {error.strerror}") from None
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


class KnownTokens:
    """Tells whose a token is. A file that can't be read lets nobody in."""

    def __init__(self, path: Path, own: Secret | None = None) -> None:
        """`own` is one of all scopes that stands in the settings (API_TOKEN)."""
        self._file = TokenFile(path)
        self._by_id: dict[str, Token] = {}
        self._seen: tuple[int, int, int] | None = None
        self._looked = float("-inf")
        self._own = None
        if own is not None and len(own.reveal()) >= SHORTEST:
            digest = _digest(own.reveal())
            self._own = Token(id="settings", name="API_TOKEN", digest=digest, scopes=tuple(Scope), created=0)
        self._nobody = _digest(secrets.token_hex(SECRET_BYTES))

    @property
    def any(self) -> bool:
        """Whether there is a token at all."""
        self._look()
        return self._own is not None or bool(self._by_id)

    def whose(self, text: str, *, chosen_too: bool = True) -> Token | None:
        """The record of a token, expired ones too. It takes as long whether there is one or not. Without
        `chosen_too` the one of the settings, which a person has chosen, is left out.
        """
        self._look()
        digest = _digest(text[:LONGEST])
        key = text.removeprefix(_PREFIX).partition("_")[0] if text.startswith(_PREFIX) else ""
        found = self._by_id.get(key)
        same = hmac.compare_digest(digest, found.digest if found is not None else self._nobody)
        own = self._own
        as_own = hmac.compare_digest(digest, own.digest if own is not None else self._nobody)
        if own is not None and as_own:
            return own if chosen_too else None
        return found if same else None

    def holds(self, token: Token, now: int) -> bool:
        """Whether a token that was taken still counts; `now` is the wall's."""
        self._look()
        return not token.expired(now) and token in (self._own, self._by_id.get(token.id))

    def _look(self) -> None:
        now = time.monotonic()
        if now - self._looked < _LOOK_S:
            return
        self._looked = now
        try:
            about = os.stat(self._file.path)
            seen = about.st_mtime_ns, about.st_size, about.st_ino
            if seen != self._seen:
                self._by_id = {one.id: one for one in self._file.read()}
                self._seen = seen
        except FileNotFoundError:
            self._by_id, self._seen = {}, None
        except (OSError, FatalError) as error:
            if self._by_id or self._seen is None:
                log.error("no token of %s counts: %s", self._file.path, error)
            self._by_id, self._seen = {}, (0, 0, 0)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
