"""tstream flatten where no engine answers: take the account and do it here.

The same path as any start: journal, venue, recovery. But nothing is traded: no strategy, trading off, no
history; a person's command always acts. The latch is in the journal before anything goes out, so that what
is not done here is gone on with by the next start.
"""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import typer

from adapters.common.redaction import printable
from adapters.store.lock import kill_holder
from engine.market.bars import BarsClosed
from engine.model.commands import Flatten, Shutdown
from engine.model.errors import PortError
from engine.model.flattening import scope_name, still_open, what_flattening_does
from engine.model.notices import Notice, NoticeKind
from engine.model.plans import Idea
from engine.model.view import View
from engine.runtime.engine import Engine
from engine.signals.board import SignalBoard
from engine.strategies.protocol import Declined
from tstream.clock import RunClock
from tstream.convert.books import of_venue
from tstream.errors import CommandError, UsageError
from tstream.options import RunOptions
from tstream.output import Output
from tstream.paths import Paths
from tstream.run.claim import Claim
from tstream.run.practice import book
from tstream.run.startup import Startup, open_logs, prepare
from tstream.run.wiring import Run
from tstream.settings.model import Settings

DEFAULT_WAIT_S = 30.0
_FREE_S = 15.0
"""A killed process, and the practice venue that ends with it, let go of their files within this."""

_HUNG_S = 4.0
"""An engine that has given no sign of life for so long hangs: it gives one each second."""

_ELSEWHERE = "if it can't wait, close it on the venue's own platform"

_LATCHED = "it is latched: the next start of tstream, or of this command, goes on"

_HEARD_S = 10.0
"""Before a person is asked, the venues get so long to be heard; one that is not delays nothing further."""

Scope = tuple[str | None, str | None]
"""Contract and book; None means all."""

_LOOKS_S = 0.1
_TOLD = (NoticeKind.RISK, NoticeKind.ORDER, NoticeKind.FILL, NoticeKind.CONNECTION, NoticeKind.COMMAND)


class Nothing:
    """A strategy without ideas."""

    name = "none"

    def on_bars(self, closed: BarsClosed, board: SignalBoard) -> Sequence[Idea | Declined]:
        return ()


def flatten_here(
    contract: str | None, book: str | None, sure: bool, wait_s: float, config: Path | None, takeover: bool
) -> int:
    """Flatten without an engine, at every venue of the settings or at the one of the book, all at once; the
    exit code, 0 only when each showed it flat.

    Raises CommandError, also when another process holds the account: only `takeover` ends that one, after
    asking unless `sure`. Raises PortError.
    """
    started = prepare(config, RunOptions())
    if book is not None:
        started = replace(started, settings=_only(started.settings, book))
    symbols = [instrument.symbol for instrument in started.settings.instrument_table()]
    if contract is not None and contract not in symbols:
        raise UsageError(f"{contract} is not among the settings' contracts: {', '.join(symbols)}")
    if not sure and not sys.stdin.isatty():
        what = scope_name(contract, book)
        raise UsageError(
            f"this would flatten {what} without an engine", "without a terminal to ask on, say --yes"
        )
    clock = RunClock()
    with (
        Output(sys.stderr) as out,
        _claim(started, sure, takeover, out) as claim,
        open_logs(started.settings, started.paths, clock),
    ):
        out.write("no engine answers: connecting to the venue from here\n")
        options = RunOptions(record=False)
        run = Run(claim, started.settings, options, started.paths, clock, by_hand=Nothing())
        try:
            left = asyncio.run(_flatten(run, (contract, book), sure, wait_s or DEFAULT_WAIT_S, out))
        except PortError as error:
            raise CommandError(f"{error}", "stops at the venue go on working", _ELSEWHERE) from error
        except asyncio.CancelledError:
            raise CommandError("told to end before it was flat", _LATCHED, _ELSEWHERE) from None
    if left:
        raise CommandError(f"not flat: {', '.join(left)}", _LATCHED, _ELSEWHERE)
    sys.stdout.write(
        f"{scope_name(contract, book)} is flat; entries stay paused there until tstream resume\n"
    )
    return 0


def _only(settings: Settings, book: str) -> Settings:
    """The settings with the one venue that a book is at; all of them where its name does not say."""
    venues = [name for name in settings.active if of_venue(book, name)]
    return settings.narrowed(venues) if venues else settings


# --- taking the account --------------------------------------------------------------------------------


def _claim(started: Startup, sure: bool, takeover: bool, out: Output) -> Claim:
    """The claim, not yet entered; whoever stands in its way has been ended, if that was asked for."""
    claim = Claim(started.settings, RunOptions(), started.paths)
    held = claim.held_by()
    if held is None:
        return claim
    who = "a process that has not signed" if held.holder is None else f"process {held.holder.pid}"
    if not takeover and (silent := held.silent_s()) < _HUNG_S:
        raise CommandError(
            f"{held}",
            f"{who} is at work: its last sign of life came {max(0.0, silent):.0f} s ago",
            "try again, or flatten in its cockpit",
            _ELSEWHERE,
        )
    if not takeover:
        raise CommandError(
            f"{held}",
            f"{who} has given no sign of life for {silent:.0f} s; what it has placed stays at the venue",
            "if it hangs: tstream flatten --takeover ends it with SIGKILL, then flattens from here",
        )
    if not sure and not typer.confirm(
        f"{held}.\nEnd {who} with SIGKILL and flatten from here?", default=False
    ):
        raise CommandError("nothing was done")
    kill_holder(held)
    out.write(f"{who} is ended\n")
    _wait_until_free(claim, started.paths)
    return claim


def _wait_until_free(claim: Claim, paths: Paths) -> None:
    """Never two writers on one account: go on only when the dead one's locks are gone."""
    end = time.monotonic() + _FREE_S
    books = [book(paths, name) for name in claim.practice]
    while (held := claim.held_by()) is not None or not all(map(_unused, books)):
        if time.monotonic() > end:
            raise CommandError(f"it was ended, but still holds: {held or 'the practice account'}")
        time.sleep(_LOOKS_S)


def _unused(file: Path) -> bool:
    """Nobody has the practice venue's book open."""
    if not file.exists():
        return True
    try:
        with closing(sqlite3.connect(file, timeout=0, isolation_level=None)) as db:
            db.execute("BEGIN EXCLUSIVE")
            db.execute("ROLLBACK")
    except sqlite3.Error:
        return False
    return True


# --- doing it ------------------------------------------------------------------------------------------


async def _flatten(run: Run, scope: Scope, sure: bool, wait_s: float, out: Output) -> list[str]:
    """What is left open after at most so many seconds; empty when it is flat."""
    contract, book = scope
    me = asyncio.current_task()
    assert me is not None
    async with run.engine() as engine:
        for number in (signal.SIGTERM, signal.SIGHUP):  # as Ctrl+C does
            asyncio.get_running_loop().add_signal_handler(number, me.cancel)
        main = asyncio.create_task(engine.main())
        progress = asyncio.create_task(_progress(engine, out))
        try:
            expected = engine.expected
            if not sure:
                await _until(
                    engine, main, lambda view: _verified(view, expected, book), min(wait_s, _HEARD_S)
                )
                await asyncio.to_thread(_ask, engine.view(), expected, scope)
            answer = engine.ask(Flatten(id="flatten", source="cli", instrument=contract, book=book))
            flat = await _until(engine, main, lambda view: _flat(view, expected, scope, answer), wait_s)
            return [] if flat else _left(engine.view(), expected, scope)
        finally:
            engine.ask(Shutdown(id="end", source="cli"))
            await asyncio.wait({main}, timeout=wait_s)
            progress.cancel()
            await asyncio.gather(progress, return_exceptions=True)


async def _until(
    engine: Engine, main: asyncio.Task[None], condition: Callable[[View], bool], seconds: float
) -> bool:
    """Whether the view comes to it in time. Raises CommandError when the venue can't be worked with."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        view = engine.view()
        if view.version > 1 and condition(view):
            return True
        if main.done():
            main.result()
            raise CommandError("the engine has ended")
        if engine.failure and not view.books and not engine.working:
            raise CommandError(engine.failure)
        await asyncio.sleep(_LOOKS_S)
    return False


def _verified(view: View, expected: Sequence[str], book: str | None) -> bool:
    """Every book in question has been heard, and compared with its venue."""
    known = {one.book: one.reconciled for one in view.books}
    wanted = (*expected, *known) if book is None else (book,)
    return bool(wanted) and all(known.get(name, False) for name in wanted)


def _flat(view: View, expected: Sequence[str], scope: Scope, answer: Future[Notice]) -> bool:
    """The picture is one of after the command was taken, and shows it flat, each book by its venue's word."""
    contract, book = scope
    taken = answer.done() and answer.exception() is None and answer.result() in view.notices
    latched = [one for one in view.books if one.flatten is not None and book in (None, one.book)]
    under_way = bool(latched) if contract is None else False
    return taken and _verified(view, expected, book) and not under_way and not still_open(view, *scope)


def _left(view: View, expected: Sequence[str], scope: Scope) -> list[str]:
    left = still_open(view, *scope)
    known = {one.book: one.reconciled for one in view.books}
    unheard = [name for name in (*expected, *known) if scope[1] in (None, name) and not known.get(name)]
    if unheard or not known:
        of_whom = f" for {', '.join(dict.fromkeys(unheard))}" if len(expected) > 1 else ""
        left.append(f"the venue has not been heard{of_whom}")
    return left or ["not yet verified at the venue"]


def _ask(view: View, expected: Sequence[str], scope: Scope) -> None:
    known = what_flattening_does(view, *scope)
    if not view.books:
        known = "flatten an account that is not heard yet"
    elif not _verified(view, expected, scope[1]):
        known += ", and flatten what is not heard yet"
    if not typer.confirm(f"{view.mode.upper()}: {known}?", default=False):
        raise CommandError("nothing was done")


async def _progress(engine: Engine, out: Output) -> None:
    """What happens, in words, as it happens; the last of it when this is cancelled."""
    seen = 0
    try:
        while True:
            seen = _tell(engine, out, seen)
            await asyncio.sleep(_LOOKS_S)
    finally:
        _tell(engine, out, seen)


def _tell(engine: Engine, out: Output, seen: int) -> int:
    """Tell what is newer than a notice's number; gives the newest number."""
    for notice in engine.notices(seen):
        seen = notice.seq
        if _worth_telling(notice):
            out.write(printable(notice.text) + "\n")
    return seen


def _worth_telling(notice: Notice) -> bool:
    return notice.kind in _TOLD and notice.command_id != "end"
