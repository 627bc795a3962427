"""One backup as a file: a gzipped tar whose first member is a manifest with the SHA-256 of every other one.

What is read may come from anywhere. A member is a plain file of a name and size that the manifest gives, or
the whole is refused before anything is looked at: no links, no paths that lead elsewhere, no second member of
a name, no header that asks for memory, and never more bytes than the manifest says and the disk has.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import shutil
import tarfile
import zlib
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import IO

import msgspec
from msgspec import Struct

from adapters.common.files import owner_only, sync_folder
from engine.model.errors import FatalError

FORMAT = 1
MANIFEST = "manifest.json"
MOST_PARTS = 5_000
MOST_BYTES = 64 * 1024**3
"""Of all members together, unpacked."""
_LARGEST_PART = 8 * 1024**3 - 1
"""What the plain header of a tar can tell."""
_LARGEST_MANIFEST = 2 * 1024**2
_LARGEST_TAIL = 1024**2
"""Padding behind the last member."""
_BLOCK = 512
_CHUNK = 1024**2
_LATEST_NS = 1 << 62
_NAME = re.compile(r"(config|data)(/[A-Za-z0-9][A-Za-z0-9._@+ -]{0,79}){1,3}")
_LONGEST_NAME = 100


class BackupError(FatalError):
    """A backup that can't be made, or that is not what it should be."""


class BackupPart(Struct, frozen=True):
    """One file in a backup."""

    name: str
    """Where it belongs: "data/topstepx/journal.db"."""
    size: int
    """Bytes."""
    sha256: str


class JournalMark(Struct, frozen=True):
    """How far a journal goes in a backup."""

    venue: str
    """Whose folder it lies in."""
    records: int
    """Number of its newest record."""
    install: str
    boot: int


class BackupManifest(Struct, frozen=True):
    """What a backup holds."""

    format: int
    made_ns: int
    """When its making began, nanoseconds UTC of the machine's clock."""
    program: str
    parts: tuple[BackupPart, ...]
    journals: tuple[JournalMark, ...] = ()


def nameable(name: str) -> bool:
    """Whether a file of this name may be in a backup."""
    return len(name) <= _LONGEST_NAME and _NAME.fullmatch(name) is not None


def part_of(staged: Path, name: str) -> BackupPart:
    """A file under a folder as the manifest tells it. Raises OSError."""
    digest = hashlib.sha256()
    size = 0
    with open(staged / name, "rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return BackupPart(name, size, digest.hexdigest())


def pack(file: Path, staged: Path, manifest: BackupManifest) -> None:
    """Write a backup of the files under a folder, whole and on the disk, or not at all.

    Raises BackupError where it would be too large, OSError.
    """
    _require_bounded(manifest)
    fresh = file.with_name(f".{file.name}.new")
    try:
        with open(fresh, "wb", opener=owner_only) as raw:
            _write(raw, staged, manifest)
            raw.flush()
            os.fsync(raw.fileno())
        os.rename(fresh, file)
    except BaseException:
        fresh.unlink(missing_ok=True)  # a disk that is full gets its room back
        raise
    sync_folder(file.parent)


def unpack(file: Path, into: Path) -> BackupManifest:
    """Unpack a backup into an empty folder, each file compared with its SHA-256; what it holds.

    Raises BackupError for anything that is not as it should be, and where the disk has no room for it;
    OSError where a file can't be read or written.
    """
    try:
        with open(file, "rb") as raw, gzip.GzipFile(fileobj=raw) as stream:
            return _unpack(stream, into)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise BackupError(f"{file} is damaged: {error}") from None
    except BackupError as error:
        raise BackupError(f"{file} {error}") from None


def read_manifest(file: Path) -> BackupManifest:
    """What a backup says of itself; nothing of it is proven. Raises BackupError, OSError."""
    try:
        with open(file, "rb") as raw, gzip.GzipFile(fileobj=raw) as stream:
            return _manifest(stream)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise BackupError(f"{file} is damaged: {error}") from None
    except BackupError as error:
        raise BackupError(f"{file} {error}") from None


# --- writing ---------------------------------------------------------------------------------------------


def _write(raw: IO[bytes], staged: Path, manifest: BackupManifest) -> None:
    with (
        gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        body = msgspec.json.encode(manifest)
        tar.addfile(_info(MANIFEST, manifest.made_ns, len(body)), BytesIO(body))
        for part in manifest.parts:
            with open(staged / part.name, "rb") as stream:
                tar.addfile(_info(part.name, manifest.made_ns, part.size), stream)


def _info(name: str, made_ns: int, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = size, 0o600, made_ns // 1_000_000_000
    return info


# --- reading ---------------------------------------------------------------------------------------------


def _unpack(stream: gzip.GzipFile, into: Path) -> BackupManifest:
    manifest = _manifest(stream)
    wanted = sum(part.size for part in manifest.parts)
    free = shutil.disk_usage(into).free
    if wanted > free:
        raise BackupError(f"needs {wanted:,} bytes to unpack, and {into} has {free:,}: make room")
    missing = {part.name: part for part in manifest.parts}
    while (header := _header(stream)) is not None:
        part = missing.pop(header.name, None)
        if part is None or part.size != header.size:
            raise BackupError(f"holds what its manifest does not tell: {header.name!r}")
        _take(stream, part, into)
    if missing:
        raise BackupError(f"lacks {next(iter(missing))!r}")
    _require_end(stream)
    return manifest


def _manifest(stream: gzip.GzipFile) -> BackupManifest:
    header = _header(stream)
    if header is None or header.name != MANIFEST or header.size > _LARGEST_MANIFEST:
        raise BackupError("is no backup of tstream")
    body = _exactly(stream, header.size)
    _skip_padding(stream, header.size)
    try:
        kind = msgspec.json.decode(body, type=dict[str, msgspec.Raw]).get("format")
        if kind is not None and bytes(kind) != str(FORMAT).encode():
            raise BackupError(f"was made by another tstream (format {bytes(kind).decode()[:20]})")
        manifest = msgspec.json.decode(body, type=BackupManifest)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise BackupError("has a manifest that can't be read") from None
    _require_bounded(manifest)
    return manifest


def _require_bounded(manifest: BackupManifest) -> None:
    parts = manifest.parts
    names = [part.name for part in parts]
    if wrong := next((name for name in names if not nameable(name)), None):
        raise BackupError(f"would hold a file of a name that leads elsewhere: {wrong[:100]!r}")
    if len({name.casefold() for name in names}) < len(names):
        raise BackupError("holds two files of one name")
    if set(names) & {str(folder) for name in names for folder in PurePosixPath(name).parents}:
        raise BackupError("holds a file in place of a folder")
    if not 0 < manifest.made_ns < _LATEST_NS:
        raise BackupError("tells no time at which it was made")
    if (
        len(parts) > MOST_PARTS
        or not all(0 <= part.size <= _LARGEST_PART for part in parts)
        or sum(part.size for part in parts) > MOST_BYTES
    ):
        raise BackupError(f"would be larger than {MOST_PARTS:,} files and {MOST_BYTES:,} bytes")


def _header(stream: gzip.GzipFile) -> tarfile.TarInfo | None:
    """The next member's header, None behind the last. Nothing beyond its one block is read for it."""
    block = _exactly(stream, _BLOCK)
    if not block.strip(b"\0"):
        return None
    try:
        found = tarfile.TarInfo.frombuf(block, "ascii", "strict")
    except (tarfile.TarError, UnicodeDecodeError, ValueError):
        raise BackupError("is damaged: a header can't be read") from None
    if found.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or found.size < 0:
        raise BackupError(f"holds what is no plain file: {found.name[:100]!r}")
    return found


def _take(stream: gzip.GzipFile, part: BackupPart, into: Path) -> None:
    target = into / part.name
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    digest = hashlib.sha256()
    left = part.size
    with open(target, "xb", opener=owner_only) as out:
        while left:
            chunk = _exactly(stream, min(left, _CHUNK))
            digest.update(chunk)
            out.write(chunk)
            left -= len(chunk)
        out.flush()
        os.fsync(out.fileno())
    _skip_padding(stream, part.size)
    if digest.hexdigest() != part.sha256:
        raise BackupError(f"is damaged: {part.name!r} is not what it was")


def _exactly(stream: gzip.GzipFile, count: int) -> bytes:
    body = stream.read(count)
    if len(body) < count:
        raise BackupError("is damaged: it ends too early")
    return body


def _skip_padding(stream: gzip.GzipFile, size: int) -> None:
    _exactly(stream, -size % _BLOCK)


def _require_end(stream: gzip.GzipFile) -> None:
    """Nothing but padding comes; read to its end, so that its own checksum is compared."""
    tail = stream.read(_LARGEST_TAIL)
    if tail.strip(b"\0") or stream.read(1):
        raise BackupError("goes on behind its end")
