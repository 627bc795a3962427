"""Runs one scene again and again in forked processes, each killed a step later than the one before.

As a program: `python -m tests.runtime.kills SCENE FOLDER`. Each run has a folder of its own, named by its
step, and prints `STEP killed` or, once no step was left to die at, `STEP done`.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from adapters.store import emergency, opening
from adapters.store.emergency import EmergencyFile, emergency_path
from adapters.store.journal import SqliteJournal
from adapters.store.virtual import SyncJournal
from engine.model import effects as fx
from engine.model import records as r
from engine.model.errors import RetryableError
from engine.model.market import Side
from engine.model.orders import OrderSpec, OrderType
from engine.runtime import journal_writer as writer_module
from engine.runtime.effect_runner import EffectRunner
from engine.runtime.journal_writer import JournalWriter
from tests.support.patience import patient

BOOK = "kills"
ENTRY = fx.PlaceOrder(BOOK, "1", "MNQ", OrderSpec(Side.BUY, OrderType.MARKET, 1))
STOP = fx.PlaceOrder(BOOK, "2", "MNQ", OrderSpec(Side.SELL, OrderType.STOP, 1, stop=5, reduces=True))
MOVE = fx.ModifyOrder(BOOK, "3", "v", "MNQ", stop=6)
CLOSE = fx.CancelOrder(BOOK, "4", "v", "MNQ")
LAST = fx.CancelOrder(BOOK, "5", "v", "MNQ")
"""The client id of each is the number of its record."""


def record(n: int) -> r.AnyRecord:
    return r.DayRolled(ts=n, trade_date=f"day {n}", day_open_ts=n)


RECORDS = [r.encode(record(n)) for n in range(1, 6)]


class Reaper:
    """Counts the steps, and ends the process as a power cut does at the one that it was given."""

    def __init__(self, at: int) -> None:
        self._left = at

    def step(self) -> None:
        self._left -= 1
        if not self._left:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, work: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*args: Any, **kwargs: Any) -> Any:
            self.step()
            done = work(*args, **kwargs)
            self.step()
            return done

        return watched


class Outbox:
    """In place of a broker: what was sent stays known, whatever happens to the sender."""

    book = BOOK

    def __init__(self, file: Path, reaper: Reaper) -> None:
        self._file = file
        self._reaper = reaper
        self.sent: list[str] = []

    async def _send(self, request: Any) -> str:
        self._reaper.step()
        with self._file.open("a") as out:
            out.write(f"{request.client_id}\n")
        self.sent.append(request.client_id)
        self._reaper.step()
        return "v"

    place = modify = cancel = _send


async def _until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(patient(10)):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0)


async def outage(home: Path, reaper: Reaper) -> None:
    """The journal works, is away for two protective orders and one cancel, and comes back."""
    down = False
    async with await SqliteJournal.open(home / "journal.db", install="kills") as journal:
        stored = journal.append

        async def append(records: Sequence[bytes], first_seq: int) -> None:
            if down:  # tried again and again, and no step: how often is left to chance
                raise RetryableError("disk full")
            reaper.step()
            await stored(records, first_seq)
            reaper.step()

        journal.append = append  # type: ignore[method-assign]
        file = EmergencyFile(emergency_path(journal.path), journal.install, journal.boot, patience_s=9)
        outbox = Outbox(home / "outbox", reaper)
        runner = EffectRunner({BOOK: outbox}, lambda: 0, lambda _: None)  # type: ignore[dict-item]
        writer = JournalWriter(journal, journal.last_seq, runner, lambda: 0, lambda _: None, file, 9.0)
        task = asyncio.create_task(writer.run())
        steps: list[fx.AnyEffect] = [ENTRY, STOP, MOVE, CLOSE]
        for n, effect in enumerate(steps, 1):
            down = n > 1
            writer.write([record(n)], [effect])
            await _until(lambda n=n: len(outbox.sent) == n)  # type: ignore[misc]
        down = False
        await writer.flush(9)
        writer.write([record(5)], [LAST])
        await _until(lambda: len(outbox.sent) == 5 and not writer.saved)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        file.close()


def taking_over(home: Path, reaper: Reaper) -> None:
    """A start that finds two records in the journal and, in the emergency file, the second and two more."""
    path = home / "journal.db"
    with SyncJournal(path, install="kills") as journal:
        journal.append(RECORDS[:2], 1)
        file = EmergencyFile(emergency_path(path), "kills", 1)
        asyncio.run(file.write(RECORDS[1:4], 2))
        file.close()
    for module, name in ((opening, "take_over"), (opening, "put_aside"), (emergency, "sync_folder")):
        setattr(module, name, reaper.around(getattr(module, name)))
    SyncJournal(path).close()


def _watched(home: Path, at: int) -> None:
    reaper = Reaper(at)
    if sys.argv[1] == "taking_over":
        taking_over(home, reaper)
        return
    writer_module.RETRY_S = 0.0
    for name in ("pwrite", "fsync", "rename"):
        setattr(os, name, reaper.around(getattr(os, name)))
    asyncio.run(outage(home, reaper))


def main() -> None:
    folder = Path(sys.argv[2])
    at = 0
    killed = True
    while killed:
        at += 1
        home = folder / str(at)
        home.mkdir()
        child = os.fork()
        if not child:
            _watched(home, at)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        killed = os.WIFSIGNALED(status)
        assert killed or not os.WEXITSTATUS(status), f"step {at} ended with {status}"
        sys.stdout.write(f"{at} {'killed' if killed else 'done'}\n")


if __name__ == "__main__":
    main()
