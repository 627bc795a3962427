"""Words for what is odd about a run's time or journal, and for near misses."""

from __future__ import annotations

from datetime import UTC, datetime

from engine.model import records as r
from engine.model.events import ClockFault
from engine.model.market import NANOS, Side
from engine.model.notices import NoticeKind as K
from engine.model.notices import Severity as Sev
from engine.state.state import State

RunWords = tuple[K, Sev, str, None, None]
"""Kind, severity and text; no contract's and no book's."""


def idea_declined(state: State, record: r.IdeaDeclined) -> tuple[K, Sev, str, str, None]:
    side = "long" if record.side is Side.BUY else "short"
    whose = f"bot {record.bot}: " if record.bot != record.strategy else ""
    text = f"{whose}{side} {record.instrument} {record.score_tenths / 10:.1f} refused: {record.reason}"
    return K.REFUSAL, Sev.INFO, text, record.instrument, None


def clock_found(state: State, record: r.ClockFound) -> RunWords | None:
    if record.fault is ClockFault.LATER_DAY:
        return None  # so it is every morning; what can't be confirmed is told when it lasts
    if record.fault is ClockFault.CONFIRMED:
        text = "the venue's own times agree with this machine's clock: days go by it"
        return K.MARKET, Sev.INFO, text, None, None
    if not record.by_ns:
        return K.MARKET, Sev.INFO, "prices are stamped as they should be again", None, None
    text = _CLOCKS[record.fault].format(
        by=_long(abs(record.by_ns)),
        way="back" if record.by_ns < 0 else "forward",
        side="behind" if record.by_ns < 0 else "ahead of",
        now=f"{_utc(record.wall_ts):%H:%M:%S} UTC",
    )
    return K.RISK, Sev.CRITICAL, text, None, None


_GO_ON = "stops, closes, look-ups go on; flat time and day end go by the clock. Is it right? tstream check"
_CLOCKS = {
    ClockFault.SET: f"this machine's clock was set {{way}} by {{by}}, to {{now}}: {_GO_ON}",
    ClockFault.JOURNAL_AHEAD: f"the journal's last record is {{by}} ahead of our clock, {{now}}: {_GO_ON}",
    ClockFault.STOOD_STILL: "nothing ran here for {by}: the machine slept, or tstream was stopped. Stops at "
    "the venue worked on; what happened meanwhile is looked up",
    ClockFault.VENUE: "prices are stamped {by} {side} this machine's clock: the venue's clock differs, or "
    "they come late; from a minute on nothing is entered. Is ours right? tstream check",
}


def _utc(ts: int) -> datetime:
    return datetime.fromtimestamp(ts // NANOS, UTC)


def _long(nanos: int) -> str:
    """ "1 h 0 min", "5 min 3 s", "2.4 s"."""
    minutes, seconds = divmod(round(nanos / NANOS), 60)
    if not minutes:
        return f"{nanos / NANOS:.1f} s"
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min {seconds} s"


def records_lost(state: State, record: r.RecordsLost) -> RunWords:
    if record.restored_ns:
        text = (
            f"the journal is a backup's, of {_utc(record.restored_ns):%Y-%m-%d %H:%M} UTC: what came later "
            "is asked of the venue, locks and halts set since then are forgotten; entries are paused"
        )
        return K.RISK, Sev.CRITICAL, text, None, None
    text = (
        f"the journal's last {record.count} records are lost: its -wal was damaged or deleted, or a copy "
        "took its place. Locks and halts are kept; what is open is asked of the venue; entries are paused"
    )
    return K.RISK, Sev.CRITICAL, text, None, None


def settings_changed(state: State, record: r.SettingsChanged) -> RunWords | None:
    """The answer to whoever asked says what has changed; here stands what more people should know."""
    if not record.asked:
        return None
    text = f"loosened limits wait for an answer: {', '.join(one.words for one in record.asked)}"
    return K.RISK, Sev.WARNING, text, None, None


def loosening_answered(state: State, record: r.LooseningAnswered) -> RunWords:
    limits = ", ".join(one.words for one in record.loosened)
    what = "limits are loosened" if record.yes else "limits are not loosened"
    return K.RISK, Sev.WARNING, f"{what}, by {record.by}: {limits}", None, None
