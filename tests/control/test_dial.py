"""Where an engine can be, and how it is reached by a program that stands for ssh."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from adapters.control.access import AccessLog
from adapters.control.attach_protocol import Role
from adapters.control.bridge import bridge
from adapters.control.dial import AT_THE_OTHER_END, SshDial, UnixDial, dial_of
from adapters.control.line import NoEngineError
from adapters.control.remote import RemoteHandle
from engine.model.commands import Pause
from engine.model.errors import FatalError, RefusedError, RetryableError
from tests.control.fake import FakeHandle, a_view, serving
from tests.support.patience import patient

USUAL = Path("/run/control.sock")


@pytest.mark.parametrize(
    ("target", "dial"),
    [
        (None, UnixDial(USUAL)),
        ("unix:/x/y.sock", UnixDial(Path("/x/y.sock"))),
        ("ssh://server", SshDial("server")),
        ("ssh://anna@server.example.com:2222", SshDial("server.example.com", "anna", 2222)),
        ("ssh://[::1]:22/", SshDial("[::1]", "", 22)),
    ],
)
def test_places_of_an_engine(target: str | None, dial: object) -> None:
    assert dial_of(target, USUAL) == dial


@pytest.mark.parametrize(
    "target",
    [
        "server",
        "ssh://",
        "ssh://-oProxyCommand=x",
        "ssh://a b",
        "ssh://-x@server",
        "ssh://server:0",
        "ssh://server:99999",
        "ssh://server;rm",
        "unix:",
        "http://server",
    ],
)
def test_what_is_no_place_is_refused(target: str) -> None:
    with pytest.raises(ValueError, match=r"write unix:PATH or ssh://"):
        dial_of(target, USUAL)


def test_nobody_is_asked_anything_behind_a_screen_and_a_host_is_never_an_option() -> None:
    first, later = (SshDial("server", "anna", 2222).command(first) for first in (True, False))
    assert first[-3:] == later[-3:] == ["--", "server", AT_THE_OTHER_END]
    assert "BatchMode=yes" not in first
    assert "BatchMode=yes" in later


def remote_by(program: Path) -> RemoteHandle:
    return RemoteHandle(SshDial("server", program=str(program)), a_view(), name="me")


def script(folder: Path, text: str) -> Path:
    file = folder / "ssh"
    file.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    file.chmod(0o700)
    return file


async def test_nobody_to_attach_to_is_told_in_words(tmp_path: Path) -> None:
    remote = RemoteHandle(UnixDial(tmp_path / "control.sock"), a_view(), name="me")
    with pytest.raises(NoEngineError, match=r"no engine is running at .*; tstream engine starts one"):
        await asyncio.to_thread(remote.start, patient(10))


async def test_what_ssh_says_when_it_fails_is_what_a_person_is_told(tmp_path: Path) -> None:
    program = script(tmp_path, "echo 'Host key verification failed.' >&2; exit 255")
    with pytest.raises(RetryableError, match=r"^Host key verification failed\.$"):
        await asyncio.to_thread(remote_by(program).start, patient(10))
    program = script(tmp_path, "echo 'bash: line 1: exec: tstream: not found' >&2; exit 127")
    with pytest.raises(RetryableError, match=r"tstream: not found; install tstream there for that user"):
        await asyncio.to_thread(remote_by(program).start, patient(10))
    with pytest.raises(FatalError, match="can't be started"):
        await asyncio.to_thread(remote_by(tmp_path / "none").start, patient(10))


async def test_a_bridge_carries_both_ways_and_says_for_whom(tmp_path: Path) -> None:
    handle, path = FakeHandle(a_view()), tmp_path / "run" / "control.sock"
    surroundings = f"TSTREAM_HOME={tmp_path} SSH_CONNECTION='10.0.0.5 1 2 3'"
    program = script(tmp_path, f"{surroundings} exec {sys.executable} -m tstream attach-pipe --readonly")
    with AccessLog(tmp_path / "access", lambda: 0) as access:
        async with serving(handle, path, access=access):
            remote = remote_by(program)
            await asyncio.to_thread(remote.start, patient(10))
            assert remote.role is Role.VIEWER
            with pytest.raises(RefusedError, match="look only"):
                await asyncio.wait_for(asyncio.wrap_future(remote.ask(Pause(id="a"))), patient(10))
            assert handle.sent == []
            await asyncio.to_thread(remote.close)
    assert '"origin": "ssh from 10.0.0.5"' in (tmp_path / "access").read_text(encoding="utf-8")


def test_a_bridge_without_an_engine_says_so(tmp_path: Path) -> None:
    with pytest.raises(NoEngineError, match="no engine is running"):
        bridge(tmp_path / "control.sock", Role.TRADER, {}, (0, 1))
