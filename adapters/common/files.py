"""Small files that only their owner may read."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path


def owner_only(path: str | Path, flags: int) -> int:
    """An opener for `open`: the file is made with mode 0600, and a link is not followed. Raises OSError."""
    try:
        return os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OSError(
                errno.ELOOP, "it is a link, which may lead anywhere: remove it", str(path)
            ) from None
        raise


def not_ours_alone(folder: Path) -> str:
    """Why a folder can't be trusted, with the remedy; empty where it is ours and nobody else may write in it.
    Raises OSError.
    """
    found = folder.stat()
    if found.st_uid != os.getuid():
        return f"{folder} belongs to another user: make it yours, or set TSTREAM_HOME to one that is"
    if found.st_mode & 0o022:
        return f"others may write in {folder} (mode {stat.S_IMODE(found.st_mode):04o}): chmod go-w {folder}"
    return ""


def replace_file(path: Path, content: bytes, *, durable: bool = False) -> None:
    """Write a whole file, and its folder where there is none, for its owner only. Raises OSError.

    A crash leaves the old file or the new one; where it is `durable`, so does a loss of power.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.new")
    with open(fresh, "wb", opener=owner_only) as stream:
        stream.write(content)
        if durable:
            stream.flush()
            os.fsync(stream.fileno())
    os.replace(fresh, path)
    if durable:
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """A new name in a folder is on disk only when the folder is. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
