"""What a run holds: its home, its login, its account; and how a holder that hangs is ended (F34)."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from adapters.common.files import replace_file
from adapters.common.redaction import REDACT
from adapters.control.line import look
from adapters.simulator.exchange.store import StateError, Store
from adapters.store.lock import HeldError, Holder, InstanceLock, kill_holder, lock_name
from adapters.store.virtual import SyncJournal
from engine.model.errors import FatalError, PortError
from engine.model.orders import Account, AccountKind
from tests.support.patience import patient
from tstream.clock import wall_ns
from tstream.commands.direct import _claim
from tstream.errors import CommandError, UsageError
from tstream.log_sinks import JsonFileHandler, RingTail
from tstream.logs import write_crash
from tstream.options import RunOptions
from tstream.output import Output
from tstream.paths import Paths, account_locks
from tstream.run.claim import Claim
from tstream.run.practice import PracticeProcess
from tstream.settings.model import Settings

ROOT = Path(__file__).resolve().parents[2]
HOLD = """
import sys
from pathlib import Path
from adapters.common.files import replace_file
from adapters.common.redaction import REDACT
from adapters.control.line import look
from adapters.simulator.exchange.store import StateError, Store
from adapters.store.lock import InstanceLock
InstanceLock(Path(sys.argv[1]), "50K-1", lambda: 1).acquire()
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def home(folder: Path) -> Paths:
    paths = Paths(folder, folder / "data", folder / "state", folder / "run", home=True)
    paths.create()
    return paths


def gateway(user: str = "bob", name: str = "topstepx") -> Settings:
    return Settings.model_validate({"venues": {name: {}}, "projectx": {"user": user, "key": "k"}})


def account(number: str) -> Account:
    return Account(number, f"50K-{number}", AccountKind.LIVE, Decimal(50_000), can_trade=True)


def test_fresh_touches_nothing_of_a_running_instance(tmp_path: Path) -> None:
    paths = home(tmp_path)
    journal = paths.journal("practice")
    journal.write_text("kept", encoding="utf-8")
    with InstanceLock(paths.runtime / lock_name("practice"), "practice", wall_ns):
        claim = Claim(Settings(), RunOptions(fresh=True), paths)
        assert claim.held_by() is not None
        with pytest.raises(FatalError, match="held by"), claim:
            pass
    assert journal.read_text(encoding="utf-8") == "kept"
    assert not list(paths.practice.glob("before-*"))
    assert not (paths.state / "practice.log").exists()


def test_f34_one_process_per_login_even_from_two_homes(tmp_path: Path) -> None:
    """ProjectX serves one process per login, whichever of its accounts is meant."""
    one, two = home(tmp_path / "one"), home(tmp_path / "two")
    with Claim(gateway(), RunOptions(), one):
        second = Claim(gateway(), RunOptions(), two)
        held = second.held_by()
        assert held is not None
        assert held.holder is not None
        assert held.holder.pid == os.getpid()
        with pytest.raises(HeldError, match=r"login 'bob at topstepx' is held by .* process id"):
            second.__enter__()
        with Claim(gateway("alice"), RunOptions(), two):
            pass
    with second:
        assert second.held_by() is not None  # by itself


def test_f34_two_logins_that_reach_the_same_account(tmp_path: Path) -> None:
    one, two = home(tmp_path / "one"), home(tmp_path / "two")
    with Claim(gateway(), RunOptions(), one) as first, Claim(gateway("alice"), RunOptions(), two) as second:
        first.admit("topstepx", "topstepx", account("7"))
        first.admit("topstepx", "topstepx", account("7"))  # on every connection
        with pytest.raises(HeldError, match=f"account '50K-7' is held by .* process id {os.getpid()}"):
            second.admit("topstepx", "topstepx", account("7"))
        second.admit("topstepx", "topstepx-8", account("8"))
    with Claim(gateway("alice"), RunOptions(), two) as second:
        second.admit("topstepx", "topstepx", account("7"))
    assert account_locks().parent == tmp_path / "state" / "tstream"


@pytest.mark.parametrize(
    "other",
    [
        {"venues": {"topstepx": {}}, "projectx": {"user": "BOB", "key": "k"}},
        {
            "venues": {
                "projectx": {"api_url": "https://API.topstepx.com:443/", "rtc_url": "https://r.x"},
            },
            "projectx": {"user": "Bob", "key": "k"},
        },
    ],
    ids=["capitals", "the address spelt out"],
)
def test_f55_a_login_is_the_same_however_it_is_spelt(tmp_path: Path, other: dict[str, Any]) -> None:
    one, two = home(tmp_path / "one"), home(tmp_path / "two")
    with Claim(gateway(), RunOptions(), one):
        with pytest.raises(HeldError, match="is held by"), Claim(Settings(**other), RunOptions(), two):
            pass
        with Claim(gateway("bob2"), RunOptions(), two):
            pass


@pytest.mark.parametrize("folder", ["data", "state", "run"])
def test_f55_a_folder_in_which_others_may_write_is_refused_with_the_remedy(
    tmp_path: Path, folder: str
) -> None:
    paths = home(tmp_path / "home")
    shared = tmp_path / "home" / folder
    shared.chmod(0o777)
    with pytest.raises(UsageError) as refused:
        paths.create()
    assert refused.value.lines == (f"others may write in {shared} (mode 0777): chmod go-w {shared}",)
    shared.chmod(0o755)
    paths.create()


def test_f55_neither_a_lock_nor_the_control_socket_is_taken_where_others_may_write(tmp_path: Path) -> None:
    paths = home(tmp_path / "home")
    paths.runtime.chmod(0o777)
    with pytest.raises(FatalError, match="others may write in"):
        InstanceLock(paths.runtime / "x.lock", "x", wall_ns).acquire()
    with pytest.raises(FatalError, match="others may write in"):
        look(paths.control_socket)


@pytest.mark.parametrize(
    "write",
    [
        lambda paths, file: PracticeProcess(RunOptions(), paths).start(),
        lambda paths, file: write_crash(file, ValueError(), REDACT, "x"),
        lambda paths, file: replace_file(file.with_suffix(""), b"x"),
        lambda paths, file: JsonFileHandler(file, 1000, 1, RingTail())._open(),
        lambda paths, file: SyncJournal(file),
        lambda paths, file: Store(file),
    ],
    ids=["practice.log", "crash.log", "a replaced file", "the log", "the journal", "the practice book"],
)
def test_f55_no_file_is_written_through_a_link(
    tmp_path: Path, write: Callable[[Paths, Path], object]
) -> None:
    paths = home(tmp_path / "home")
    target = tmp_path / "precious"
    target.write_text("kept", encoding="utf-8")
    for name in ("practice.log", "other.new"):
        (paths.state / name).symlink_to(target)
    with pytest.raises((OSError, PortError, StateError), match="it is a link, which may lead anywhere"):
        write(paths, paths.state / "other.new")
    assert target.read_text(encoding="utf-8") == "kept"


@contextmanager
def holder(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        try:
            yield process
        finally:
            process.kill()


def held(path: Path) -> HeldError:
    with pytest.raises(HeldError) as caught:
        InstanceLock(path, "50K-1", wall_ns).acquire()
    return caught.value


def test_a_holder_that_hangs_is_ended_and_its_lock_is_free(tmp_path: Path) -> None:
    path = tmp_path / "account.lock"
    with holder(path) as process:
        process.send_signal(signal.SIGSTOP)
        kill_holder(held(path))
        assert process.wait(patient(5)) == -signal.SIGKILL
        with InstanceLock(path, "50K-1", wall_ns):
            pass


def test_nobody_is_ended_for_a_number_in_a_file(tmp_path: Path) -> None:
    """The lock is held by somebody else than it says, as from another container."""
    path = tmp_path / "account.lock"
    with holder(tmp_path / "other.lock") as bystander, InstanceLock(path, "50K-1", wall_ns):
        wrong = HeldError("held", path, Holder(bystander.pid, "50K-1", 1))
        with pytest.raises(FatalError, match="does not hold"):
            kill_holder(wrong)
        assert bystander.poll() is None
        with pytest.raises(FatalError, match="not known which process"):
            kill_holder(HeldError("held", path, None))
        with pytest.raises(FatalError, match="not known which process"):
            kill_holder(held(path))


def test_f54_a_takeover_is_advised_only_where_the_last_sign_of_life_is_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = home(tmp_path)
    settings = gateway()
    with Claim(settings, RunOptions(), paths) as claim:
        held = Claim(settings, RunOptions(), paths).held_by()
        assert held is not None
        monkeypatch.setattr("tstream.commands.direct.Claim", lambda *_: Claim(settings, RunOptions(), paths))
        started: Any = SimpleNamespace(settings=settings, paths=paths)
        for age_s, words in ((60, "tstream flatten --takeover"), (0, "its last sign of life came 0 s ago")):
            os.utime(held.path, (time.time() - age_s, time.time() - age_s))
            if not age_s:
                claim.beat()
            with pytest.raises(CommandError) as told:
                _claim(started, True, False, Output(io.StringIO()))
            assert words in str(told.value)
            assert ("--takeover" in str(told.value)) is bool(age_s)
