"""Analyses of made-up searches, as tstream discover writes them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from engine.lab.edges.analysis import Analysis, Edge, Stage
from engine.lab.edges.candidates import Candidate, EdgeFigures
from engine.lab.edges.rules import THRESHOLDS
from engine.model.market import NANOS, Timeframe

TESTED = EdgeFigures(60, 0.62, 1.8, 0.41, 1.4, 24.6)
SEARCHED = EdgeFigures(90, 0.58, 1.6, 0.35, 1.4, 31.5)


def an_edge(
    pattern: str,
    timeframe: Timeframe = Timeframe.M1,
    direction: int = 0,
    context: str = "any",
    instrument: str = "MNQ",
    failed: str = "",
    tested: EdgeFigures = TESTED,
) -> Edge:
    candidate = Candidate(timeframe, pattern, direction, context)
    return Edge(
        signal=candidate.name,
        instrument=instrument,
        timeframe=timeframe,
        direction=candidate.side,
        pattern=pattern,
        context=context,
        required_rr=THRESHOLDS[timeframe].required_rr,
        in_sample=SEARCHED,
        deflated_sharpe_probability=0.97,
        out_of_sample=tested,
        p_holm=0.01,
        failed=failed,
    )


def an_analysis(*edges: Edge, stage: Stage = Stage.ANALYSE, end_s: int = 1_754_488_800) -> Analysis:
    return Analysis(
        stage=stage,
        source="made-up",
        instrument=edges[0].instrument if edges else "MNQ",
        bars=10_000,
        bar_timeframe=Timeframe.M1,
        start_ts=(end_s - 600_000) * NANOS,
        end_ts=end_s * NANOS,
        timeframes=tuple({edge.timeframe: None for edge in edges}),
        seed=1,
        error_rate=0.05,
        costs=True,
        edges=tuple(edges),
    )


def write_analysis(folder: Path, edges: Sequence[Edge], name: str = "edge_analysis_multiframe.json") -> Path:
    """In the folder of a home's data; made where it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_bytes(msgspec.json.encode(an_analysis(*edges)))
    return file
