"""The example of docs/json-bots.md in the real program at the practice venue: it trades, and goes on after a
kill.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path

from engine.model.view import View
from tests.docs.pages import DOCS, examples
from tests.e2e.program import Headless

SEED = ("--speed", "20", "--seed", "1")
"""Its first trade comes within some minutes of this market."""


def begin(home: Path) -> tuple[Path, Path]:
    """The file of the page, and the folder that its bot writes in."""
    home.mkdir()
    (home / "tstream.toml").write_text('contracts = ["MNQ"]\n', encoding="utf-8")
    file = home / "reversal.json"
    (example,) = examples(DOCS / "json-bots.md", "json")
    file.write_text(example, encoding="utf-8")
    return file, home / "data" / "bots" / "reversal"


def orders(folder: Path) -> list[object]:
    """What the bot has written down of its orders."""
    file = folder / "orders.json"
    told: list[object] = json.loads(file.read_bytes()) if file.exists() else []
    return told


def holds(view: View | None) -> bool:
    return view is not None and any(one.book == "reversal" and one.protected_qty for one in view.positions)


def books_of(view: View | None) -> set[str]:
    return set() if view is None else {book.book for book in view.books}


def test_the_example_trades_is_killed_and_goes_on(home: Path) -> None:
    file, folder = begin(home)
    with Headless(home, *SEED, command=("bot", "run", str(file), "--headless")) as run:
        run.practice()
        run.until(lambda: holds(run.view()) or None, "it holds a trade with its stop", 120)
        told = json.loads(run.beside("bot", "status", "--json").stdout)
        assert [(one["name"], one["book"]) for one in told] == [("reversal", "reversal")]
        run.until(lambda: orders(folder) or None, "orders are written down")
        run.kill()
    assert orders(folder)
    with Headless(home, *SEED, command=("bot", "run", str(file), "--headless")) as run:
        books = run.until(lambda: books_of(run.view()), "it answers")
        assert books == {"practice", "reversal"}
        told = run.beside("flatten", "--book", "reversal", "--yes", "--wait", "60")
        assert told.returncode == 0, told.stdout + told.stderr

        def closed() -> bool | None:
            return bool(json.loads((folder / "trades.json").read_bytes())) or None

        run.until(closed, "the trade that was open over the kill is written down")
    with (folder / "equity.csv").open(encoding="utf-8") as stream:
        assert next(csv.DictReader(stream))["balance"] == "500000"
    log = (folder / "logs" / "reversal.log").read_text(encoding="utf-8")
    assert "MNQ" in log
