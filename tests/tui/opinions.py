"""Believable second opinions, for a picture to serve."""

from __future__ import annotations

from msgspec.structs import replace

from engine.model.decision import Counsel, OpinionUse
from engine.model.market import MINUTE, Side, Timeframe
from engine.model.opinion_events import PredictorState
from engine.model.view import View
from engine.model.view_opinion import (
    ModelRecord,
    ModelView,
    MoodView,
    OpinionView,
    PredictionView,
    ReliabilityBin,
)
from tests.tui import fake
from tests.tui.charts import NOW

DAY = 24 * 60 * MINUTE


def opinion() -> OpinionView:
    """A model that is a little off, slow once, and right more often than not."""
    model = ModelView(
        "mnq-5m-1014", "4f2a91c0aa10d7e3", Timeframe.M5, 1.5, 1.5, 24, 33_120, NOW - 65 * DAY, NOW - 2 * DAY,
        NOW - DAY, ("MNQ", "MES"), {"calibration_error": 0.021, "brier": 0.231, "mean_r": 0.14},
        "better than the rules: +0.14 R each against +0.03 R, p 0.01, over 412 trades",
    )  # fmt: skip
    bins = (
        ReliabilityBin(0.26, 0.22, 31), ReliabilityBin(0.35, 0.38, 84), ReliabilityBin(0.44, 0.41, 96),
        ReliabilityBin(0.55, 0.6, 47), ReliabilityBin(0.64, 0.71, 14),
    )  # fmt: skip
    record = ModelRecord(272, 116, 0.432, 0.238, 0.028, 0.09, 0.07, bins, 0.34, 0)
    said = [
        PredictionView("o1-1", NOW - 95 * MINUTE, "MES", Side.SELL, Counsel.WATCHED, "", None, 0.38, -0.05,
                       0.46, "", "stop", -1.04),
        PredictionView("o1-2", NOW - 80 * MINUTE, "MNQ", Side.BUY, Counsel.FOR, "zones", 74, 0.61, 0.49, 0.72,
                       "", "target", 1.44),
        PredictionView("o1-3", NOW - 44 * MINUTE, "MNQ", Side.BUY, Counsel.AGAINST, "zones", 66, 0.27, -0.34,
                       0.51, "", "time", -0.21),
        PredictionView("o1-4", NOW - 30 * MINUTE, "MES", Side.BUY, Counsel.ALONE, "zones", 71,
                       missing="no answer within 50 ms"),
        PredictionView("o1-5", NOW - 4 * MINUTE, "MNQ", Side.BUY, Counsel.FOR, "zones", 78, 0.58, 0.41, 0.73),
    ]  # fmt: skip
    moods = (
        MoodView("news", "", 0.12, 8.4, NOW - 6 * MINUTE),
        MoodView("news", "MNQ", 0.41, 3.2, NOW - 18 * MINUTE),
        MoodView("reddit", "MNQ", -0.22, 1.6, NOW - 52 * MINUTE),
    )
    return OpinionView(
        OpinionUse.DECIDE, PredictorState.READY, "", model, NOW + 5 * 60 * MINUTE, 0.6, 312, 1, 1.8, 24, 1,
        record, 1, tuple(said), moods,
    )  # fmt: skip


def deciding() -> View:
    return replace(fake.trading_view(), opinion=opinion())


def in_trouble() -> View:
    """The worker is down, the model's error has risen, and nothing is retrained."""
    told = opinion()
    assert told.record is not None
    record = replace(told.record, drift=0.81, drifted_ts=NOW - DAY, brier=0.271, calibration_error=0.083)
    broken = replace(
        told, state=PredictorState.DOWN, detail="it has not answered for 2 s", retrain_ts=NOW - 90 * MINUTE,
        record=record, missing=17, moods=(), model=told.model,
    )  # fmt: skip
    return replace(fake.trading_view(), opinion=broken)


def beginning() -> View:
    """Wanted, and there is no model."""
    detail = "no model has been trained and promoted"
    told = OpinionView(OpinionUse.WATCH, PredictorState.ABSENT, detail, least_confidence=0.6)
    return replace(fake.trading_view(), opinion=told)
