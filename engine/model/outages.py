"""Which venues and accounts trading can't reach in full now, read off the View's connections."""

from __future__ import annotations

from collections.abc import Callable

from engine.model.events import LinkState
from engine.model.orders import AccountKind
from engine.model.view import LinkView, View

Outages = dict[str, tuple[LinkView, ...]]
"""The name of a venue or a book, and the connections of it that are not live."""


def several_venues(view: View) -> bool:
    """Whether connections and books have to say their venue."""
    return len({link.venue for link in view.links if link.venue}) > 1


def cut_off(view: View) -> Outages:
    """Of several venues those that trading can't reach in full now. What is one account's alone cuts off no
    venue: see `blind_books`."""
    return _missing(view, lambda link: "" if link.book else link.venue) if several_venues(view) else {}


def blind_books(view: View) -> Outages:
    """Of several accounts those whose own connection trading can't do without now."""
    accounts = [book for book in view.books if book.venue or book.kind is not AccountKind.PAPER]
    return _missing(view, lambda link: link.book) if len(accounts) > 1 else {}


def _missing(view: View, whose: Callable[[LinkView], str]) -> Outages:
    found: Outages = {}
    for link in view.links:
        if link.needed and link.state is not LinkState.LIVE and (name := whose(link)):
            found[name] = (*found.get(name, ()), link)
    return found
