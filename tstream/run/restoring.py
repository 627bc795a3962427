"""A backup put back in place of what is there: nothing is deleted, and no engine may be at work meanwhile."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import NamedTuple

from adapters.common.files import sync_folder
from adapters.control.rest.idempotency import take_over
from adapters.store.backups.archive import BackupManifest, JournalMark, unpack
from adapters.store.lock import InstanceLock, lock_name
from adapters.store.opening import journal_lock, mark_restored
from adapters.store.reading import opened
from engine.model.errors import FatalError
from engine.model.market import NANOS
from tstream.clock import utc, wall_ns
from tstream.paths import Paths
from tstream.run.backups import JOURNAL, KEYS, check_contents

_UNPACKED = ".restoring-"
SPARE_BOOTS = 1_000
"""So many numbers of runs are passed over at least, and one more for each second since the backup was made:
runs of that time may have used them, and a client id never comes twice.
"""


class Restored(NamedTuple):
    """What was done."""

    manifest: BackupManifest
    placed: tuple[Path, ...]
    aside: Path | None
    """Where what was there before lies now; None where nothing was."""
    kept: tuple[Path, ...]
    """Settings and themes that are there and were left as they are."""


def restore(paths: Paths, file: Path, *, settings_too: bool = False) -> Restored:
    """Prove a backup, move what is there out of its way and put its files in place. Settings and themes that
    are there stay, unless `settings_too`.

    Where it ends half-way, the same again does all of it. Raises HeldError while an engine is at work,
    BackupError, FatalError, OSError.
    """
    paths.create()
    with ExitStack() as held:
        held.enter_context(
            InstanceLock(paths.runtime / "restore.lock", str(paths.data), wall_ns, "restoring")
        )
        _hold(held, paths, _venues(paths))
        for left in paths.data.glob(f"{_UNPACKED}*"):  # by one that was killed
            shutil.rmtree(left, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix=_UNPACKED, dir=paths.data))
        held.callback(shutil.rmtree, folder, ignore_errors=True)
        manifest = unpack(file, folder)
        check_contents(folder, manifest)
        there = set(_venues(paths))
        _hold(held, paths, [mark.venue for mark in manifest.journals if mark.venue not in there])
        for mark in manifest.journals:
            path = folder / f"data/{mark.venue}/{JOURNAL}"
            mark_restored(path, manifest.made_ns, _next_boot(paths, mark, manifest.made_ns))
        return _put_in_place(paths, folder, manifest, settings_too)


def _venues(paths: Paths) -> list[str]:
    """Whose folders have a journal now."""
    return sorted(file.parent.name for file in paths.data.glob(f"*/{JOURNAL}"))


def _hold(stack: ExitStack, paths: Paths, names: Iterable[str]) -> None:
    for name in names:
        stack.enter_context(InstanceLock(paths.runtime / lock_name(name), name, wall_ns))
        stack.enter_context(journal_lock(paths.journal(name)))


def _next_boot(paths: Paths, mark: JournalMark, made_ns: int) -> int:
    """A number of a run that none has had since the backup was made."""
    boot = mark.boot
    with suppress(FatalError), opened(paths.journal(mark.venue)) as db:  # damaged: that is why it is replaced
        boot = max(boot, *db.execute("SELECT coalesce(max(boot), 0) FROM runs").fetchone())
    return boot + SPARE_BOOTS + max(0, wall_ns() - made_ns) // NANOS


def _put_in_place(paths: Paths, folder: Path, manifest: BackupManifest, settings_too: bool) -> Restored:
    stamp = f"{utc(wall_ns()):%Y%m%dT%H%M%S}Z"
    aside = paths.data / f"before-restore-{stamp}"
    placed, kept = [], []
    # A journal comes last: where it is, all of its venue is.
    for part in sorted(manifest.parts, key=lambda part: part.name.endswith(f"/{JOURNAL}")):
        target = _target(paths, part.name)
        if part.name.startswith("config/") and target.exists() and not settings_too:
            kept.append(target)
            continue
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if part.name.endswith(f"/{KEYS}") and _joined(target, folder / part.name):
            continue
        _move_away(target, aside / part.name)
        shutil.move(folder / part.name, target)
        sync_folder(target.parent)
        placed.append(target)
    return Restored(manifest, tuple(placed), aside if aside.exists() else None, tuple(kept))


def _joined(there: Path, backup: Path) -> bool:
    """Whether the keys of the API's orders that are there have taken those of the backup in: one that was
    used since then trades nothing either.
    """
    try:
        if there.exists():
            take_over(there, backup)
    except sqlite3.Error:  # damaged: that may be why it is replaced
        return False
    return there.exists()


def _target(paths: Paths, name: str) -> Path:
    root, _, rest = name.partition("/")
    return (paths.config if root == "config" else paths.data) / rest


def _move_away(target: Path, aside: Path) -> None:
    """With what belongs to it: the -wal of a database, the note and the emergency file of a journal. The lock
    stays where it is held.
    """
    belongs = "*" if target.suffix == ".db" else ""
    for file in sorted(target.parent.glob(f"{target.name}{belongs}")):
        if file.suffix != ".lock":
            aside.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            shutil.move(file, aside.with_name(file.name))
