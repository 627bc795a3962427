"""On what terms an alert is put to the gate of a book."""

from __future__ import annotations

from fractions import Fraction

from msgspec import structs

from engine.books.book import Book
from engine.books.entries import EntryTerms
from engine.model.alerts import Grade, Terms
from engine.model.rooms import AlertRoom
from engine.model.sizing import ByGrade
from engine.risk.sizers import Wanted


def entry_terms(book: Book, room: AlertRoom, terms: Terms) -> EntryTerms:
    """Every risk limit holds; scores are the strategies', and for the reward the room has its own bound. A
    grade tells how sure the room is, too: A is full confidence.
    """
    limits = structs.replace(book.config.risk, min_score_tenths=0, reward_to_risk_min=room.reward_to_risk_min)
    sure = Fraction(terms.qty, room.sizes.contracts(Grade.A))
    sizing = room.sizing or book.config.sizing or ByGrade()
    return EntryTerms(limits, Wanted(sizing, terms.qty, sure), room)
