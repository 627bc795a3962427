"""docs/venues.md: every kind of venue has its row, and what the row says is so."""

from __future__ import annotations

from engine.model.instrument import InstrumentKind
from tests.docs.pages import DOCS, text
from tstream.venues import known
from tstream.venues.kind import VenueKind

PAGE = text(DOCS / "venues.md")
MARKETS = {
    InstrumentKind.FUTURE: "futures",
    InstrumentKind.PERPETUAL: "perpetuals",
    InstrumentKind.SPOT: "spot",
    InstrumentKind.EQUITY: "shares",
}


def rows(title: str) -> dict[str, list[str]]:
    """Of the table under a title, by what its first cell names."""
    lines = PAGE.split(f"## {title}\n")[1].split("\n## ")[0].splitlines()
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| `")
    ]
    return {name.strip(" `"): row for row in cells for name in row[0].split(",")}


def told(kind: VenueKind) -> list[str]:
    """A kind as its row has to have it."""
    listed = [words for market, words in MARKETS.items() if market in kind.markets]
    exits = "the venue's brackets" if kind.capabilities.native_brackets else "orders of our own"
    if kind.prices_only:
        exits = "prices only"
    return [
        ", ".join(listed),
        ", ".join(at.value for at in kind.places),
        ", ".join(kind.needs) or "-",
        exits,
        "balances" if kind.capabilities.balances else "-",
    ]


def test_every_kind_has_its_row_and_the_row_is_true() -> None:
    table = rows("What they can do")
    assert set(table) == set(known.ours())
    for name, (_, *row) in table.items():
        assert row == told(known.kind(name)), name


def test_of_every_kind_it_is_said_what_it_is_tried_against_and_what_is_not_verified() -> None:
    table = rows("What it is tried against")
    assert set(table) == set(rows("What they can do"))
    assert all(len(row) == 3 and all(row) for row in table.values())
