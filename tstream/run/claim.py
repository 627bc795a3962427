"""What must be ours before anything starts: the logins' locks, and the practice venues' processes.

Real logins are held for the whole run: ProjectX serves one process per login, so two accounts of one login
can't be traded by two processes. Accounts are locked besides, once it is known which ones they are: another
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
from engine.model.errors import FatalError
from engine.model.orders import Account
from tstream.clock import wall_ns
from tstream.options import RunOptions
from tstream.paths import Paths, account_locks
from tstream.run.journals import join, journal_name
from tstream.run.practice import PRACTICE, PracticeProcess, put_aside

if TYPE_CHECKING:
    from tstream.settings.model import Settings


_PORTS = {"https": 443, "http": 80}
_KNOWN = {"topstepx": "https://api.topstepx.com"}
"""Gateways with a name of their own: whoever spells out the address means the same."""


class Claim:
    """Held for the length of a run; a context manager."""

    def __init__(self, settings: Settings, options: RunOptions, paths: Paths) -> None:
        """Raises UsageError where the venues' books are in different journals."""
        self._venues = list(settings.active)
        self.name = journal_name(paths, self._venues, options)
        self.practice = {
            name: PracticeProcess(options, paths, name, len(venue.accounts), venue.kind)
            for name, venue in sorted(settings.active.items(), key=lambda one: one[1].kind != PRACTICE)
            if venue.practice
        }
        """Processes of the built-in venues, by name: first the one of futures, whose market has hours."""
        self._logins = {
            name: (settings.login(name).known_as, venue.gateway)
            for name, venue in settings.active.items()
            if not venue.practice
        }
        self._fresh = options.fresh
        self._paths = paths
        self._held = ExitStack()
        self._locks: list[InstanceLock] = []
        self._admitted: dict[tuple[str, str], str] = {}
        """Accounts of this run by gateway and number, and under which book."""
        self._taken = set[tuple[str, str]]()
        """Those of them that are held."""

    def __enter__(self) -> Self:
        """Raises FatalError: the practice venue can't be started; HeldError: another instance has it."""
        with ExitStack() as stack:
            self._lock(stack)
            try:
                if self._fresh:
                    put_aside(self._paths, self.practice, self.name)
                join(self._paths, self.name, self._venues)
            except OSError as error:
                raise FatalError(f"{error.filename or self._paths.data}: {error.strerror}") from error
            for process in self.practice.values():
                stack.callback(process.stop)
            for first in [*self.practice.values()][:1]:
                first.start()  # the others live in its time, and are started beside it
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
        # Each home has journals, a control socket and practice venues of its own.
        locks = [InstanceLock(self._paths.runtime / lock_name(self.name), self.name, wall_ns)]
        for name, (user, gateway) in self._logins.items():
            if not user:
                continue  # prices that need no login
            login = f"{user} at {gateway if gateway in _KNOWN else name}"
            locks.append(InstanceLock(_account_lock(user, gateway), login, wall_ns, "login"))
        for lock in locks:
            stack.enter_context(lock)
        self._locks = locks

    def beat(self) -> None:
        """A sign of life for whoever finds what we hold."""
        for lock in self._locks:
            with suppress(OSError):
                lock.beat()

    def admit(self, venue: str, book: str, account: Account) -> None:
        """Take an account that a login turned out to have, before anything is done on it.

        Asked again on every connection. Raises HeldError naming who has it, FatalError where another book of
        this run has it.
        """
        if venue not in self._logins:
            return
        gateway = self._logins[venue][1]
        key = (host(gateway), account.id)
        other = self._admitted.setdefault(key, book)
        if other != book:
            raise FatalError(f"account {account.name!r} is the book {other} already: list it once")
        if key not in self._taken:
            self._held.enter_context(InstanceLock(_account_lock(account.id, gateway), account.name, wall_ns))
            self._taken.add(key)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._held.close()


def _account_lock(what: str, gateway: str) -> Path:
    """One file for a login or an account, however it and the gateway's address are spelt."""
    return account_locks() / lock_name(f"{what} at {host(gateway)}".casefold())


def host(gateway: str) -> str:
    """One spelling of a gateway's address, or of its name."""
    gateway = _KNOWN.get(gateway, gateway)
    if "://" not in gateway:
        return gateway
    parts = urlsplit(gateway)
    return f"{parts.hostname}:{parts.port or _PORTS.get(parts.scheme)}{parts.path.rstrip('/')}"
