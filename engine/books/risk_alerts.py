"""What was seen of risks and parts that have failed, in words. It is told, and nothing follows from it."""

from __future__ import annotations

from engine.model.events import RiskTold
from engine.model.figures import percent
from engine.model.notices import NoticeKind, Severity
from engine.model.watch import Watched
from engine.state.alarms import Alarm
from engine.state.turn import Turn


def tell(event: RiskTold, turn: Turn) -> None:
    """Tell people, once: whoever has watched has seen to that."""
    name = f"watch {event.what} {event.about}"
    component = event.what is Watched.COMPONENT
    book = None if component else event.about
    if event.over:
        turn.say(NoticeKind.RISK, Severity.INFO, _over(event), book=book, alarm=Alarm(ended=(name,)))
        return
    severity = Severity.CRITICAL if component else Severity.WARNING
    turn.say(NoticeKind.RISK, severity, _begun(event), book=book, alarm=Alarm(name))


def _begun(event: RiskTold) -> str:
    match event.what:
        case Watched.COMPONENT:
            detail = f": {event.detail}" if event.detail else ""
            return f"{event.about} has failed for {event.value:.0f} s and has not come back{detail}"
        case Watched.DRAWDOWN:
            return (
                f"drawdown: {percent(event.value, 1)} below the highest of the last thirty days (told from "
                f"{percent(event.limit)} on)"
            )
        case Watched.VOLATILITY:
            return (
                f"volatility: {percent(event.value)} a year by the last thirty days (told from "
                f"{percent(event.limit)} on)"
            )


def _over(event: RiskTold) -> str:
    match event.what:
        case Watched.COMPONENT:
            return f"{event.about} is back"
        case Watched.DRAWDOWN:
            return f"drawdown: {percent(event.value, 1)} again"
        case Watched.VOLATILITY:
            return f"volatility: {percent(event.value)} a year again"
