"""What a text says of a market, -1 fall to 1 rise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from adapters.sentiment.config import ScorerKind
from adapters.sentiment.lexicon import phrased, valences
from engine.model.errors import FatalError


class Scorer(Protocol):
    def score(self, texts: Sequence[str]) -> list[float]:
        """One number a text, -1 to 1."""


class WordScorer:
    """VADER, with the words of markets over its own."""

    def __init__(self) -> None:
        """Raises FatalError where it is not installed."""
        try:
            from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer
        except ImportError:
            raise FatalError("news can't be read: pip install 'tstream[sentiment]'") from None
        self._vader = SentimentIntensityAnalyzer()
        words: dict[str, float] = {word: value for word, value in valences().items() if value}
        for word in valences().keys() - words.keys():
            self._vader.lexicon.pop(word, None)
        self._vader.lexicon.update(words)

    def score(self, texts: Sequence[str]) -> list[float]:
        return [float(self._vader.polarity_scores(phrased(text))["compound"]) for text in texts]


def scorer(kind: ScorerKind) -> Scorer:
    """Raises FatalError where what it needs is not installed."""
    if kind is ScorerKind.WORDS:
        return WordScorer()
    from adapters.sentiment.meaning import MeaningScorer

    return MeaningScorer()
