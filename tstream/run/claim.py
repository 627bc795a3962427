"""What must be ours before anything starts: the login's lock, and the practice venue's process.

A real login is held for the whole run: ProjectX serves one process per login, so two accounts of one login
can't be traded by two processes. The account is locked besides, once it is known which one it is: another
login may reach the same. Both locks are the same for every TSTREAM_HOME of a user.

Light to import: the cockpit claims before it draws, and loads everything else behind the first picture.
"""

from __future__ import annotations

from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from adapters.store.lock import HeldError, InstanceLock, lock_name
from engine.model.orders import Account
from tstream.clock import wall_ns
from tstream.options import RunOptions
from tstream.paths import Paths, account_locks
from tstream.run.practice import PracticeProcess, put_aside

if TYPE_CHECKING:
    from tstream.settings.model import Settings


_PORTS = {"https": 443, "http": 80}
_KNOWN = {"topstepx": "https://api.topstepx.com"}
"""Gateways with a name of their own: whoever spells out the address means the same."""


def journal_name(venue: str, options: RunOptions) -> str:
    """Under which name a run keeps its journal and its lock: the venue's.

    A tape begins with a fresh book, so it gets a journal of its own, begun anew.
    """
    return "tape" if options.tape is not None else venue


class Claim:
    """Held for the length of a run; a context manager. `practice` is None but for the built-in venue."""

    def __init__(self, settings: Settings, options: RunOptions, paths: Paths) -> None:
        self.name = journal_name(settings.venue.name, options)
        self.practice = PracticeProcess(options, paths) if settings.venue.practice else None
        self._gateway = settings.venue.api_url or self.name
        self._user = settings.projectx.user
        self._fresh = options.fresh
        self._paths = paths
        self._held = ExitStack()
        self._locks: list[InstanceLock] = []
        self._account_id = ""

    def __enter__(self) -> Self:
        """Raises FatalError: the practice venue can't be started; HeldError: another instance has it."""
        with ExitStack() as stack:
            self._lock(stack)
            if self._fresh:
                put_aside(self._paths)
            if self.practice is not None:
                stack.callback(self.practice.stop)
                self.practice.start()
            self._held = stack.pop_all()
        return self

    def held_by(self) -> HeldError | None:
        """Who stands in the way of entering, if anybody does now."""
        try:
            with ExitStack() as stack:
                self._lock(stack)
        except HeldError as error:
            return error
        return None

    def _lock(self, stack: ExitStack) -> None:
        # Each home has journals, a control socket and a practice venue of its own.
        locks = [InstanceLock(self._paths.runtime / lock_name(self.name), self.name, wall_ns)]
        if self.practice is None:
            login = f"{self._user} at {self._gateway}"
            path = self._account_lock(self._user)
            locks.append(InstanceLock(path, login, wall_ns, "login"))
        for lock in locks:
            stack.enter_context(lock)
        self._locks = locks

    def _account_lock(self, what: str) -> Path:
        """One file for a login or an account, however it and the gateway's address are spelt."""
        parts = urlsplit(_KNOWN.get(self._gateway, self._gateway))
        host = f"{parts.hostname}:{parts.port or _PORTS.get(parts.scheme)}{parts.path}"
        return account_locks() / lock_name(f"{what} at {host}".casefold())

    def beat(self) -> None:
        """A sign of life for whoever finds what we hold."""
        for lock in self._locks:
            with suppress(OSError):
                lock.beat()

    def admit(self, account: Account) -> None:
        """Take the account that the login turned out to have, before anything is done on it.

        Asked again on every connection. Raises HeldError naming who has it.
        """
        if self.practice is not None or account.id == self._account_id:
            return
        self._held.enter_context(InstanceLock(self._account_lock(account.id), account.name, wall_ns))
        self._account_id = account.id

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._held.close()
