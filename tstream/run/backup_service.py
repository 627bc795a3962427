"""Backups made beside the engine, and the newest one proven from time to time. What fails is a notice."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

from adapters.store.file_thread import FileThread
from engine.model.errors import FatalError
from engine.model.events import LinkChanged, LinkState
from engine.model.market import NANOS
from engine.ports import Clock
from tstream.clock import wall_ns
from tstream.errors import CommandError
from tstream.options import RunOptions
from tstream.paths import Paths
from tstream.run.backups import BackupPlace, Made, backups, make, note_verified, verified, verify
from tstream.run.services import Service
from tstream.settings.model import Settings

log = logging.getLogger("backups")

SETTLE_S = 60.0
"""A run begins with more pressing work, and one that is over sooner makes no backup."""
LOOK_S = 60.0
AGAIN_S = 900.0
"""After a failure."""
LINK = "backups"
_HOUR_NS = 3600 * NANOS


def due(last_ns: int, now_ns: int, every_ns: int) -> bool:
    """Whether it is time again, nanoseconds UTC of the machine's clock; a time far ahead counts as none."""
    return not -every_ns < now_ns - last_ns < every_ns


class BackupService:
    """Looks once a minute whether one is due, until cancelled. A thread of its own does the work: a disk that
    hangs holds up nothing, the end of the run neither.
    """

    def __init__(
        self, settings: Settings, place: BackupPlace, hear: Callable[[LinkChanged], None], clock: Clock
    ) -> None:
        """`hear` is told of failures as of a connection that is down; `clock` is the engine's."""
        self._place = place
        self._every_ns = settings.backup.hours * _HOUR_NS
        self._verify_ns = settings.backup.verify_hours * _HOUR_NS
        self._hear = hear
        self._clock = clock
        self._thread = FileThread("backups")
        self._down = False

    async def run(self, settle_s: float = SETTLE_S, look_s: float = LOOK_S, again_s: float = AGAIN_S) -> None:
        """Make and prove them, for as long as the run lasts."""
        await asyncio.sleep(settle_s)
        while True:
            well = await self._well()
            await asyncio.sleep(look_s if well else again_s)

    async def _well(self) -> bool:
        """Do what is due; whether it went well."""
        try:
            await self._thread.do(self._work)
        except (FatalError, CommandError, OSError) as error:
            why = (
                f"{error.filename or ''} {error.strerror}".strip()
                if isinstance(error, OSError)
                else f"{error}"
            )
            log.error("the backup failed: %s", why)
            self._tell(LinkState.DOWN, why)
            return False
        if self._down:
            self._tell(LinkState.LIVE, "they are made and proven again")
        return True

    def _tell(self, state: LinkState, detail: str) -> None:
        self._down = state is LinkState.DOWN
        self._hear(LinkChanged(ts_recv=self._clock(), link=LINK, state=state, detail=detail))

    # --- on its thread ---------------------------------------------------------------------------------

    def _work(self) -> None:
        folder, now = self._place.folder, wall_ns()
        found = backups(folder)
        if not found or due(found[0].made_ns, now, self._every_ns):
            made = make(self._place)
            _log(made)
            if made.broken:
                raise FatalError("; ".join(made.broken))
        newest = backups(folder)[0]
        if due(max(verified(folder).values(), default=0), now, self._verify_ns):
            verify(newest.file)
            note_verified(newest.file, now)
            log.info("%s is proven: every file and every database in it", newest.file.name)


def _log(made: Made) -> None:
    size = made.backup.file.stat().st_size
    log.info("%s, %.1f MB; %d older ones thinned out", made.backup.file, size / 1e6, len(made.removed))
    for what in made.left_out:
        log.warning("not in it: %s", what)


def backup_place(settings: Settings, paths: Paths, config: Path | None = None) -> BackupPlace:
    """Where backups of this installation are kept, and how many; `config` is a settings file other than the
    usual one.
    """
    own = settings.backup
    return BackupPlace(paths, own.place(paths.backups), own.keeping, config)


def backup_services(
    settings: Settings,
    paths: Paths,
    options: RunOptions,
    hear: Callable[[LinkChanged], None],
    clock: Clock,
    file: Path | None = None,
) -> Iterator[Service]:
    """What makes backups for as long as a run lasts; nothing where it plays a tape or a demo. `file` is the
    settings file of the run, which need not be there.
    """
    if settings.backup.enabled and options.tape is None and not options.demo:
        place = backup_place(settings, paths, file if file is not None and file.is_file() else None)
        yield Service("backups", BackupService(settings, place, hear, clock).run)
