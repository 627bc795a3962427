"""One metric of Prometheus, with its place in the View."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from engine.model.view import View

Sample = tuple[tuple[str, ...], float]
"""Values of the labels, and the figure."""
Counts = Mapping[tuple[str, str, int], int]
"""Requests to the API by method, path and status."""


@dataclass(frozen=True, slots=True)
class Scraped:
    """What figures are taken from."""

    view: View
    version: str
    counts: Counts
    live: int


@dataclass(frozen=True, slots=True)
class NamedMetric:
    """One metric."""

    name: str
    words: str
    read: Callable[[Scraped], Iterable[Sample]]
    labels: tuple[str, ...] = ()
    counter: bool = False
    """It only grows, from 0 at the start of the engine on."""

    @property
    def kind(self) -> str:
        return "counter" if self.counter else "gauge"
