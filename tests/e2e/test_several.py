"""Several venues, and several accounts, in one run over sockets."""

from __future__ import annotations

from pathlib import Path

import msgspec
import psutil

from engine.model.events import LinkState
from engine.model.view import View
from tests.e2e.program import Headless, practice_children
from tests.e2e.venue import Venue
from tests.support.patience import patient


def seen(run: Headless) -> View | None:
    """What the engine shows, if it answers."""
    told = run.beside("status", "--json")
    return msgspec.json.decode(told.stdout, type=View) if told.returncode == 0 else None


def reconciled(run: Headless, *books: str) -> View | None:
    """What it shows once it knows these books, and has compared them with their venue."""
    view = seen(run)
    known = {book.book for book in view.books if book.reconciled} if view is not None else set()
    return view if known == set(books) else None


def test_of_two_venues_one_is_killed_and_the_other_goes_on(home: Path) -> None:
    """Its book trades, and is flattened and verified, while the dead one is started again."""
    with Headless(home, "--venues", "2", "--speed", "12") as run:
        processes = run.practices(2)
        run.until(lambda: reconciled(run, "practice", "practice2"), "both books are known")
        left, killed = Venue(processes["practice"]), processes["practice2"]
        lost = Venue(killed, "practice2")
        run.until(lambda: left.protected() and lost.protected(), "both hold protected positions", 120)
        killed.kill()
        killed.wait(patient(10))
        told = run.beside("flatten", "--yes", "--book", "practice", "--wait", "30")
        assert told.returncode == 0, told.stderr
        assert (left.signed(), left.live_orders()) == ({}, [])
        run.until(lambda: "its process has ended (killed by signal 9)" in run.output, "the log says why")

        def again() -> psutil.Process | None:
            found = practice_children(run.process.pid).get("practice2")
            return found if found is not None and found.pid != killed.pid else None

        lost = Venue(run.until(again, "it is started again"), "practice2")

        def whole() -> bool:
            view = seen(run)
            return view is not None and all(
                link.state is LinkState.LIVE for link in view.links if link.needed
            )

        run.until(whole, "every connection stands again", 60)
        run.until(lambda: not lost.positions() or lost.protected(), "what is open there has its stops", 60)
        told = run.beside("flatten", "--yes", "--wait", "60")
        assert told.returncode == 0, told.stderr
        assert (lost.signed(), lost.live_orders()) == ({}, [])
