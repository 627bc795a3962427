"""Several venues, and several accounts, in one run over sockets."""

from __future__ import annotations

from pathlib import Path

import psutil

from engine.model.events import LinkState
from engine.model.view import View
from tests.e2e.program import Headless, practice_children, tstream
from tests.e2e.test_flatten import venue_alone
from tests.e2e.venue import Venue
from tests.support.patience import patient


def reconciled(run: Headless, *books: str) -> View | None:
    """What it shows once it knows these books, and has compared them with their venue."""
    view = run.view()
    known = {book.book for book in view.books if book.reconciled} if view is not None else set()
    return view if known == set(books) else None


def test_of_two_venues_one_hangs_and_is_killed_and_the_other_goes_on(desk: Path) -> None:
    """A flatten of both closes what can be closed, and verifies it; the dead venue is started again, and the
    flatten that was begun ends there too.
    """
    with Headless(desk, "--venues", "2", "--speed", "12") as run:
        processes = run.practices(2)
        run.until(lambda: reconciled(run, "practice", "practice2"), "both books are known")
        left, killed = Venue(processes["practice"]), processes["practice2"]
        lost = Venue(killed, "practice2")
        run.until(lambda: left.protected() and lost.protected(), "both hold protected positions", 120)
        killed.suspend()
        told = run.beside("flatten", "--yes", "--wait", "8")
        assert told.returncode == 1, told.stdout
        assert "(practice2)" in told.stderr
        assert "(practice)" not in told.stderr
        assert (left.signed(), left.live_orders()) == ({}, [])
        shown = run.until(run.view, "it answers")
        assert {book.book for book in shown.books if book.flatten is not None} == {"practice2"}
        killed.kill()
        killed.wait(patient(10))
        run.until(lambda: "its process has ended (killed by signal 9)" in run.output, "the log says why")

        def again() -> psutil.Process | None:
            found = practice_children(run.process.pid).get("practice2")
            return found if found is not None and found.pid != killed.pid else None

        lost = Venue(run.until(again, "it is started again"), "practice2")
        run.until(lambda: not lost.signed() and not lost.live_orders(), "the flatten ends there too", 60)
        told = run.beside("flatten", "--yes", "--wait", "60")
        assert told.returncode == 0, told.stderr

        def whole() -> bool:
            view = run.view()
            return view is not None and all(
                link.state is LinkState.LIVE for link in view.links if link.needed
            )

        run.until(whole, "every connection stands again", 60)


def test_three_accounts_of_one_login_are_three_books(desk: Path) -> None:
    """One is flattened and the others stay as they are; all are flattened, and verified each; without an
    engine too.
    """
    with Headless(desk, "--accounts", "3", "--speed", "20") as run:
        process = run.practice()
        view = run.until(
            lambda: reconciled(run, "practice-1", "practice-2", "practice-3"), "three books are known"
        )
        assert len({book.account for book in view.books}) == 3
        accounts = [Venue(process, account=number) for number in range(3)]
        run.until(lambda: all(one.protected() for one in accounts), "each holds a protected position", 120)
        first, second, third = accounts
        paused = run.beside("pause")  # nobody enters or leaves but by what is asked for here
        assert paused.returncode == 0, paused.stderr
        told = run.beside("flatten", "--yes", "--book", "practice-2", "--wait", "30")
        assert told.returncode == 0, told.stderr
        assert (second.signed(), second.live_orders()) == ({}, [])
        closed = [len(one.trades()) for one in (first, third)]
        shown = run.until(run.view, "it answers")
        assert not [one for one in shown.positions if one.book == "practice-2"]
        assert [book.flatten for book in shown.books] == [None] * 3
        for one, before in zip((first, third), closed, strict=True):
            assert one.protected() or len(one.trades()) > before, "the others keep position and stops"
        unknown = run.beside("flatten", "--yes", "--book", "practice-9")
        assert (unknown.returncode, "practice-1, practice-2, practice-3" in unknown.stderr) == (2, True)
        run.kill()
    told = tstream(desk, "flatten", "--yes", "--wait", "60", seconds=90)
    assert told.returncode == 0, told.stderr
    with venue_alone(desk, accounts=3) as venue:
        for number in range(3):
            one = Venue(venue, account=number)
            assert (one.signed(), one.live_orders()) == ({}, [])
