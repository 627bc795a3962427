"""Where log records end: a file of JSON lines, the log pane, the console of a headless run.

They get records that tstream.logs has already cleaned, with `ts`, `wall` (nanoseconds UTC) and `fields`.
"""

from __future__ import annotations

import json
import logging
import logging.handlers
import sys
import threading
from collections import deque
from collections.abc import Sequence
from datetime import datetime
from io import TextIOWrapper
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

from adapters.common.files import owner_only
from engine.market.calendars.known import zone_mark
from engine.model.market import NANOS
from engine.model.notices import LogLine
from tstream.clock import iso
from tstream.output import Output


class RingTail:
    """The newest lines, for the log pane; safe to read from any thread (engine.ports.LogTail)."""

    def __init__(self, kept: int = 2_000) -> None:
        self._lines: deque[LogLine] = deque(maxlen=kept)
        self._seq = 0
        self._lock = threading.Lock()

    def add(self, ts: int, level: str, logger: str, text: str) -> None:
        with self._lock:
            self._seq += 1
            self._lines.append(LogLine(self._seq, ts, level, logger, text))

    def lines(self, after_seq: int) -> Sequence[LogLine]:
        with self._lock:
            kept = len(self._lines)
            newer = min(self._seq - after_seq, kept)
            return tuple(self._lines[i] for i in range(kept - newer, kept)) if newer > 0 else ()


class PaneHandler(logging.Handler):
    """Feeds the tail one line for each record; the traceback is in the file."""

    def __init__(self, tail: RingTail) -> None:
        super().__init__()
        self._tail = tail

    def emit(self, record: logging.LogRecord) -> None:
        self._tail.add(record.__dict__["ts"], record.levelname, record.name, one_line(record))


class JsonFileHandler(logging.handlers.RotatingFileHandler):
    """One JSON object a line, put aside when `max_bytes` are reached; readable for the owner only."""

    def __init__(self, file: Path, max_bytes: int, keep: int, tail: RingTail) -> None:
        super().__init__(file, maxBytes=max_bytes, backupCount=keep, encoding="utf-8", delay=True)
        self._tail = tail
        self._failing = False

    def _open(self) -> TextIOWrapper:
        return open(
            self.baseFilename, "a", encoding=self.encoding, errors="backslashreplace", opener=owner_only
        )

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "ts": iso(record.__dict__["ts"]),
            "wall": iso(record.__dict__["wall"]),
            "level": record.levelname,
            "logger": record.name,
            "thread": record.threadName,
            "text": record.msg,
        }
        if record.exc_text:
            line["trace"] = record.exc_text
        if record.__dict__["fields"]:
            line["extra"] = record.__dict__["fields"]
        return json.dumps(line, ensure_ascii=False)

    def flush(self) -> None:
        super().flush()
        self._failing = False

    def handleError(self, record: logging.LogRecord) -> None:
        """A full disk must not print over the cockpit: the log pane says so, once until it works again."""
        if not self._failing:
            self._failing = True
            text = f"the log file can't be written: {sys.exc_info()[1]}"
            self._tail.add(record.__dict__["ts"], "ERROR", __name__, text)


class _PlainFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return f"{iso(record.__dict__['ts'])} {record.levelname:<7} {record.name}: {one_line(record)}"


def console_handler(stream: Output, zone: str) -> logging.Handler:
    """Lines for people: coloured, with times of a zone, on a terminal; plain with UTC otherwise."""
    if not stream.isatty():
        plain = logging.StreamHandler(stream)
        plain.setFormatter(_PlainFormatter())
        return plain
    from rich.console import Console
    from rich.highlighter import NullHighlighter
    from rich.logging import RichHandler
    from rich.text import Text

    def told(local: datetime) -> Text:
        mark = zone_mark(zone, int(local.timestamp()) * NANOS)
        return Text(f"{local.astimezone(ZoneInfo(zone)):%H:%M:%S} {mark}")

    rich = RichHandler(
        console=Console(file=cast("Any", stream)),
        show_path=False,
        omit_repeated_times=False,
        highlighter=NullHighlighter(),
        log_time_format=told,
    )
    rich.setFormatter(_OneLine())
    return rich


class _OneLine(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return one_line(record)


def one_line(record: logging.LogRecord) -> str:
    """The message on one line and, for an exception, its last line."""
    text = " ".join(record.msg.split())
    reason = record.exc_text.rstrip().rpartition("\n")[2].strip() if record.exc_text else ""
    return f"{text}: {reason}" if reason else text
