"""Logging for one process: every record is cleaned of secrets, queued, and written by threads of its own.

Whoever logs only formats and enqueues, so a slow disk or terminal delays nobody. Times are those of the
clock handed in, which on the practice venue is practice time; the wall's time goes to the file beside it.
"""

from __future__ import annotations

import logging
import logging.handlers
import queue
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Annotated, Self

from adapters.common.files import owner_only
from adapters.common.redaction import Redactor, printable
from engine.model.setting import LIVE, restart
from engine.ports import Clock
from tstream.clock import iso, wall_ns
from tstream.log_sinks import JsonFileHandler, PaneHandler, RingTail, console_handler
from tstream.output import Output

_QUEUED = 10_000
"""Records that may wait to be written; what comes on top is dropped and counted."""
_CHATTY = ("watchfiles", "aiohttp.access", "asyncio", "websockets")
"""Libraries whose notes below WARNING would drown ours."""
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_KEPT = ("levelno", "levelname", "pathname", "filename", "module", "lineno", "funcName")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOptions:
    file: Path
    level: Annotated[str, LIVE, "Least level that is logged."] = "INFO"
    max_bytes: Annotated[
        int,
        restart(key="max_mb", unit=1_000_000, ge=1, le=1000),
        "A log file is put aside when it has grown to this, megabytes.",
    ] = 10_000_000
    keep: Annotated[int, restart(ge=0, le=100), "So many old log files are kept."] = 5
    console: Output | None = None
    """Where the lines go too, as a headless run's do to stdout; it must hold nobody up (tstream.output)."""
    told_in: str = "UTC"
    """Time zone of the times there, where that is a terminal."""


class _Entrance(logging.handlers.QueueHandler):
    """Turns each record into plain clean text, on the thread that logs."""

    def __init__(
        self, sinks: Sequence[queue.Queue[logging.LogRecord]], clock: Clock, redact: Redactor
    ) -> None:
        super().__init__(sinks[0])
        self._sinks = sinks
        self._clock = clock
        self._redact = redact
        self.dropped = 0

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        try:
            message = record.getMessage()
        except (TypeError, ValueError, KeyError) as error:
            message = f"{record.msg} [its arguments do not fit: {error}]"
        own = vars(record)
        clean = logging.makeLogRecord({name: own[name] for name in _KEPT})
        clean.name = self._clean(record.name)
        clean.threadName = self._clean(record.threadName or "")
        clean.msg = self._clean(message)
        clean.exc_text = self._clean(_trace(record)) or None
        clean.__dict__["ts"] = ts = self._clock()
        clean.created = ts / 1e9
        clean.__dict__["wall"] = wall_ns()
        clean.__dict__["fields"] = {
            name: self._clean(str(value)) for name, value in own.items() if name not in _STANDARD
        }
        return clean

    def enqueue(self, record: logging.LogRecord) -> None:
        for sink in self._sinks:
            try:
                sink.put_nowait(record)
            except queue.Full:
                self.dropped += 1

    def _clean(self, text: str) -> str:
        return printable(self._redact(text))


class Logs:
    """The logging of a run, from `start` to `close`; a context manager."""

    def __init__(self, options: LogOptions, clock: Clock, redact: Redactor) -> None:
        self.tail = RingTail()
        """For the log pane."""
        self.file = options.file
        self._writer = JsonFileHandler(options.file, options.max_bytes, options.keep, self.tail)
        sinks: list[list[logging.Handler]] = [[self._writer], [PaneHandler(self.tail)]]
        if options.console is not None:
            sinks[1].append(console_handler(options.console, options.told_in))
        self._level = options.level
        # A disk that stalls holds up neither the pane nor the console.
        queues: list[queue.Queue[logging.LogRecord]] = [queue.Queue(_QUEUED), queue.Queue(_QUEUED)]
        self._listeners = [
            logging.handlers.QueueListener(records, *own) for records, own in zip(queues, sinks, strict=True)
        ]
        self._entrance = _Entrance(queues, clock, redact)
        self._before = logging.WARNING

    def start(self) -> Self:
        root = logging.getLogger()
        self._before = root.level
        root.setLevel(self._level)
        root.addHandler(self._entrance)
        for name in _CHATTY:
            logging.getLogger(name).setLevel(logging.WARNING)
        logging.captureWarnings(True)
        for listener in self._listeners:
            listener.start()
        return self

    def follow(self, options: LogOptions) -> None:
        """From now on by these, as far as level and files put aside go (settings known later, or changed)."""
        logging.getLogger().setLevel(options.level)
        self._writer.maxBytes, self._writer.backupCount = options.max_bytes, options.keep

    @property
    def dropped(self) -> int:
        """Lines that came faster than they could be written."""
        return self._entrance.dropped

    def close(self) -> None:
        """Write what is queued and let go of the root logger; the second time it does nothing."""
        root = logging.getLogger()
        if self._entrance not in root.handlers:
            return
        if self.dropped:
            log.warning("%d log lines were dropped: they came too fast to be written", self.dropped)
        root.removeHandler(self._entrance)
        root.setLevel(self._before)
        logging.captureWarnings(False)
        for listener in self._listeners:
            listener.stop()
            for sink in listener.handlers:
                sink.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def write_crash(file: Path, error: BaseException, redact: Redactor, doing: str) -> None:
    """Append an unexpected error's traceback, redacted, to a file for its owner only. Raises OSError."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = "".join(traceback.format_exception(error))
    with open(file, "a", encoding="utf-8", errors="backslashreplace", opener=owner_only) as stream:
        stream.write(redact(f"{iso(wall_ns())} {doing}\n{text}\n"))


def _trace(record: logging.LogRecord) -> str:
    trace = record.exc_text or ""
    if not trace and record.exc_info and record.exc_info[0]:
        trace = "".join(traceback.format_exception(*record.exc_info))
    return "\n".join(part for part in (trace, record.stack_info) if part).rstrip()
