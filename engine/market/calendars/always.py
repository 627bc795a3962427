"""Markets that never close, as those of crypto currencies: trade dates by UTC, no deadline, no holidays."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from engine.model.market import MINUTE, NANOS
from engine.model.view import SessionPhase

_DAY_SECONDS = 86_400
_DAY = 24 * 60 * MINUTE
_EPOCH = date(1970, 1, 1)


class AlwaysOpen:
    """A calendar without sessions: the day of UTC is one."""

    __slots__ = ()

    name = "always"
    zone = "UTC"
    clock_name = clock_mark = "UTC"
    regular_opens = ""
    known_until: date | None = None

    def trade_date(self, ts: int) -> date:
        """The date of an instant in UTC."""
        return _EPOCH + timedelta(days=ts // _DAY)

    def day_bounds(self, day: date) -> tuple[int, int]:
        """[00:00, 24:00) UTC."""
        start = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * NANOS
        return start, start + _DAY

    session_bounds = day_bounds

    def session_close(self, day: date) -> int:
        """Midnight, at which trading goes on."""
        return self.day_bounds(day)[1]

    def flat_by(self, day: date) -> int | None:
        """Never."""
        return None

    def known(self, day: date) -> bool:
        """There is nothing to know."""
        return True

    def phase(self, ts: int) -> SessionPhase:
        return SessionPhase.OPEN

    def is_open(self, ts: int) -> bool:
        return True

    def next_phase_change(self, ts: int) -> int:
        """The next roll: nothing ever changes."""
        return self.next_roll(ts)

    def next_roll(self, ts: int) -> int:
        """The next midnight UTC strictly after `ts`."""
        return ts - ts % _DAY + _DAY

    def next_opening(self, ts: int) -> int | None:
        """None: it never closes."""
        return None

    def trading_began(self, ts: int) -> int:
        """The last midnight UTC."""
        return ts - ts % _DAY

    def clock(self, ts: int) -> str:
        seconds = ts // NANOS % _DAY_SECONDS
        return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"

    def hhmm(self, ts: int) -> str:
        return self.clock(ts)[:5]
