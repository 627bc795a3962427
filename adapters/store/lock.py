"""One engine per account: a lock file that names its holder and dies with it."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
from msgspec import Struct

from engine.model.errors import FatalError
from engine.model.market import NANOS
from engine.ports import Clock

_READ_BYTES = 4096


class Holder(Struct, frozen=True):
    """Who holds an account."""

    pid: int
    account: str
    since: int
    """Nanoseconds UTC."""


def lock_name(account: str) -> str:
    """A file name for an account, whatever characters its name has; different names give different files."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", account)[:40].strip("-")
    return f"{plain}-{hashlib.sha256(account.encode()).hexdigest()[:10]}.lock"


class AccountLock:
    """Held by at most one process. The operating system frees it when the holder ends, however it ends."""

    def __init__(self, path: Path, account: str, clock: Clock) -> None:
        """`path` is the account's lock file, `account` its name among people, `clock` the world's."""
        self._path = path
        self._account = account
        self._clock = clock
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def acquire(self) -> None:
        """Take the account. Raises FatalError naming the holder, or saying why the file can't be had."""
        if self._descriptor is not None:
            raise FatalError(f"account {self._account} is held by this very engine already")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise FatalError(f"can't make the lock file {self._path}: {error.strerror}") from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            holder = Holder(os.getpid(), self._account, self._clock())
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, msgspec.json.encode(holder) + b"\n", 0)
        except BlockingIOError:
            problem = self._taken(descriptor)
            os.close(descriptor)
            raise problem from None
        except OSError as error:
            os.close(descriptor)
            raise FatalError(f"can't lock {self._path}: {error.strerror}") from None
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the account back; does nothing when it isn't held. The file stays: removing it would race."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _taken(self, descriptor: int) -> FatalError:
        remedy = "stop that one first"
        try:
            holder = msgspec.json.decode(os.pread(descriptor, _READ_BYTES, 0), type=Holder)
        except msgspec.DecodeError:  # taken this instant and not yet signed
            return FatalError(f"account {self._account} is held by another tstream; {remedy}")
        return FatalError(
            f"account {holder.account!r} is held by the tstream with process id {holder.pid}"
            f" since {_utc(holder.since)}; {remedy}"
        )


def _utc(ts: int) -> str:
    return f"{datetime.fromtimestamp(ts // NANOS, tz=UTC):%Y-%m-%d %H:%M:%S} UTC"
