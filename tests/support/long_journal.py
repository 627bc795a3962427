"""A long journal of many bad days: storms one behind the other, each in a book of its own."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from engine.lab.replay import BOOK
from engine.model import records as r
from tests.support.lossy_wire import LossyReplay


def storms(seed: int, least: int) -> list[bytes]:
    """At least so many records, as they are stored."""
    found: list[bytes] = []
    for number in count(seed):
        storm = LossyReplay(number % 40)
        storm.play()
        found += _in_book(f"{BOOK}{number - seed}", storm.journal)
        if len(found) >= least:
            return found
    raise AssertionError


def _in_book(name: str, journal: list[r.AnyRecord]) -> Iterator[bytes]:
    for record in journal:
        yield r.encode(record).replace(f'"book":"{BOOK}"'.encode(), f'"book":"{name}"'.encode())
