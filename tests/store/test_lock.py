"""One engine per account."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from adapters.store.lock import InstanceLock, lock_name
from engine.model.errors import FatalError

ROOT = Path(__file__).resolve().parents[2]
NOON = 1_709_899_200 * 10**9

HOLD = """
import sys
from pathlib import Path
from adapters.store.lock import InstanceLock
InstanceLock(Path(sys.argv[1]), "50K-1", lambda: int(sys.argv[2])).acquire()
print("held", flush=True)
sys.stdin.read()
"""


def lock(path: Path) -> InstanceLock:
    return InstanceLock(path, "50K-1", lambda: NOON)


def test_f34_the_second_engine_is_refused_and_told_who_is_the_first(tmp_path: Path) -> None:
    path = tmp_path / "locks" / "account.lock"
    first, second = lock(path), lock(path)
    first.acquire()
    with pytest.raises(FatalError) as caught:
        second.acquire()
    assert str(caught.value) == (
        f"account '50K-1' is held by the tstream with process id {os.getpid()}"
        " since 2024-03-08 12:00:00 UTC; stop that one first"
    )
    with pytest.raises(FatalError, match="held by this very engine"):
        first.acquire()
    first.release()
    first.release()
    with second:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_killed_holder_holds_no_longer(tmp_path: Path) -> None:
    path = tmp_path / "account.lock"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path), str(NOON)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(FatalError, match=f"process id {holder.pid} since"):
            lock(path).acquire()
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        with lock(path):
            assert str(os.getpid()) in path.read_text(encoding="utf-8")


def test_a_holder_that_has_not_signed_yet_is_still_a_holder(tmp_path: Path) -> None:
    path = tmp_path / "account.lock"
    with lock(path):
        path.write_bytes(b"")
        with pytest.raises(FatalError, match="account 50K-1 is held by another tstream"):
            lock(path).acquire()


def test_a_place_that_cant_be_locked_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FatalError, match="can't make the lock file"):
        lock(tmp_path).acquire()
    (tmp_path / "elsewhere").touch()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FatalError, match="can't make the lock file"):
        lock(tmp_path / "link").acquire()


@pytest.mark.parametrize("account", ["50K-1", "../../etc/passwd", "a/b", "", "x" * 500, "konto äöü"])
def test_the_file_name_of_an_account_is_always_one_plain_name(account: str) -> None:
    name = lock_name(account)
    assert Path(name).name == name
    assert name.isascii()
    assert len(name) < 100
    assert name.endswith(".lock")
    assert name != lock_name(account + "2")
