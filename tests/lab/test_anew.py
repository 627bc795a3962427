"""When a model is trained anew, by hand."""

from __future__ import annotations

import pytest
from msgspec import Struct

from engine.lab.training.anew import HOUR_NS, LEAST_KNOWN, Anew, why_anew
from engine.model.opinion import ModelCard

RULES = Anew(hours=24, error=0.02, on_drift=True)
CARD = ModelCard("a", 1, "abc", metrics={"brier": 0.21})
LAST = 1_000 * HOUR_NS


class Tally(Struct):
    count: int
    brier: float | None
    drifted_ts: int


def tally(brier: float, count: int = LEAST_KNOWN, drifted_ts: int = 0) -> Tally:
    return Tally(count, brier, drifted_ts)


@pytest.mark.parametrize(
    ("found", "hours", "says"),
    [
        (tally(0.21), 5, ""),
        (tally(0.21), 24, "the last training is 24 h old"),
        (tally(0.2299), 5, ""),
        (tally(0.2310), 5, "the Brier score of 100 predictions is 0.2310, 0.0210 above that of the training"),
        (tally(0.2310), 3, ""),  # a training so short ago has seen hardly less
        (tally(0.4, LEAST_KNOWN - 1), 5, ""),
        (tally(0.21, drifted_ts=LAST + 1), 5, "the error of its predictions has drifted"),
        (tally(0.21, drifted_ts=LAST - 1), 5, ""),
        (None, 5, ""),
    ],
)
def test_age_error_and_drift_are_reasons(found: Tally | None, hours: int, says: str) -> None:
    assert why_anew(CARD, found, LAST, LAST + hours * HOUR_NS, RULES) == says


def test_what_is_switched_off_is_no_reason() -> None:
    quiet = Anew(hours=24, error=0.0, on_drift=False)
    bad = tally(0.5, drifted_ts=LAST + 1)
    assert why_anew(CARD, bad, LAST, LAST + 5 * HOUR_NS, quiet) == ""
    assert why_anew(None, None, 0, LAST, quiet) == "nothing has been trained yet"
    assert why_anew(None, bad, LAST, LAST + 5 * HOUR_NS, RULES) == ""
