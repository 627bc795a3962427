"""A backup as a file: what was put in comes out, and a file from anywhere does no harm."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import stat
import tarfile
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.store.backups.archive import (
    FORMAT,
    MANIFEST,
    BackupError,
    BackupManifest,
    BackupPart,
    nameable,
    pack,
    part_of,
    read_manifest,
    unpack,
)

NAMES = {"data/a/journal.db": b"\0records\n" * 2000, "config/tstream.toml": b"", "data/a/discord.json": b"{}"}


def packed(folder: Path) -> Path:
    staged = folder / "staged"
    for name, body in NAMES.items():
        (staged / name).parent.mkdir(parents=True, exist_ok=True)
        (staged / name).write_bytes(body)
    manifest = BackupManifest(FORMAT, 5, "tstream 1", tuple(part_of(staged, name) for name in NAMES))
    pack(folder / "b.tar.gz", staged, manifest)
    return folder / "b.tar.gz"


def out(folder: Path) -> Path:
    made = folder / "out"
    made.mkdir()
    return made


def test_what_was_put_in_comes_out(tmp_path: Path) -> None:
    file = packed(tmp_path)
    into = out(tmp_path)
    manifest = unpack(file, into)
    assert manifest == read_manifest(file)
    assert {part.name: (into / part.name).read_bytes() for part in manifest.parts} == NAMES
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert {stat.S_IMODE((into / name).stat().st_mode) for name in NAMES} == {0o600}
    with tarfile.open(file) as tar:  # any other tar reads it too
        assert tar.getnames() == [MANIFEST, *NAMES]


def test_a_backup_is_there_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        packed(tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == ["staged"], "a full disk gets its room back"


# --- from anywhere ---


def member(name: str, body: bytes = b"x", **changed: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(body)
    for key, value in changed.items():
        setattr(info, key, value)
    return info, body


def told(*parts: BackupPart, **changed: object) -> tuple[tarfile.TarInfo, bytes]:
    manifest = BackupManifest(FORMAT, 5, "tstream 1", parts)
    return member(MANIFEST, msgspec.json.encode(msgspec.structs.replace(manifest, **changed)))


def sealed(folder: Path, *members: tuple[tarfile.TarInfo, bytes], behind: bytes = b"") -> Path:
    body = io.BytesIO()
    with tarfile.open(fileobj=body, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for info, content in members:
            tar.addfile(info, io.BytesIO(content))
    file = folder / "evil.tar.gz"
    file.write_bytes(gzip.compress(body.getvalue() + behind))
    return file


ONE = BackupPart("data/a/x", 1, "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881")
"""Of the body "x"."""
BAD: dict[str, tuple[Callable[[Path], Path], str]] = {
    "no tar": (lambda folder: sealed(folder, behind=b"hello"), "is no backup|can't be read|ends too early"),
    "no manifest": (lambda folder: sealed(folder, member("data/a/x")), "is no backup of tstream"),
    "a manifest of nonsense": (lambda folder: sealed(folder, member(MANIFEST, b"[1]")), "can't be read"),
    "nested without end": (lambda folder: sealed(folder, member(MANIFEST, b"[" * 100_000)), "can't be read"),
    "another format": (lambda folder: sealed(folder, told(format=9)), r"another tstream \(format 9\)"),
    "a huge manifest": (lambda folder: sealed(folder, member(MANIFEST, b" " * 3_000_000)), "is no backup"),
    "up and away": (
        lambda folder: sealed(folder, told(BackupPart("data/../../x", 1, "")), member("data/../../x")),
        "leads elsewhere",
    ),
    "from the root": (lambda folder: sealed(folder, told(BackupPart("/etc/x", 1, ""))), "leads elsewhere"),
    "a hidden file": (
        lambda folder: sealed(folder, told(BackupPart("config/.env", 1, ""))),
        "leads elsewhere",
    ),
    "a link": (
        lambda folder: sealed(
            folder, told(ONE), member(ONE.name, b"", type=tarfile.SYMTYPE, linkname="/etc/passwd")
        ),
        "no plain file",
    ),
    "a hard link": (
        lambda folder: sealed(
            folder, told(ONE), member(ONE.name, b"", type=tarfile.LNKTYPE, linkname=MANIFEST)
        ),
        "no plain file",
    ),
    "a device": (
        lambda folder: sealed(folder, told(ONE), member(ONE.name, b"", type=tarfile.CHRTYPE)),
        "no plain",
    ),
    "a folder": (
        lambda folder: sealed(folder, told(ONE), member("data/a", b"", type=tarfile.DIRTYPE)),
        "no plain",
    ),
    "a long header": (
        lambda folder: sealed(folder, told(ONE), member("x", b"y" * 9000, type=tarfile.XHDTYPE)),
        "no plain file",
    ),
    "more than is told": (
        lambda folder: sealed(folder, told(ONE), member(ONE.name), member("data/a/y")),
        "does not tell",
    ),
    "one twice": (
        lambda folder: sealed(folder, told(ONE), member(ONE.name), member(ONE.name)),
        "does not tell",
    ),
    "one missing": (lambda folder: sealed(folder, told(ONE)), "lacks 'data/a/x'"),
    "a larger one": (lambda folder: sealed(folder, told(ONE), member(ONE.name, b"xx")), "does not tell"),
    "another one": (lambda folder: sealed(folder, told(ONE), member(ONE.name, b"y")), "is not what it was"),
    "two that some disks take for one": (
        lambda folder: sealed(folder, told(ONE, BackupPart("data/a/X", 1, ""))),
        "two files of one name",
    ),
    "a file as a folder": (
        lambda folder: sealed(folder, told(ONE, BackupPart("data/a", 1, ""))),
        "in place of a folder",
    ),
    "a bomb that says so": (
        lambda folder: sealed(
            folder, told(*(BackupPart(f"data/a/{n}", 8 * 2**30 - 1, "") for n in range(9)))
        ),
        "would be larger",
    ),
    "a bomb behind the end": (
        lambda folder: sealed(folder, told(ONE), member(ONE.name), behind=b"\0" * 40_000_000),
        "behind its end",
    ),
    "a size below nothing": (
        lambda folder: sealed(folder, told(BackupPart("data/a/x", -1, ""))),
        "would be larger",
    ),
    "no time": (lambda folder: sealed(folder, told(ONE, made_ns=1 << 70 - 8)), "tells no time|can't be read"),
}


@pytest.mark.parametrize(("make", "why"), BAD.values(), ids=BAD)
def test_what_no_tstream_has_packed_is_refused(
    tmp_path: Path, make: Callable[[Path], Path], why: str
) -> None:
    into = out(tmp_path)
    with pytest.raises(BackupError, match=why):
        unpack(make(tmp_path), into)
    written = [file.relative_to(into).as_posix() for file in into.rglob("*") if file.is_file()]
    assert set(written) <= {ONE.name}
    assert {file.name for file in tmp_path.iterdir()} == {"out", "evil.tar.gz"}


def test_a_disk_without_room_takes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, into = packed(tmp_path), out(tmp_path)
    usage = type("Usage", (), {"free": 100})
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(BackupError, match=r"needs 18,002 bytes to unpack, and .* has 100: make room"):
        unpack(file, into)
    assert [*into.iterdir()] == []


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_a_damaged_file_is_never_taken_for_whole(tmp_path: Path, data: st.DataObject) -> None:
    file = tmp_path / "b.tar.gz"
    whole = file.read_bytes() if file.exists() else packed(tmp_path).read_bytes()
    file.write_bytes(whole)
    body = bytearray(whole)
    at = data.draw(st.integers(10, len(body) - 1))  # before that the gzip's header names its time alone
    if data.draw(st.booleans()):
        body[at] ^= 1 << data.draw(st.integers(0, 7))
    else:
        del body[at:]
    damaged = tmp_path / "damaged.tar.gz"
    damaged.write_bytes(body)
    with TemporaryDirectory(dir=tmp_path) as into, pytest.raises(BackupError):
        unpack(damaged, Path(into))


@given(st.text(alphabet="ab./\\.~\0 -", max_size=20))
def test_a_name_leads_nowhere_else(rest: str) -> None:
    if nameable(name := f"data/{rest}"):
        assert os.path.normpath(name) == name
        assert not any(part.startswith(".") for part in name.split("/"))
