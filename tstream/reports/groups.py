"""What trades have in common, as tables of a report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.model.review import FEW, Group, Grouping
from engine.portfolio.review import DatedTrade, groupings
from tstream.reports.history import BookHistory
from tstream.reports.numbers import in_r, money, percent, ratio

_HEAD = ("trades", "won", "95 %", "profit factor", "mean R", "MAE", "MFE", "efficiency", "net")
FEW_WORDS = f"~ fewer than {FEW} trades: such figures say little, and the best of many says less still."


def grouped(book: BookHistory) -> tuple[Grouping, ...]:
    """The trades of a book by what they have in common."""
    return groupings(
        [
            DatedTrade(
                book.book,
                book.calendar,
                trade,
                book.calendar.trade_date(trade.closed_ts),
                book.notes.get(trade.key, ""),
            )
            for trade in book.trades
        ]
    )


def group_tables(found: Iterable[Grouping]) -> list[tuple[str, Sequence[Sequence[str]]]]:
    """A title, and rows of which the first is the head; what has one group only tells nothing."""
    return [
        (f"By {one.by}", [(one.by, *_HEAD), *(_cells(group) for group in one.groups)])
        for one in found
        if len(one.groups) > 1 or (one.by == "tag" and one.groups)
    ]


def _cells(one: Group) -> Sequence[str]:
    share = one.wins / one.trades if one.trades else None
    return (
        one.name,
        f"{'~' if one.few else ''}{one.trades}",
        percent(share, 0),
        f"{percent(one.win_low, 0)} to {percent(one.win_high, 0)}",
        ratio(one.profit_factor),
        in_r(one.expectancy_r),
        money(one.average_mae_usd),
        money(one.average_mfe_usd),
        percent(one.efficiency, 0),
        money(one.net_usd),
    )
