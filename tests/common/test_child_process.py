"""A process of ours is made beside the loop, and never outlives who has begun it."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from adapters.common.child_process import _Starting, begin
from tests.support.waits import until

ECHO = (sys.executable, "-c", "import sys\nfor line in sys.stdin: print(line.upper(), end='', flush=True)")

Made = list[tuple[subprocess.Popen[bytes], threading.Thread]]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[Made]:
    """The processes that were made, and on which threads."""
    found: Made = []
    usual = subprocess.Popen

    def make(*args: Any, **options: Any) -> subprocess.Popen[bytes]:
        found.append((usual(*args, **options), threading.current_thread()))
        return found[-1][0]

    monkeypatch.setattr(subprocess, "Popen", make)
    yield found
    assert all(process.returncode is not None for process, _ in found), "none is left"


async def test_it_is_made_on_another_thread_and_talked_to_on_the_loop(made: Made) -> None:
    child = await begin(ECHO, {})
    child.stdin.write(b"hello\n")
    await child.stdin.drain()
    assert await child.stdout.readline() == b"HELLO\n"
    assert await child.end() == -signal.SIGKILL
    assert await child.stdout.read() == b""
    ((_, thread),) = made
    assert thread is not threading.current_thread()


async def test_one_that_has_ended_already_says_how(made: Made) -> None:
    child = await begin((sys.executable, "-c", "raise SystemExit(3)"), {})
    assert await child.stdout.readline() == b""
    made[0][0].wait()
    assert await child.end() == 3
    with pytest.raises(OSError, match="no-such-program"):
        await begin(("/no-such-program",), {})


@pytest.mark.parametrize("first", ["made", "given up"])
async def test_whoever_gives_up_while_it_is_made_leaves_nothing(made: Made, first: str) -> None:
    starting = _Starting(ECHO, {})
    if first == "given up":
        starting.give_up()
    process = starting.begin()
    if first == "made":
        starting.give_up()
    assert process.returncode == -signal.SIGKILL


async def test_a_cancelled_start_leaves_nothing(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    usual, begun, goes_on = subprocess.Popen, threading.Event(), threading.Event()

    def make(*args: Any, **options: Any) -> subprocess.Popen[bytes]:
        begun.set()
        assert goes_on.wait(30)
        return usual(*args, **options)

    monkeypatch.setattr(subprocess, "Popen", make)
    task = asyncio.create_task(begin(ECHO, {}))
    await until(begun.is_set)
    assert task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    goes_on.set()
    await asyncio.get_running_loop().shutdown_default_executor()
    assert len(made) == 1
