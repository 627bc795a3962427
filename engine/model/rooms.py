"""Rooms of alerts that are traded, and how big. Most fields are keys of [rooms.NAME] in tstream.toml."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from msgspec import Struct

from engine.model.alerts import Grade
from engine.model.market import MINUTE, NANOS
from engine.model.setting import live
from engine.model.sizing import Sizing


class AfterFill(StrEnum):
    """What an edit of an alert does to the trade that is open for it."""

    IGNORE = "ignore"
    TIGHTEN = "tighten"
    """Its stop follows where that is tighter, its targets wherever they go."""


class GradeSizes(Struct, frozen=True):
    """Contracts by letter. C is the base; where nothing else is said B is twice and A three times it."""

    c: Annotated[
        int, live(loosens="more", key="size_c", ge=1, le=100), "Contracts of an alert of size C."
    ] = 1
    b: Annotated[
        int | None, live(loosens="more", key="size_b", ge=1, le=100), "Contracts of an alert of size B."
    ] = None
    a: Annotated[
        int | None, live(loosens="more", key="size_a", ge=1, le=100), "Contracts of an alert of size A."
    ] = None

    def contracts(self, grade: Grade) -> int:
        b = self.b if self.b is not None else 2 * self.c
        a = self.a if self.a is not None else 3 * self.c
        return {Grade.A: a, Grade.B: b, Grade.C: self.c}[grade]


_WORDS = """
    cancel, cancels, cancelled, canceled, cancelling, void, voided, scratch, scratched, ignore,
    ignored, disregard, retract, retracted, withdrawn, invalid, invalidated, nevermind, never mind,
    do not, don't, dont, not a, not an, not valid, not taking, no trade, no longer, skip, skipped,
    skipping, deleted, expired, missed, abort, aborted, kill, killed, dead, fake, wrong, mistake,
    error, wait, hold off, stand down, if, unless, watch, watching, example, sample, test,
    yesterday, earlier, from yesterday, from earlier, from this, previous, old, correction,
    corrected, typo, oops, edit, update, updated, done, gained, secured, paid, breakeven, break
    even, recap, result, results, review, summary, stopped, closed, closing, exit, exited, exiting,
    out, hit, filled, took, taken, trim, trimmed, trimming, flat, flatten, won, win, winner, lost,
    loss, loser, profit, profits, booked, banked, nvm, cxl, cxld, cnx, canx, pull, pulled, delete,
    remove, removed, no fill, no fills, not filled, never filled, not triggered, no entry, pass on,
    passing, sit out, sit this, stand aside, stay out, avoid, late, too late, be hit, close it,
    close here, close now, close this, close all, watchlist, potential, possible, idea, looking for,
    looking to, looking at, waiting, pending, only if, only above, only below, only on, on a break,
    on break, once, when, paper
"""
NO_ALERT_WORDS = tuple(" ".join(word.split()) for word in _WORDS.split(","))
"""Words of taking back, of putting off and of reporting."""


class AlertRoom(Struct, frozen=True):
    """One room of alerts. Points are price units of the room's contract; a limit of 0 is off."""

    name: str
    contracts: dict[str, str]
    """The room's contract to the one that is traded for it: {"ES": "MES"}. Both on the same tick grid."""
    parser: Annotated[
        str,
        live(loosens="any"),
        "Who reads the texts: the built-in parser, or a plug-in's name.",
    ] = "futures-room"
    variants: Annotated[
        bool,
        live(loosens="any"),
        "Also take the looser forms: an @, all on one line, the stop called SL or in any line below.",
    ] = False
    sizes: GradeSizes = GradeSizes(1, 2, 3)
    no_alert_words: Annotated[
        tuple[str, ...],
        live(loosens="no", allowed="a list of words"),
        "A line that begins with one of them makes its message no alert.",
    ] = NO_ALERT_WORDS
    default_size: Annotated[
        int,
        live(loosens="more", ge=0, le=100),
        "Contracts of an alert without a letter; 0 refuses it.",
    ] = 0
    sizing: Sizing | None = None
    """How large its trades are; None: as the book is told, and by grade where that is told nothing."""
    targets: Annotated[
        tuple[Decimal, ...],
        live(loosens="no", key="targets_points", allowed="a list of points, the nearer one first"),
        "Points from the entry to the targets, where the text has none.",
    ] = (Decimal(7), Decimal(12))
    stop_nearest: Annotated[
        Decimal,
        live(loosens="no", key="stop_nearest_points", gt=0),
        "Least points from entry to stop.",
    ] = Decimal(2)
    stop_farthest: Annotated[
        Decimal,
        live(loosens="more", key="stop_farthest_points", gt=0),
        "Most points from entry to stop.",
    ] = Decimal(50)
    entry_distance: Annotated[
        Decimal,
        live(loosens="more", key="entry_distance_points", gt=0),
        "Points that the market may be from the alert's entry.",
    ] = Decimal(5)
    max_age_ns: Annotated[
        int,
        live(loosens="more", key="max_age_seconds", unit=NANOS, kind=float, ge=1, le=600),
        "Older alerts are shown and never traded.",
    ] = MINUTE
    price_age_ns: Annotated[
        int,
        live(loosens="more", key="price_age_seconds", unit=NANOS, kind=float, ge=1, le=120),
        "The market's price must be no older than this.",
    ] = 10 * NANOS
    repeat_ns: Annotated[
        int,
        live(loosens="less", key="repeat_seconds", unit=NANOS, kind=float, ge=0),
        "The same trade in another message within this time is the same alert.",
    ] = MINUTE
    books: Annotated[
        tuple[str, ...],
        live(loosens="any", allowed="a list of books"),
        "The books that follow the room; empty means all.",
    ] = ()
    max_trades: Annotated[
        int, live(loosens="more", none_at_zero=True, ge=0), "Alerts traded per day; 0 is no limit."
    ] = 0
    max_loss_usd: Annotated[
        Decimal,
        live(loosens="more", none_at_zero=True, ge=0),
        "Net loss by the room per day and book, USD; 0 is no limit.",
    ] = Decimal(0)
    reward_to_risk_min: Annotated[
        float,
        live(loosens="less", ge=0, le=10),
        "Least reward at the first target over risk.",
    ] = 0.0
    """Scores are the strategies', and are not asked of alerts."""
    after_fill: Annotated[
        AfterFill,
        live(loosens="no"),
        "What an edit does to an open trade: nothing; or its targets follow, and its stop where that is "
        "tighter.",
    ] = AfterFill.IGNORE

    def follows(self, book: str) -> bool:
        """Whether the book trades this room."""
        return not self.books or book in self.books
