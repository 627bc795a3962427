"""Who came in by which door, what they asked for, what was refused: JSON lines in a file for its owner only.

Every door of a running engine writes here: the control socket, the REST interface, the browser. What is news
for people (a wrong token, a client never seen before, a key that changed) the engine is told besides, and so
are its channels. A flood of one kind of news is told once, and counted.
"""

from __future__ import annotations

import json
import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from io import TextIOWrapper
from logging.handlers import QueueListener, RotatingFileHandler
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
from msgspec import Struct

from adapters.common.files import owner_only, replace_file
from adapters.common.pacing import TokenBucket
from adapters.common.redaction import REDACT, printable
from engine.model.commands import AnyCommand
from engine.model.notices import Severity
from engine.ports import Clock

log = logging.getLogger(__name__)

MAX_BYTES, KEEP = 5_000_000, 5
"""A file is put aside when it has grown to this, and so many old ones are kept."""
LONGEST = 500
"""Characters of a text."""
_QUEUED = 10_000
_KNOWN = 500
"""So many clients are remembered, those that came last."""
_SAME_S = 60.0
"""News about the same is told no oftener."""
_BURST, _REFILL_S = 5, 12.0
"""And of all news so many at once, then one in so many seconds."""

HERE = "this machine"
"""The origin of a process of the same user beside the engine."""

Tell = Callable[[Severity, str], None]
"""Makes a notice of news; for any thread."""


class Door(StrEnum):
    """By which way somebody came."""

    SOCKET = "socket"
    API = "api"
    WEB = "web"
    TELEGRAM = "telegram"


class Visitor(Struct, frozen=True, kw_only=True):
    """Who stands at a door, as far as the door can tell. Texts are data."""

    door: Door
    origin: str
    """Where from, without what changes with each connection: "this machine", "ssh from 10.0.0.5"."""
    address: str
    """With it: "uid 1000, process 4711", "10.0.0.5:50122"."""
    name: str = ""
    """What it calls itself, or the name of its token; never a token."""
    role: str = ""
    """What it may: a role, or scopes."""


class AccessLog:
    """Takes lines from any thread and writes them in one of its own; a disk that fails or stalls holds nobody
    up. A context manager.
    """

    def __init__(
        self,
        file: Path,
        clock: Clock,
        tell: Tell = lambda severity, text: None,
        *,
        now: Callable[[], float] = time.monotonic,
        max_bytes: int = MAX_BYTES,
        keep: int = KEEP,
    ) -> None:
        """`file` gets the lines, and one beside it the clients that were seen; `clock` is the wall's. `now`
        is in seconds, monotone.
        """
        self.file = file
        self._seen_file = file.with_name("clients.json")
        self._clock, self._tell, self._now = clock, tell, now
        self._lines: queue.Queue[logging.LogRecord] = queue.Queue(_QUEUED)
        self._writer = QueueListener(
            self._lines, _File(file, max_bytes, keep), _KnownClients(self._seen_file)
        )
        self._lock = threading.Lock()
        self._open = False
        self._dropped = 0
        self._told: dict[str, tuple[float, int]] = {}
        """When news about a thing was told last, and how many were not since."""
        self._pace = TokenBucket(_BURST, _REFILL_S)
        self._seen: deque[str] | None = None

    def __enter__(self) -> Self:
        self._writer.start()
        self._open = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._open:
            return
        self._open = False
        self._writer.stop()
        for handler in self._writer.handlers:
            handler.close()

    # --- what doors tell -------------------------------------------------------------------------------

    def attached(self, who: Visitor) -> None:
        """A client stays: it sees what the engine shows, and commands where its role lets it."""
        self._write("attached", who)
        self._greet(who)

    def left(self, who: Visitor, why: str = "") -> None:
        self._write("left", who, detail=why)

    def called(self, who: Visitor, what: str, outcome: str = "") -> None:
        """One request that is worth a line: "POST /orders", "201"."""
        self._write("called", who, what=what, detail=outcome)
        self._greet(who)

    def commanded(self, who: Visitor, command: AnyCommand, answer: str) -> None:
        """A command was handed to the engine, and what it answered. A dry run commands nothing."""
        if getattr(command, "dry_run", False):
            return
        self._write("commanded", who, what=msgspec.to_builtins(command), detail=answer)

    def refused(self, who: Visitor, what: str, why: str) -> None:
        """Nothing was done: "command pause", "this client may only look"."""
        self._write("refused", who, what=what, detail=why)

    def news(self, about: str, severity: Severity, text: str, who: Visitor | None = None) -> None:
        """People should know. News `about` the same ("wrong token 10.0.0.5") is told once a minute and
        counted in between; each is in the file.
        """
        self._write("news", who, what=text, detail=severity.value)
        with self._lock:
            now = self._now()
            at, missed = self._told.get(about, (now - 2 * _SAME_S, 0))
            if now - at < _SAME_S or self._pace.wait_s(now) > 0:
                self._told[about] = at, missed + 1
                return
            self._pace.take(now)
            self._told = {key: one for key, one in self._told.items() if now - one[0] < _SAME_S}
            self._told[about] = now, 0
        more = f" ({missed} more since it was told last)" if missed else ""
        self._tell(severity, f"{_clean(text)}{more}")

    # --- behind them -----------------------------------------------------------------------------------

    def _greet(self, who: Visitor) -> None:
        """Whoever comes for the first time is news."""
        key = " ".join(part for part in (who.door.value, who.name, who.origin) if part)
        with self._lock:
            if self._seen is None:
                self._seen = deque(self._remembered(), _KNOWN)
            if key in self._seen:
                return
            self._seen.append(key)
            self._put(seen=list(self._seen))
        called = f" {who.name}" if who.name else ""
        text = f"a client that was never here before came by the {who.door}:{called} from {who.origin}"
        severity = Severity.INFO if who.origin == HERE and who.door is Door.SOCKET else Severity.WARNING
        self.news(f"new client {key}", severity, text, who)

    def _remembered(self) -> list[str]:
        try:
            return msgspec.json.decode(self._seen_file.read_bytes(), type=list[str])
        except (OSError, msgspec.MsgspecError):
            return []

    def _write(self, event: str, who: Visitor | None, what: object = "", detail: str = "") -> None:
        line: dict[str, object] = {"ts": _iso(self._clock()), "event": event}
        if who is not None:
            line |= {name: value for name, value in msgspec.to_builtins(who).items() if value}
        line |= {name: value for name, value in (("what", what), ("detail", detail)) if value}
        dropped, self._dropped = self._dropped, 0
        if dropped:
            line["lines_lost_before"] = dropped
        if not self._put(msg=json.dumps(_cleaned(line), ensure_ascii=False)):
            self._dropped += dropped + 1

    def _put(self, **record: object) -> bool:
        try:
            self._lines.put_nowait(logging.makeLogRecord(record))
        except queue.Full:
            return False
        return True


class _File(RotatingFileHandler):
    """For its owner only; what fails is said once in the log, until it works again."""

    def __init__(self, file: Path, max_bytes: int, keep: int) -> None:
        super().__init__(file, maxBytes=max_bytes, backupCount=keep, encoding="utf-8", delay=True)
        self._failing = False

    def filter(self, record: logging.LogRecord) -> bool:
        return bool(record.msg)

    def _open(self) -> TextIOWrapper:
        Path(self.baseFilename).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return open(
            self.baseFilename, "a", encoding=self.encoding, errors="backslashreplace", opener=owner_only
        )

    def flush(self) -> None:
        super().flush()
        self._failing = False

    def handleError(self, record: logging.LogRecord) -> None:
        if not self._failing:
            self._failing = True
            log.exception("the access log %s can't be written", self.baseFilename)


class _KnownClients(logging.Handler):
    """Keeps the clients that were seen, for the next start."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self._file = file

    def emit(self, record: logging.LogRecord) -> None:
        seen = record.__dict__.get("seen")
        if seen is None:
            return
        try:
            replace_file(self._file, msgspec.json.encode(seen))
        except OSError as error:
            log.warning("%s can't be written: %s", self._file, error.strerror)


def _clean(text: str) -> str:
    short = text if len(text) <= LONGEST else text[:LONGEST] + "…"
    return printable(REDACT(short))


def _cleaned(value: Any) -> Any:
    """The same without secrets and control characters, wherever a text is in it."""
    match value:
        case str():
            return _clean(value)
        case dict():
            return {key: _cleaned(one) for key, one in value.items()}
        case list() | tuple():
            return [_cleaned(one) for one in value]
    return value


def _iso(ts: int) -> str:
    moment = datetime.fromtimestamp(ts // 1_000_000_000, UTC).replace(microsecond=ts // 1_000 % 1_000_000)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
