"""How often the reader of texts is right, beside VADER as it comes; and what a text costs."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from adapters.sentiment.meaning import MeaningScorer
from adapters.sentiment.scorers import WordScorer
from bench.figures import table
from engine.model.errors import FatalError

FILE = Path(__file__).parent.parent / "tests" / "sentiment" / "headlines.tsv"
NEUTRAL = 0.05
"""Scores within that of 0 say nothing."""


Score = Callable[[Sequence[str]], Sequence[float]]


class Accuracy(NamedTuple):
    right: float
    """Share of the headlines whose label is met."""
    turned_round: float
    """Share of those that say something whose sign is the wrong one."""


def headlines() -> list[tuple[str, str]]:
    """(label, text): + rise, - fall, 0 neither."""
    lines = FILE.read_text(encoding="utf-8").splitlines()
    return [(label, text) for label, _, text in (line.partition("\t") for line in lines)]


def accuracy(score: Score | None = None) -> tuple[Accuracy, Accuracy]:
    """Of the half by which words were chosen, and of the other one."""
    rows = headlines()
    scores = (score or WordScorer().score)([text for _, text in rows])
    found = [(label, _label(value)) for (label, _), value in zip(rows, scores, strict=True)]
    return _of(found[0::2]), _of(found[1::2])


def _of(found: Sequence[tuple[str, str]]) -> Accuracy:
    said = [(label, told) for label, told in found if label != "0"]
    return Accuracy(
        sum(label == told for label, told in found) / len(found),
        sum(told not in ("0", label) for label, told in said) / len(said),
    )


def _label(score: float) -> str:
    return "+" if score >= NEUTRAL else "-" if score <= -NEUTRAL else "0"


def run() -> None:
    """Measure and print."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    bare = SentimentIntensityAnalyzer()
    words, texts = WordScorer(), [text for _, text in headlines()]
    began = time.thread_time()
    words.score(texts)
    each_us = 1e6 * (time.thread_time() - began) / len(texts)
    rows = []
    scorers: list[tuple[str, Score]] = [
        ("VADER as it comes", lambda told: [bare.polarity_scores(text)["compound"] for text in told]),
        ("words of markets", words.score),
    ]
    try:
        scorers.append(("meaning", MeaningScorer().score))
    except FatalError as error:
        print(error)
    for name, score in scorers:
        seen, held_out = accuracy(score)
        rows.append((name, f"{seen.right:.1%}", f"{held_out.right:.1%}", f"{held_out.turned_round:.1%}"))
    table(
        f"mood: {len(texts)} labelled headlines, half seen when words were chosen; {each_us:.0f} µs a text",
        ("", "right, seen", "right, held out", "turned round, held out"),
        rows,
    )
