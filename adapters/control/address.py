"""Where the control socket is: the same answer for the engine and for who looks for it."""

from __future__ import annotations

import hashlib
import os
import stat
from contextlib import suppress
from pathlib import Path

from adapters.common.files import not_ours_alone
from engine.model.errors import FatalError

_LONGEST = 103
"""Bytes that every system's socket address holds (macOS: 104 with the closing zero; Linux 108)."""

_SHORT = Path("/tmp")
"""Not TMPDIR, which may differ between the two ends."""


def socket_path(wanted: Path) -> Path:
    """The wanted path, or one in a private folder under /tmp that stands for it where it is too long.

    Raises FatalError where others could have put a socket of theirs there.
    """
    absolute = wanted.absolute()
    if len(os.fsencode(absolute)) <= _LONGEST:
        with suppress(OSError):  # there is no such folder, and so no socket
            if told := not_ours_alone(absolute.parent):
                raise FatalError(told)
        return absolute
    folder = _SHORT / f"tstream-{os.getuid()}"
    _private_folder(folder)
    return folder / f"{hashlib.sha256(os.fsencode(absolute)).hexdigest()[:16]}.sock"


def _private_folder(folder: Path) -> None:
    """Make it for its owner only. Everybody may write to /tmp: what is there already need not be ours."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise FatalError(f"can't make {folder} for the control socket: {error.strerror}") from None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise FatalError(f"can't use {folder} for the control socket: others could have made or could use it")
