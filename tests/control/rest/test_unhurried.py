"""The API's loop leaves the interpreter to the engine: a few sockets at a time, all of them served."""

from __future__ import annotations

import asyncio
import selectors
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest
from aiohttp import ClientSession

from adapters.control.access import AccessLog
from adapters.control.rest.config import ApiConfig
from adapters.control.rest.thread import ApiThread
from adapters.control.rest.unhurried import AT_ONCE, BURST_S, LONGEST_PAUSE_S, SHARE, UnhurriedSelector
from tests.control.fake import a_view
from tests.control.rest.serving import NOW, Obedient
from tests.support.patience import patient
from tests.support.waits import until


class Times:
    """Clocks that a test moves, and what was slept."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.worked = self.now = 0.0
        self.slept: list[float] = []
        monkeypatch.setattr("adapters.control.rest.unhurried.time.thread_time", lambda: self.worked)
        monkeypatch.setattr("adapters.control.rest.unhurried.time.monotonic", lambda: self.now)
        monkeypatch.setattr("adapters.control.rest.unhurried.time.sleep", self.slept.append)

    def work(self, seconds: float) -> None:
        self.worked += seconds
        self.now += seconds


def test_work_beyond_its_share_is_paid_for_by_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    times = Times(monkeypatch)
    with UnhurriedSelector() as selector:
        times.work(BURST_S / 2)
        selector.select(0)
        assert times.slept == []
        times.work(0.01)
        selector.select(0)
        [pause] = times.slept
        owed = BURST_S / 2 + 0.01 - BURST_S - SHARE * (0.01 + BURST_S / 2)
        assert pause == pytest.approx(owed / SHARE, rel=0.2)
        times.now += pause
        selector.select(0)
        assert len(times.slept) == 1
        times.work(10)
        selector.select(0)
        assert times.slept[-1] == LONGEST_PAUSE_S
        times.now += 100  # a rest is no licence for a long burst
        selector.select(0)
        times.work(3 * BURST_S)
        selector.select(0)
        assert len(times.slept) == 3


def test_a_crowd_is_heard_a_few_at_a_time_and_everyone_has_a_turn() -> None:
    with ExitStack() as stack:
        selector = stack.enter_context(UnhurriedSelector())
        pairs = [socket.socketpair() for _ in range(50)]
        for ours, theirs in pairs:
            stack.callback(ours.close)
            stack.callback(theirs.close)
            selector.register(ours, selectors.EVENT_READ)
            theirs.send(b"x")
        heard = set()
        for _ in range(20):  # nobody is read, so all stay ready
            ready = selector.select(0)
            assert len(ready) == AT_ONCE
            heard |= {key.fd for key, _ in ready}
        assert heard == {ours.fileno() for ours, _ in pairs}


async def test_the_thread_serves_and_ends_with_the_engine(tmp_path: Path) -> None:
    with AccessLog(tmp_path / "access.log", lambda: NOW) as access:
        config = ApiConfig(tokens=tmp_path / "tokens", keys=tmp_path / "keys", version="1", port=0)
        thread = ApiThread(Obedient(a_view()), config, access, lambda: NOW)
        running = asyncio.create_task(thread.run())
        url = await until(lambda: thread.url.done() and thread.url.result())
        async with ClientSession() as session, session.get(f"{url}/system/status") as reply:
            assert await reply.json() == {"alive": True, "version": "1"}
        running.cancel()
        async with asyncio.timeout(patient(10)):
            await asyncio.gather(running, return_exceptions=True)
        async with ClientSession() as session:
            with pytest.raises(OSError, match="Cannot connect"):
                await session.get(f"{url}/system/status")


async def test_a_port_that_is_taken_is_told_and_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.control.rest.thread.Backoff.pause_s", lambda self: 0.05)
    with socket.socket() as other, AccessLog(tmp_path / "access.log", lambda: NOW) as access:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        config = ApiConfig(tokens=tmp_path / "tokens", keys=tmp_path / "keys", version="1", port=port)
        thread = ApiThread(Obedient(a_view()), config, access, lambda: NOW)
        running = asyncio.create_task(thread.run())
        await until(lambda: "set api.port or api.host" in caplog.text)
        other.close()
        assert await until(lambda: thread.url.done() and thread.url.result()) == f"http://127.0.0.1:{port}"
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_certificate_that_is_none_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    bad = tmp_path / "bad.pem"
    bad.write_text("no certificate")
    with AccessLog(tmp_path / "access.log", lambda: NOW) as access:
        config = ApiConfig(
            tokens=tmp_path / "tokens", keys=tmp_path / "keys", version="1", port=0, certificate=str(bad)
        )
        thread = ApiThread(Obedient(a_view()), config, access, lambda: NOW)
        running = asyncio.create_task(thread.run())
        await until(lambda: "until a person changes something: can't use the certificate" in caplog.text)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
