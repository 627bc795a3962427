from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from tests.e2e.program import Headless
from tests.e2e.venue import Venue


def test_a_paper_book_trades_beside_the_account_and_survives_a_kill(home: Path) -> None:
    home.mkdir()
    (home / "tstream.toml").write_text('contracts = ["MNQ"]\n[paper]\nenabled = true\nslippage_ticks = 3\n')
    with Headless(home, "--speed", "20") as run:
        run.practice()
        view = run.until(lambda: _both_hold(run), "both books hold something")
        assert {book["book"]: book["kind"] for book in view["books"]} == {
            "practice": "practice",
            "paper": "paper",
        }
        assert view["mode"] == "practice"
        shown = run.beside("status").stdout
        assert "paper · PAPER" in shown
        run.until(lambda: "PAPER: bought" in run.output or "PAPER: sold" in run.output, "the log says whose")
        run.kill()
        known = _paper(view)
    with Headless(home, "--speed", "20") as run:
        practice = run.practice()
        venue = Venue(practice)
        view = run.until(lambda: _verified(run), "both books are verified")
        assert _paper(view)["entries"] >= known["entries"], "no trade of the day is forgotten"
        flat = run.beside("flatten", "--yes")
        assert flat.returncode == 0, flat.stdout + flat.stderr
        run.until(lambda: not venue.positions() and not venue.live_orders(), "the venue holds nothing")
        view = run.until(lambda: _flat(run), "the picture says so")
        assert {trade["book"] for trade in view["trades"]} == {"practice", "paper"}
        paper = [trade for trade in view["trades"] if trade["book"] == "paper"]
        assert all(trade["kind"] == "paper" for trade in paper)


def _view(run: Headless) -> dict[str, Any]:
    """As `tstream status --json` prints it."""
    view = run.view()
    return {} if view is None else json.loads(msgspec.json.encode(view))


def _flat(run: Headless) -> dict[str, Any] | None:
    view = _view(run)
    return view if view and not (view["positions"] or view["orders"]) else None


def _both_hold(run: Headless) -> dict[str, Any] | None:
    view = _view(run)
    held = {position["book"] for position in view.get("positions", ())}
    return view if held == {"practice", "paper"} else None


def _verified(run: Headless) -> dict[str, Any] | None:
    view = _view(run)
    books = view.get("books", ())
    return view if len(books) == 2 and all(book["reconciled"] for book in books) else None


def _paper(view: dict[str, Any]) -> dict[str, Any]:
    """What the paper book has open and done."""
    return {
        "held": {p["instrument"]: p["qty"] for p in view["positions"] if p["book"] == "paper"},
        "entries": len([t for t in view["trades"] if t["book"] == "paper"]),
    }
