"""What a day comes to over several books, by what is in a picture."""

from __future__ import annotations

from decimal import Decimal

from engine.model.orders import AccountKind
from engine.model.rates import RatedSum, in_usd
from engine.model.view import View


def together(view: View) -> dict[AccountKind, RatedSum]:
    """The day of each kind of money that is in several currencies, as one, USD. Kinds are never added."""
    found: dict[AccountKind, dict[str, Decimal]] = {}
    for book in view.books:
        own = found.setdefault(book.kind, {})
        own[book.currency] = own.get(book.currency, Decimal(0)) + book.day_usd
    sums = {kind: in_usd(amounts, view.rates) for kind, amounts in found.items()}
    return {kind: one for kind, one in sums.items() if one is not None}
