"""Small files that only their owner may read."""

from __future__ import annotations

import os
from pathlib import Path


def owner_only(path: str, flags: int) -> int:
    """An opener for `open`: the file is made with mode 0600."""
    return os.open(path, flags, 0o600)


def replace_file(path: Path, content: bytes) -> None:
    """Write a whole file, and its folder where there is none, for its owner only. Raises OSError.

    A crash leaves the old file or the new one.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.new")
    with open(fresh, "wb", opener=owner_only) as stream:
        stream.write(content)
    os.replace(fresh, path)
