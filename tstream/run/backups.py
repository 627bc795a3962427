"""Backups of one installation: what goes into them, and how they are made, thinned out and proven.

What is not named here is in none: no secret (.env, keys, tokens), no arming of an account, which is asked
anew, and nothing that is large and can be had again (tapes, datasets, logs).
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import product
from pathlib import Path
from typing import NamedTuple

import msgspec

from adapters.common.files import not_ours_alone, replace_file
from adapters.store.backups.archive import (
    FORMAT,
    BackupError,
    BackupManifest,
    JournalMark,
    nameable,
    pack,
    part_of,
    unpack,
)
from adapters.store.backups.copies import check_database, check_journal, copy_database, copy_journal
from adapters.store.backups.keeping import Keeping, kept
from adapters.store.lock import InstanceLock
from tstream.clock import utc, wall_ns
from tstream.errors import SettingsError
from tstream.paths import Paths
from tstream.settings.load import load

SETTINGS = "config/tstream.toml"
JOURNAL, BOOK, KEYS = "journal.db", "venue.db", "api-keys.db"
"""Of a venue's folder: its journal, a practice venue's own book, the used keys of the API."""
_BESIDE = ("discord.json", "journal-is-with")
"""What else of a venue's folder is kept: which messages were read, and where the venue's books are."""
_NO_VENUES = {"bots", "analysis", "datasets", "tape", "virtual", "check"}
"""Folders of other things, and of runs that begin anew each time."""
_KNOWN = re.compile(
    r"config/(tstream|themes/[^/]+)\.toml|data/bots/[^/]+/[^/]+|data/analysis/edge_analysis[^/]*\.json"
    rf"|data/(?!({'|'.join(sorted(_NO_VENUES))})/)[^/]+/(journal\.db|venue\.db|api-keys\.db|discord\.json|journal-is-with)"
)
"""The names that files in a backup may have."""
_LARGEST_FILE = 256 * 1024**2
"""A plain file that is larger is left out."""
_FILE = re.compile(r"tstream-(\d{8}T\d{6})Z(-kept)?\.tar\.gz")
_MAKING, _PROVING = ".making-", ".proving-"
_DAY_S = 86_400


class Backup(NamedTuple):
    """A backup in its folder, as its name tells."""

    file: Path
    made_ns: int
    """Nanoseconds UTC, to the second."""
    by_hand: bool
    """Kept until somebody deletes it."""


class Made(NamedTuple):
    """What one call made."""

    backup: Backup
    manifest: BackupManifest
    left_out: tuple[str, ...]
    """What could have been in it and is not, with the reason."""
    broken: tuple[str, ...]
    """Journals that can't be copied, with the reason: somebody has to look."""
    removed: tuple[Path, ...]
    """Older ones that were thinned out."""


class BackupPlace(NamedTuple):
    """Where an installation keeps its backups, and how many of them."""

    paths: Paths
    folder: Path
    keeping: Keeping = Keeping()
    config: Path | None = None
    """A settings file other than the usual one."""


def backups(folder: Path) -> list[Backup]:
    """Those in a folder, the newest first. Raises OSError."""
    if not folder.exists():
        return []
    found = [one for file in folder.iterdir() if (one := _named(file)) is not None]
    return sorted(found, key=lambda one: (one.made_ns, one.file.name), reverse=True)


def make(place: BackupPlace, *, keep: bool = False, now: Callable[[], int] = wall_ns) -> Made:
    """Make a backup, then thin out the older ones. With `keep` it stays until somebody deletes it.

    Raises BackupError where there is nothing to back up, no journal can be copied, or others may write in
    the folder; HeldError while another one is being made there; OSError.
    """
    folder = place.folder
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if told := not_ours_alone(folder):
        raise BackupError(told)
    with InstanceLock(folder / ".lock", str(folder), wall_ns, "the folder of backups"):
        _sweep(folder)
        made_ns = now()
        file = folder / f"tstream-{utc(made_ns):%Y%m%dT%H%M%S}Z{'-kept' if keep else ''}.tar.gz"
        if file.exists():
            raise BackupError(f"{file} is there already: two backups can't be made in one second")
        with scratch(folder, _MAKING) as staged:
            found = _stage(place, staged)
            if not found.journals:
                why = found.broken or (f"there is no journal in {place.paths.data} yet: start tstream once",)
                raise BackupError("; ".join(why))
            parts = tuple(part_of(staged, name) for name in found.names)
            program = f"tstream {version('tstream')}"
            manifest = BackupManifest(FORMAT, made_ns, program, parts, tuple(found.journals))
            pack(file, staged, manifest)
        removed = thin(folder, place.keeping)
    backup = _named(file)
    assert backup is not None
    return Made(backup, manifest, tuple(found.left_out), tuple(found.broken), removed)


def thin(folder: Path, keeping: Keeping) -> tuple[Path, ...]:
    """Delete what is not to be kept any more; what was deleted. Raises OSError."""
    found = [one for one in backups(folder) if not one.by_hand]
    stay = kept((one.made_ns for one in found), keeping)
    gone = tuple(one.file for one in found if one.made_ns not in stay)
    for file in gone:
        file.unlink(missing_ok=True)
    return gone


def verify(file: Path, look: Callable[[Path, JournalMark], None] | None = None) -> BackupManifest:
    """Unpack a backup, compare every file with its SHA-256, check each database; what it holds. `look` sees
    each journal, unpacked, too. Raises BackupError, OSError.
    """
    with scratch(file.parent, _PROVING) as folder:
        manifest = unpack(file, folder)
        check_contents(folder, manifest)
        for mark in manifest.journals if look is not None else ():
            assert look is not None
            look(folder / f"data/{mark.venue}/{JOURNAL}", mark)
    return manifest


def check_contents(folder: Path, manifest: BackupManifest) -> None:
    """An unpacked backup has files of ours alone, its databases are whole, and each journal goes as far as
    the manifest says.

    Raises BackupError.
    """
    if wrong := next((part.name for part in manifest.parts if not _KNOWN.fullmatch(part.name)), None):
        raise BackupError(f"it holds a file that no backup of this tstream has: {wrong!r}")
    told = {f"data/{mark.venue}/{JOURNAL}": mark for mark in manifest.journals}
    names = {part.name for part in manifest.parts}
    if told.keys() != {name for name in names if name.endswith(f"/{JOURNAL}")}:
        raise BackupError("its manifest tells of other journals than there are")
    for name, mark in told.items():
        found = check_journal(folder / name, mark.venue)
        if found != mark:
            raise BackupError(f"{name} ends at record {found.records}, not {mark.records} as it was made")
    for name in names:
        if name.endswith((f"/{BOOK}", f"/{KEYS}")):
            check_database(folder / name)


# --- which one was proven when -----------------------------------------------------------------------------


def note_verified(file: Path, at_ns: int) -> None:
    """Remember that a backup was proven, nanoseconds UTC. Raises OSError."""
    there = {one.file.name for one in backups(file.parent)}
    known = {name: ts for name, ts in verified(file.parent).items() if name in there}
    replace_file(file.parent / "verified.json", msgspec.json.encode({**known, file.name: at_ns}))


def verified(folder: Path) -> dict[str, int]:
    """Names of backups that were proven, and when last, nanoseconds UTC."""
    try:
        return msgspec.json.decode((folder / "verified.json").read_bytes(), type=dict[str, int])
    except (OSError, msgspec.MsgspecError):
        return {}


# --- what goes in ------------------------------------------------------------------------------------------


class _Staged(NamedTuple):
    names: list[str]
    journals: list[JournalMark]
    left_out: list[str]
    broken: list[str]


def _stage(place: BackupPlace, staged: Path) -> _Staged:
    """Copy everything into a folder. Journals come first: what a practice venue knows may be newer than what
    its journal tells, never older.
    """
    found = _Staged([], [], [], [])
    venues = _venues(place.paths)
    for venue in venues:
        name = f"data/{venue}/{JOURNAL}"
        if _filled(source := place.paths.journal(venue)):
            try:
                found.journals.append(copy_journal(source, _target(staged, name), venue))
            except BackupError as error:  # the other journals are backed up all the same
                found.broken.append(f"{name}: {error}")
            else:
                found.names.append(name)
    for venue, kind in product(venues, (BOOK, KEYS)):
        name = f"data/{venue}/{kind}"
        if _filled(source := place.paths.venue(venue) / kind):
            try:
                copy_database(source, _target(staged, name))
            except BackupError as error:  # what is money is backed up all the same
                found.left_out.append(f"{name}: {error}")
            else:
                found.names.append(name)
    wrong, secrets = _secrets(place)
    for name, source in _plain_files(place, venues):
        if why := (wrong if name == SETTINGS else "") or _unfit(name, source, secrets):
            found.left_out.append(f"{name}: {why}")
        elif _copied(source, _target(staged, name)):
            found.names.append(name)
    return found


def _filled(file: Path) -> bool:
    return file.is_file() and file.stat().st_size > 0


def _venues(paths: Paths) -> list[str]:
    if not paths.data.is_dir():
        return []
    return sorted(
        one.name
        for one in paths.data.iterdir()
        if one.is_dir()
        and not one.is_symlink()
        and one.name not in _NO_VENUES
        and nameable(f"data/{one.name}")
    )


def _plain_files(place: BackupPlace, venues: Sequence[str]) -> Iterator[tuple[str, Path]]:
    paths = place.paths
    for venue in venues:
        for name in _BESIDE:
            yield f"data/{venue}/{name}", paths.venue(venue) / name
    for folder, pattern in ((paths.data / "bots", "*/*"), (paths.data / "analysis", "edge_analysis*.json")):
        for file in sorted(folder.glob(pattern)):
            yield f"data/{file.relative_to(paths.data)}", file
    yield SETTINGS, place.config or paths.settings_file
    for file in sorted(paths.themes.glob("*.toml")):
        yield f"config/themes/{file.name}", file


def _secrets(place: BackupPlace) -> tuple[str, tuple[str, ...]]:
    """Why the settings file is not taken, and the values that no file may hold: one that is right has no
    login in it.
    """
    try:
        return "", load(place.paths, place.config, may_ask=False).settings.secret_values()
    except SettingsError:
        return "it is not right as it stands (tstream check says why)", ()


def _unfit(name: str, source: Path, secrets: Sequence[str]) -> str:
    """Why a file is not taken; empty where it is, or is not there."""
    if not source.exists():
        return ""
    if source.is_symlink() and name != SETTINGS:
        return "it is a link"
    if not source.is_file() or not nameable(name):
        return "it is no plain file of a plain name"
    if source.stat().st_size > _LARGEST_FILE:
        return f"it is larger than {_LARGEST_FILE:,} bytes"
    body = source.read_bytes()
    if any(secret.encode() in body for secret in secrets if secret):
        return "it holds a secret"
    return ""


def _copied(source: Path, target: Path) -> bool:
    try:
        shutil.copyfile(source, target)
    except FileNotFoundError:
        return False
    return True


def _target(staged: Path, name: str) -> Path:
    target = staged / name
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return target


# --- the folder --------------------------------------------------------------------------------------------


@contextmanager
def scratch(beside: Path, name: str) -> Iterator[Path]:
    """A folder for what is unpacked, on the same disk where that can be written; gone at the end."""
    try:
        folder = Path(tempfile.mkdtemp(prefix=name, dir=beside))
    except OSError:
        folder = Path(tempfile.mkdtemp(prefix="tstream-backup-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(folder: Path) -> None:
    """Take away what was left by whoever was killed here."""
    for left in folder.glob(f"{_MAKING}*"):
        shutil.rmtree(left, ignore_errors=True)
    for left in folder.glob(f"{_PROVING}*"):
        if wall_ns() / 1e9 - left.stat().st_mtime > _DAY_S:  # a younger one may be at work
            shutil.rmtree(left, ignore_errors=True)
    for left in folder.glob(".tstream-*.new"):
        left.unlink(missing_ok=True)


def _named(file: Path) -> Backup | None:
    found = _FILE.fullmatch(file.name)
    if found is None or not file.is_file():
        return None
    try:
        made = _seconds(found[1])
    except ValueError:
        return None
    return Backup(file, made * 1_000_000_000, bool(found[2]))


def _seconds(stamp: str) -> int:
    return int(datetime.strptime(stamp, "%Y%m%dT%H%M%S").replace(tzinfo=UTC).timestamp())
