"""Records of older versions, lifted to what today's program reads."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from engine.model.errors import JournalError
from engine.model.market import NANOS
from engine.model.orders import Slot


def migrate(record: dict[str, Any], version: int) -> dict[str, Any]:
    """A raw record of an older version as today's would be. Raises JournalError."""
    if version < 1:
        raise JournalError(f"record of unknown version {version}")
    if record.get("record") in ("order_intended", "order_adopted"):
        spec = {name: record.pop(name) for name in _SPEC if name in record}
        record["spec"] = spec | {"reduces": record.get("slot") in (Slot.STOP, Slot.TARGET)}
    elif record.get("record") == "day_rolled":
        record["day_open_ts"] = _chicago_open_ts(str(record.get("trade_date")))
    return record


_SPEC = ("side", "type", "qty", "limit", "stop", "stop_offset", "target_offset")


def _chicago_open_ts(trade_date: str) -> int:
    """Version 1 knew only Chicago's trading day, which opens at 17:00 of the evening before."""
    try:
        evening = date.fromisoformat(trade_date) - timedelta(days=1)
    except ValueError:
        raise JournalError(f"a trade date {trade_date!r}") from None
    opened = datetime.combine(evening, time(17), ZoneInfo("America/Chicago"))
    return int(opened.timestamp()) * NANOS
