"""What must be ours before anything starts: the venue's lock, and the practice venue's process.

Light to import: the cockpit claims before it draws, and loads everything else behind the first picture.
"""

from __future__ import annotations

from contextlib import ExitStack
from types import TracebackType
from typing import Self

from adapters.store.lock import AccountLock, lock_name
from tstream.clock import wall_ns
from tstream.options import RunOptions
from tstream.paths import Paths
from tstream.practice import PracticeProcess, put_aside
from tstream.settings.model import Settings


class Claim:
    """Held for the length of a run; a context manager. `practice` is None but for the built-in venue."""

    def __init__(self, settings: Settings, options: RunOptions, paths: Paths) -> None:
        # A tape begins with a fresh book, so it gets a journal of its own, begun anew.
        self.name = "tape" if options.tape is not None else settings.venue.name
        self.practice = PracticeProcess(options, paths) if settings.venue.practice else None
        self._fresh = options.fresh
        self._paths = paths
        self._held = ExitStack()

    def __enter__(self) -> Self:
        """Raises FatalError: another instance has it, or the practice venue can't be started."""
        with ExitStack() as stack:
            file = self._paths.runtime / lock_name(self.name)
            stack.enter_context(AccountLock(file, self.name, wall_ns))
            if self._fresh:
                put_aside(self._paths)
            if self.practice is not None:
                stack.callback(self.practice.stop)
                self.practice.start()
            self._held = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._held.close()
