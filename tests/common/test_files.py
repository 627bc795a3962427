"""Files for their owner only, replaced as a whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.common.files import replace_file


def test_a_file_is_replaced_for_its_owner_only_and_its_folder_made(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    replace_file(path, b"old")
    replace_file(path, b"new")
    assert path.read_bytes() == b"new"
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o077) == (0o600, 0)
    assert [found.name for found in path.parent.iterdir()] == ["file"]


def test_what_can_not_be_written_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    replace_file(path, b"old")
    (tmp_path / "file.new").mkdir()
    with pytest.raises(IsADirectoryError):
        replace_file(path, b"new")
    assert path.read_bytes() == b"old"
