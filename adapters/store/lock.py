"""One engine per account: lock files that name their holder and die with it."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import signal
import time
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
from msgspec import Struct

from adapters.common.files import not_ours_alone, owner_only
from engine.model.errors import FatalError
from engine.model.market import NANOS
from engine.ports import Clock

_READ_BYTES = 4096


class Holder(Struct, frozen=True):
    """Who holds an account, a login or a journal."""

    pid: int
    account: str
    """The name of what is held."""
    since: int
    """Nanoseconds UTC; 0 where it is not known."""


class HeldError(FatalError):
    """Somebody else has it. `holder` is None where that one has not signed yet."""

    def __init__(self, message: str, path: Path, holder: Holder | None) -> None:
        super().__init__(message)
        self.path = path
        self.holder = holder

    def silent_s(self) -> float:
        """How long the holder has given no sign of life, seconds of the wall clock."""
        try:
            return time.time() - self.path.stat().st_mtime
        except OSError:
            return 0.0


def lock_name(account: str) -> str:
    """A file name for an account, whatever characters its name has; different names give different files."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", account)[:40].strip("-")
    return f"{plain}-{hashlib.sha256(account.encode()).hexdigest()[:10]}.lock"


class InstanceLock:
    """Held by at most one process. The operating system frees it when the holder ends, however it ends."""

    def __init__(self, path: Path, name: str, clock: Clock, kind: str = "account") -> None:
        """`path` is the lock file, `name` and `kind` say among people what it stands for."""
        self._path = path
        self._name = name
        self._clock = clock
        self._kind = kind
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def acquire(self) -> None:
        """Take it. Raises HeldError naming the holder, FatalError saying why the file can't be had."""
        if self._descriptor is not None:
            raise FatalError(f"{self._kind} {self._name} is held by this very engine already")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if told := not_ours_alone(self._path.parent):
                raise FatalError(told)
            descriptor = owner_only(self._path, os.O_RDWR | os.O_CREAT)
        except OSError as error:
            raise FatalError(f"can't make the lock file {self._path}: {error.strerror}") from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            holder = Holder(os.getpid(), self._name, self._clock())
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

    def beat(self) -> None:
        """A sign of life for whoever finds it held. Raises OSError; does nothing when it isn't held."""
        if self._descriptor is not None:
            os.utime(self._descriptor)

    def release(self) -> None:
        """Give it back; does nothing when it isn't held. The file stays: removing it would race."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _taken(self, descriptor: int) -> HeldError:
        remedy = "stop that one first"
        try:
            holder = msgspec.json.decode(os.pread(descriptor, _READ_BYTES, 0), type=Holder)
        except (msgspec.DecodeError, ValueError):  # taken this instant and not yet signed
            return HeldError(
                f"{self._kind} {self._name} is held by another tstream; {remedy}", self._path, None
            )
        since = f" since {_utc(holder.since)}" if holder.since else ""
        who = f"the tstream with process id {holder.pid}{since}"
        return HeldError(f"{self._kind} {holder.account!r} is held by {who}; {remedy}", self._path, holder)


def kill_holder(held: HeldError) -> None:
    """End the process that holds a lock, at once and without asking it. Raises FatalError when it can't be
    told for sure which process that is: a number in a file may be that of an unrelated one by now.
    """
    holder = held.holder
    if holder is None or holder.pid == os.getpid():
        raise FatalError(f"it is not known which process holds {held.path}")
    try:
        if hasattr(os, "pidfd_open"):
            # A descriptor stands for this very process, whoever gets its number later.
            descriptor = os.pidfd_open(holder.pid)
            try:
                _require_open(holder.pid, held.path)
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
            finally:
                os.close(descriptor)
        else:
            os.kill(holder.pid, signal.SIGKILL)
    except ProcessLookupError:
        return  # it has just ended by itself
    except OSError as error:
        raise FatalError(f"can't end process {holder.pid}: {error.strerror}") from None


def _require_open(pid: int, path: Path) -> None:
    """The process has the lock file open: so it is the holder, and of this machine and container."""
    ours = path.stat()
    for entry in os.scandir(f"/proc/{pid}/fd"):
        try:
            found = entry.stat()
        except OSError:
            continue
        if (found.st_dev, found.st_ino) == (ours.st_dev, ours.st_ino):
            return
    raise FatalError(f"process {pid} does not hold {path}: it is one of another machine or container")


def _utc(ts: int) -> str:
    return f"{datetime.fromtimestamp(ts // NANOS, tz=UTC):%Y-%m-%d %H:%M:%S} UTC"
