"""tstream backup: make backups, list and prove them, put one back."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from adapters.common.redaction import printable
from adapters.store.backups.archive import BackupError, BackupManifest, JournalMark, read_manifest
from adapters.store.reading import stored
from engine.model.errors import JournalError
from engine.model.records import decode
from engine.state.fold import apply
from engine.state.state import State
from tstream import paths
from tstream.clock import iso, utc, wall_ns
from tstream.errors import CommandError, UsageError
from tstream.run import backups as work
from tstream.run.backup_service import backup_place
from tstream.run.restoring import Restored
from tstream.run.startup import read_settings

NEWEST = "newest"


def create(config: Path | None, folder: Path | None, *, keep: bool) -> int:
    """Make one; 1 where a journal could not be copied. Raises PortError, CommandError."""
    with _disk():
        made = work.make(_place(config, folder), keep=keep)
    file = made.backup.file
    _say(f"{file}, {_megabytes(file.stat().st_size)}")
    for mark in made.manifest.journals:
        _say(f"  {mark.venue}: journal up to record {mark.records:,}")
    others = len(made.manifest.parts) - len(made.manifest.journals)
    _say(f"  {others} other files; {len(made.removed)} older backups thinned out")
    for what in (*made.left_out, *made.broken):
        _say(f"  not in it: {what}")
    return 1 if made.broken else 0


def list_(config: Path | None, folder: Path | None, *, as_json: bool) -> int:
    """List them. Raises CommandError."""
    place = _place(config, folder)
    with _disk():
        found = work.backups(place.folder)
        proven = work.verified(place.folder)
        rows = [(one, one.file.stat().st_size, *_told(one.file)) for one in found]
    if as_json:
        table = [
            {
                "file": str(one.file),
                "made": iso(one.made_ns),
                "bytes": size,
                "kept_by_hand": one.by_hand,
                "records": {mark.venue: mark.records for mark in manifest.journals} if manifest else None,
                "verified": iso(proven[one.file.name]) if one.file.name in proven else None,
                "problem": problem or None,
            }
            for one, size, manifest, problem in rows
        ]
        _say(json.dumps(table, indent=2))
        return 0
    if not rows:
        _say(f"no backup in {place.folder}; the engine makes them, and so does tstream backup create")
    for one, size, manifest, problem in rows:
        marks = manifest.journals if manifest else ()
        far = ", ".join(f"{mark.venue} {mark.records:,}" for mark in marks)
        last = proven.get(one.file.name)
        proof = f"proven {utc(last):%Y-%m-%d %H:%M}" if last else "not proven yet"
        kept = "; kept" if one.by_hand else ""
        told = problem or f"records: {far}; {proof}{kept}"
        _say(f"{utc(one.made_ns):%Y-%m-%d %H:%M:%S} UTC  {_megabytes(size):>9}  {one.file.name}  {told}")
    return 0


def verify(config: Path | None, folder: Path | None, which: str) -> int:
    """Prove one, each record of its journals included. Raises PortError, CommandError."""
    file = _chosen(_place(config, folder).folder, which)
    folded: dict[str, State] = {}

    def look(journal: Path, mark: JournalMark) -> None:
        folded[mark.venue] = fold(journal)

    with _disk():
        manifest = work.verify(file, look)
    _say(f"{file} is whole: {len(manifest.parts)} files, made {utc(manifest.made_ns):%Y-%m-%d %H:%M:%S} UTC")
    for mark in manifest.journals:
        books = ", ".join(folded[mark.venue].books) or "no book yet"
        _say(f"  {mark.venue}: {mark.records:,} records fold to a state ({books})")
    with _disk():
        work.note_verified(file, wall_ns())
    return 0


def restore(config: Path | None, folder: Path | None, which: str, *, yes: bool, settings_too: bool) -> int:
    """Put one in place of what is there, once a person has said so. Raises PortError, CommandError."""
    from tstream.run.restoring import restore as put_back

    places = paths.find()
    file = _chosen(_place(config, folder).folder, which)
    with _disk():
        manifest = read_manifest(file)
    if not yes and not _agreed(file, manifest, places.data):
        raise CommandError("nothing was done")
    with _disk():
        done = put_back(places, file, settings_too=settings_too)
    _report(done)
    return 0


def fold(journal: Path) -> State:
    """The state that a journal tells. Raises BackupError for a record that can't be read."""
    state = State()
    for seq, raw in stored(journal):
        try:
            apply(state, decode(raw))
        except (JournalError, KeyError, IndexError, ValueError) as error:
            raise BackupError(f"record {seq} can't be read: {error!r}") from None
    return state


def _agreed(file: Path, manifest: BackupManifest, data: Path) -> bool:
    if not sys.stdin.isatty():
        raise UsageError("without a terminal nobody can be asked: say --yes")
    _say(f"{file}, made {utc(manifest.made_ns):%Y-%m-%d %H:%M:%S} UTC")
    for mark in manifest.journals:
        _say(f"  {mark.venue}: journal up to record {mark.records:,}")
    answer = input(f"Put it in place of what is in {data}, which is moved aside? [y/N] ")
    return answer.strip().lower() in ("y", "yes")


def _report(done: Restored) -> None:
    manifest = done.manifest
    _say(f"restored: the backup of {utc(manifest.made_ns):%Y-%m-%d %H:%M:%S} UTC, {len(done.placed)} files")
    for mark in manifest.journals:
        _say(f"  {mark.venue}: journal up to record {mark.records:,}")
    if done.aside is not None:
        _say(f"  what was there is in {done.aside}")
    if done.kept:
        names = ", ".join(file.name for file in done.kept)
        _say(f"  {names}: left as they are; --settings takes the backup's")
    _say("Start tstream: it asks the venue what happened since, and enters nothing until you resume.")


def _place(config: Path | None, folder: Path | None) -> work.BackupPlace:
    """With `folder` the settings need not be right: a backup is for bad days."""
    if folder is not None:
        return work.BackupPlace(paths.find(), folder.absolute(), config=config)
    places, loaded = read_settings(config)
    return backup_place(loaded.settings, places, config)


def _chosen(folder: Path, which: str) -> Path:
    """Raises UsageError where there is none."""
    if which == NEWEST:
        found = work.backups(folder)
        if not found:
            raise UsageError(f"there is no backup in {folder}")
        return found[0].file
    for file in (Path(which), folder / which):
        if file.is_file():
            return file.absolute()
    raise UsageError(f"there is no backup {which}, nor {folder / which}; tstream backup list shows them")


@contextmanager
def _disk() -> Iterator[None]:
    """What a disk refuses is one line."""
    try:
        yield
    except OSError as error:
        raise CommandError(f"{error.filename or 'the disk'}: {error.strerror}") from error


def _told(file: Path) -> tuple[BackupManifest | None, str]:
    try:
        return read_manifest(file), ""
    except (BackupError, OSError) as error:
        return None, str(error)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"


def _say(line: str) -> None:
    sys.stdout.write(f"{printable(line)}\n")
