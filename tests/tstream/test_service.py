"""The engine as a service: its files say what they should, and its manager hears from it."""

from __future__ import annotations

import asyncio
import os
import plistlib
import re
import shutil
import socket
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.patience import patient
from tests.tstream.conftest import Reading
from tstream import paths
from tstream.cli import call
from tstream.paths import Paths
from tstream.service import manage
from tstream.service.manager_line import is_wanted, keep_told
from tstream.service.units import ServicePlan, launchd_agent, quoted, systemd_unit

Out = pytest.CaptureFixture[str]
ODD = 'my $HOME "100%" \\n folder'
"""A folder whose name means something else wherever it is not quoted."""


def odd_plan(folder: Path, *, sandbox: bool = True) -> ServicePlan:
    place = folder / ODD
    place.mkdir(exist_ok=True)
    program = folder / "100% of $HOME" / "tstream"
    program.parent.mkdir(exist_ok=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o700)
    command = (str(program), "engine")
    return ServicePlan(command, {"TSTREAM_HOME": str(place)}, folder, (place,), folder / "log", sandbox)


def verified(unit: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """What systemd has to say of a unit."""
    return subprocess.run(
        ["systemd-analyze", "verify", "--user", "--man=no", str(unit)],
        env={**os.environ, "XDG_RUNTIME_DIR": str(folder), "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=patient(30),
        check=False,
    )


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze here")
@pytest.mark.parametrize("sandbox", [True, False])
def test_systemd_takes_the_unit_as_it_is_meant(tmp_path: Path, sandbox: bool) -> None:
    unit = tmp_path / "tstream.service"
    unit.write_text(systemd_unit(odd_plan(tmp_path, sandbox=sandbox)))
    done = verified(unit, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    unit.write_text(unit.read_text().replace("WatchdogSec=60", "WatchdogSec=sixty"))
    assert "sixty" in verified(unit, tmp_path).stderr, "it would say so"


def test_the_unit_lets_the_engine_write_where_its_files_are_and_nowhere_else(tmp_path: Path) -> None:
    strict = systemd_unit(odd_plan(tmp_path))
    assert "ProtectSystem=strict" in strict
    assert re.findall("^ReadWritePaths=(.*)$", strict, re.MULTILINE) == [quoted(f"-{tmp_path / ODD}")]
    plain = systemd_unit(odd_plan(tmp_path, sandbox=False))
    assert "Protect" not in plain
    assert "NoNewPrivileges=yes" in plain


@given(st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF), max_size=30).filter(str.isprintable))
def test_a_word_comes_back_as_it_was(word: str) -> None:
    """By the rules of systemd: a backslash escapes within quotes, %% is a per cent sign."""
    line = quoted(word)
    assert line[0] == line[-1] == '"'
    assert re.sub(r"\\(.)", r"\1", line[1:-1]).replace("%%", "%") == word
    assert not re.search(r'(?<!\\)(\\\\)*"', line[1:-1])


def test_the_sessions_own_folder_is_writable_where_sockets_are_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is made anew with every start of the machine, and ours in it by the engine."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "session"))
    environ = {"XDG_RUNTIME_DIR": str(tmp_path / "session")}
    found = manage.plan(paths.find(environ), None, (), environ)
    assert tmp_path / "session" in found.writable


def test_what_no_unit_can_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="can't hold"):
        quoted("two\nlines")
    with pytest.raises(ValueError, match="can't start"):
        systemd_unit(odd_plan(tmp_path)._replace(command=('/opt/my "own"/tstream',)))


def test_launchd_reads_what_is_meant(tmp_path: Path) -> None:
    plan = odd_plan(tmp_path)
    agent = plistlib.loads(launchd_agent(plan))
    assert agent["ProgramArguments"] == list(plan.command)
    assert agent["EnvironmentVariables"] == {"TSTREAM_HOME": str(tmp_path / ODD)}
    assert agent["KeepAlive"] == {"SuccessfulExit": False}, "one that has ended as asked stays ended"


# --- installing ---


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """A systemctl that writes down what it is asked; it refuses what stands in the file `refuse`."""
    folder = tmp_path / "bin"
    folder.mkdir()
    tool = folder / "systemctl"
    tool.write_text(
        f"""#!/bin/sh
echo "$@" >> {tmp_path}/asked
if grep -qs -- "$2" {tmp_path}/refuse; then echo "Failed to connect to bus" >&2; exit 1; fi
if [ "$2" = show ]; then echo ActiveState=active; echo MainPID=7; fi
"""
    )
    tool.chmod(0o700)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    return lambda: (tmp_path / "asked").read_text().splitlines() if (tmp_path / "asked").exists() else []


def unit_of(tmp_path: Path) -> Path:
    return tmp_path / "config/systemd/user/tstream.service"


def test_install_status_and_uninstall(
    tmp_path: Path, home: Path, systemctl: Callable[[], list[str]], capsys: Out
) -> None:
    assert call(["service", "install"]) == 0
    assert systemctl() == ["--user daemon-reload", "--user enable --now tstream.service"]
    unit = unit_of(tmp_path)
    assert f'Environment="TSTREAM_HOME={home}"' in unit.read_text()
    assert stat.S_IMODE(unit.stat().st_mode) == 0o600
    writable = re.findall('^ReadWritePaths="-(.*)"$', unit.read_text(), re.MULTILINE)
    assert all(Path(one).is_dir() for one in writable), "what is not there at the start stays read-only"
    assert call(["service", "install"]) == 0, "the same again changes nothing"
    assert call(["service", "status"]) == 1, "no engine answers"
    assert re.search(r"ActiveState +active\n.*no engine is running", capsys.readouterr().out, re.DOTALL)
    assert call(["service", "uninstall"]) == 2
    assert call(["service", "uninstall", "--yes"]) == 0
    assert not unit.exists()
    assert systemctl()[-2:] == ["--user disable --now tstream.service", "--user daemon-reload"]
    assert call(["service", "uninstall", "--yes"]) == 1


@pytest.mark.parametrize(
    ("systemd", "kernel", "sandbox"), [(0, 1, True), (226, 0, False), (1, 0, True), (1, 1, False)]
)
def test_a_unit_has_a_file_system_of_its_own_only_where_such_a_one_starts(
    tmp_path: Path, systemctl: Callable[[], list[str]], systemd: int, kernel: int, sandbox: bool
) -> None:
    """In a container the kernel may give one that systemd can't make ready: exit code 226."""
    for name, code in (("systemd-run", systemd), ("unshare", kernel)):
        tool = tmp_path / "bin" / name
        tool.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/{name}\nexit {code}\n')
        tool.chmod(0o700)
    assert call(["service", "install"]) == 0
    unit = unit_of(tmp_path).read_text()
    assert ("ProtectSystem=strict" in unit) is sandbox
    assert "NoNewPrivileges=yes" in unit
    tried = set(re.findall("--property=([^ ]+)", (tmp_path / "systemd-run").read_text()))
    assert {"ProtectSystem=strict", "ProtectControlGroups=yes", "PrivateUsers=yes"} <= tried
    assert not sandbox or all(one in unit for one in tried), "what was tried is what is written"


def test_no_secret_is_in_the_unit_and_bad_settings_make_none(
    tmp_path: Path, places: Paths, reading: Reading, systemctl: Callable[[], list[str]], capsys: Out
) -> None:
    reading("[venues.topstepx]\n", "TSTREAM_PROJECTX_USER=me\nTSTREAM_PROJECTX_KEY=canary-key-9\n")
    assert call(["service", "install", "--print"]) == 0
    assert "canary" not in capsys.readouterr().out
    assert not unit_of(tmp_path).exists()
    reading("nonsense = 1") if False else (Path(os.environ["TSTREAM_HOME"]) / "tstream.toml").write_text(
        "nonsense = 1"
    )
    assert call(["service", "install"]) == 2
    assert systemctl() == []


def test_a_unit_that_says_something_else_is_not_overwritten(
    tmp_path: Path, systemctl: Callable[[], list[str]], capsys: Out
) -> None:
    unit_of(tmp_path).parent.mkdir(parents=True)
    unit_of(tmp_path).write_text("[Service]\nExecStart=/bin/another\n")
    assert call(["service", "install"]) == 2
    assert "says something else" in capsys.readouterr().err
    assert "another" in unit_of(tmp_path).read_text()


def test_a_manager_that_does_not_answer_is_one_clear_line(
    tmp_path: Path, systemctl: Callable[[], list[str]], capsys: Out
) -> None:
    (tmp_path / "refuse").write_text("daemon-reload\n")
    assert call(["service", "install"]) == 1
    told = capsys.readouterr().err
    assert "systemctl --user daemon-reload: Failed to connect to bus" in told
    assert "stays as it is written" in told


def test_root_is_told_to_be_somebody_else(monkeypatch: pytest.MonkeyPatch, places: Paths) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert call(["service", "install"]) == 2


# --- what its manager hears ---


@pytest.mark.parametrize("abstract", [False, True])
async def test_the_manager_hears_ready_life_and_the_end(tmp_path: Path, abstract: bool) -> None:
    name = f"tstream-test-{os.getpid()}-{tmp_path.name}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("\0" + name if abstract else str(tmp_path / "notify"))
        manager.setblocking(False)
        environ = {
            "NOTIFY_SOCKET": f"@{name}" if abstract else str(tmp_path / "notify"),
            "WATCHDOG_USEC": "30000",
        }
        assert is_wanted(environ)
        loop = asyncio.get_running_loop()
        telling = asyncio.create_task(keep_told(environ))
        async with asyncio.timeout(patient(5)):
            heard = [await loop.sock_recv(manager, 100) for _ in range(3)]
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)
            while (last := await loop.sock_recv(manager, 100)) == b"WATCHDOG=1":
                pass
        assert (heard, last) == ([b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1"], b"STOPPING=1")


@pytest.mark.parametrize(
    "wait", [{}, {"WATCHDOG_USEC": "x"}, {"WATCHDOG_USEC": "30000", "WATCHDOG_PID": "1"}]
)
async def test_without_a_watchdog_of_ours_there_is_no_beat_and_nobody_listening_does_no_harm(
    tmp_path: Path, wait: dict[str, str]
) -> None:
    telling = asyncio.create_task(keep_told({"NOTIFY_SOCKET": str(tmp_path / "nobody"), **wait}))
    await asyncio.sleep(0)
    telling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await telling
    assert not is_wanted({})
    assert not is_wanted({"NOTIFY_SOCKET": "vsock:2:1"})
