"""What a second opinion did in a run of the past, in lines."""

from __future__ import annotations

from collections.abc import Iterator

from engine.lab.second_opinion import OpinionReport, Yield
from engine.model.decision import OpinionUse
from tstream.reports.numbers import in_r, percent

IN_SAMPLE = "IN-SAMPLE"
"""Stands wherever the result of such a run does."""


def opinion_lines(told: OpinionReport | None) -> Iterator[tuple[str, str]]:
    """Labels and values; nothing where no second opinion was wanted."""
    if told is None:
        return
    if told.in_sample:
        yield IN_SAMPLE, f"{told.in_sample}: it has seen the answers, so this result proves nothing"
    decides = "decides with the rules" if told.use is OpinionUse.DECIDE else "is watched, the rules decide"
    if not told.model:
        yield "model", f"none: {told.detail}; the rules were alone"
    else:
        lost = f", {told.missing:,} without an answer" if told.missing else ""
        yield "model", f"{told.model} {decides}, asked {told.asked:,} times{lost}"
    if told.use is OpinionUse.DECIDE:
        yield "decided", f"{told.together:,} ideas together, {told.alone:,} by the rules alone"
    if told.outcomes:
        off = percent(told.calibration_error)
        yield (
            "it said",
            f"{percent(told.said)} to the target and {percent(told.came)} came, off by {off}"
            f" ({told.outcomes:,} outcomes)",
        )
    worth = told.worth
    if worth is None:
        return
    resized = f", {worth.resized:,} resized" if worth.resized else ""
    added = f", {worth.added:,} added ({in_r(worth.added_r)})" if worth.added else ""
    yield (
        "its worth",
        f"{worth.kept:,} trades kept{resized}, {worth.dropped:,} dropped ({in_r(worth.dropped_r)}){added}",
    )
    yield "  rules alone", _yield(worth.alone)
    yield "  together", _yield(worth.together)


def _yield(one: Yield) -> str:
    return f"{one.trades:,} trades, {in_r(one.r)} in all, {in_r(one.mean_r)} each, {one.net_usd:+,.2f} net"
