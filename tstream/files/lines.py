"""Lines of the plain logs: trades.log, patterns.log, websocket.log. Each says one thing and stands alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from adapters.common.redaction import REDACT, printable
from engine.model.market import Side
from engine.model.notices import Notice, NoticeKind
from engine.model.records import IdeaDeclined, IdeaRefused, PlanOpened
from tstream.clock import iso
from tstream.files.model import DayTrade
from tstream.reports.patterns import pattern_of


def trade_line(trade: DayTrade) -> str:
    """A finished trade: tail -f trades.log | grep TRADE."""
    score = "" if trade.pattern_score is None else f" score {trade.pattern_score:g}/10"
    return (
        f"{trade.exit_time} TRADE {trade.book} {trade.contract} {trade.side} {trade.quantity:f}"
        f" {trade.entry_price:f} -> {trade.exit_price:f} pnl {trade.pnl_usd:+.2f} {trade.currency}"
        f" exit {trade.exit_reason} mae {trade.max_drawdown_usd:+.2f} mfe {trade.max_profit_usd:+.2f}"
        f" minutes {trade.duration_minutes:g} pattern {trade.pattern}{score}\n"
    )


def trade_notices(notices: Sequence[Notice]) -> Iterator[str]:
    """Fills and orders as they happen."""
    for one in notices:
        if one.kind in (NoticeKind.FILL, NoticeKind.ORDER):
            book = f" {one.book}" if one.book else ""
            yield f"{iso(one.ts)} {one.kind.upper()}{book} {clean(one.text)}\n"


def connection_lines(notices: Sequence[Notice]) -> Iterator[str]:
    """Connections that came and went."""
    for one in notices:
        if one.kind is NoticeKind.CONNECTION:
            yield f"{iso(one.ts)} {one.severity.upper():<8} {one.link or 'connection'}: {clean(one.text)}\n"


def pattern_line(record: IdeaRefused | IdeaDeclined | PlanOpened) -> str:
    """A signal, and what became of it: tail -f patterns.log | grep "Pattern detected"."""
    match record:
        case PlanOpened():
            plan = record.plan
            side, score, name = plan.side, plan.score_tenths, plan.instrument
            what, fate = pattern_of(plan), f"entered in {plan.book}: {'; '.join(plan.reasons)}"
        case IdeaRefused():
            idea = record.idea
            side, score, name = idea.side, idea.score_tenths, idea.instrument
            words = record.words or tuple(one.sentence for one in record.refusals)
            what = idea.pattern.kind.replace("_", " ") if idea.pattern is not None else idea.strategy
            fate = f"refused in {record.book}: {'; '.join(words)}"
        case _:
            side, score, name = record.side, record.score_tenths, record.instrument
            what = record.pattern.kind.replace("_", " ") if record.pattern is not None else record.strategy
            fate = f"not traded: {record.reason}"
    points = f" score {score / 10:g}/10" if score else ""
    direction = "LONG" if side is Side.BUY else "SHORT"
    return f"{iso(record.ts)} Pattern detected: {name} {direction} {what}{points}, {clean(fate)}\n"


def clean(text: str) -> str:
    """On one line, without secrets and signs that steer a terminal."""
    return printable(REDACT(" ".join(text.split())))
