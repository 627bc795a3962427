"""What the cockpit knows between two frames: the newest View, and what people chose. Holds no widget."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from msgspec import Struct

from engine.model.market import Timeframe
from engine.model.notices import LogLine, Notice
from engine.model.view import View
from engine.ports import EngineHandle, LogTail
from tui.command_tracker import Asked, Desk, Fate
from tui.frame_rate import Flashes
from tui.plain_text import plain
from tui.rows.messages import LEVELS, LOUD, log_passes
from tui.screen_state import Scene

SILENT = 5.0
"""Seconds without a new View after which the cockpit says that it shows old data."""
_NOTICES = 500
_LOGS = 2_000


class Frame(Struct, frozen=True):
    """What one look at the engine brought."""

    scene: Scene
    changed: bool
    """Whether anything differs from the last frame."""
    fresh: Sequence[Notice] = ()
    """Notices that are new since the last look; none on the first."""
    troubles: Sequence[Asked] = ()
    """Commands that were refused or got no answer."""


class Choice(Struct):
    """What the person at the screen chose."""

    instrument: str = ""
    timeframe: Timeframe = Timeframe.M5
    readonly: bool = False
    log_level: str = "INFO"
    log_words: str = ""
    acknowledged: int = -1


class _Seen(Struct):
    version: int = -1
    at: float = 0.0
    notice: int = -1
    log: int = -1
    begun: bool = False
    extra: tuple[object, ...] = ()


class Stage:
    """One for each cockpit. All times are seconds of a monotonic clock."""

    def __init__(self, handle: EngineHandle, tail: LogTail, *, readonly: bool = False) -> None:
        self.choice = Choice(readonly=readonly)
        self.desk = Desk(handle)
        self.view: View = handle.view()
        self._handle, self._tail = handle, tail
        self._flashes = Flashes()
        self._notices: deque[Notice] = deque(maxlen=_NOTICES)
        self._logs: deque[LogLine] = deque(maxlen=_LOGS)
        self._shown: deque[LogLine] = deque(maxlen=_LOGS)
        self._filter = ("", "")
        self._seen = _Seen()

    def look(self, now: float, pace: str = "") -> Frame:
        """Pull the newest picture. `pace` is the frame rate in words when it is reduced."""
        seen = self._seen
        view = self.view = self._handle.view()
        if view.version != seen.version:
            seen.version, seen.at = view.version, now
            changed = True
            self._flashes.see({c.instrument: c.last for c in view.contracts}, now)
        else:
            changed = False
        self._choose(view)
        fresh = list(self._handle.notices(seen.notice))
        if fresh:
            seen.notice = fresh[-1].seq
            self._notices.extend(fresh)
        lines = self._read_logs()
        troubles = self.desk.observe(fresh if seen.begun else (), now)
        asked = self.desk.newest(now)
        silent = now - seen.at
        if silent >= SILENT and view.version > 0:
            pace = f"picture is {silent:.0f}s old"
        flashes = self._flashes.levels(now)
        extra = (flashes, asked, pace, self.choice.instrument, self.choice.timeframe, self.choice.readonly,
                 self.choice.acknowledged, self._filter)  # fmt: skip
        changed = changed or bool(fresh) or lines or extra != seen.extra
        seen.extra = extra
        scene = Scene(
            view=view,
            instrument=self.choice.instrument,
            timeframe=self.choice.timeframe,
            notices=self._notices,
            acknowledged=self.choice.acknowledged,
            logs=self._shown,
            log_filter=self._filter_words(),
            flashes=flashes,
            readonly=self.choice.readonly,
            pace=pace,
            asked="" if asked is None else plain(asked.words),
            asked_badly=asked is not None and asked.fate in (Fate.REFUSED, Fate.LOST),
            chart_of=self._handle.chart,
        )
        news = fresh if seen.begun else []
        seen.begun = True
        return Frame(scene, changed, news, troubles)

    def _choose(self, view: View) -> None:
        """Keep a contract chosen that exists: the first one when the chosen one is gone."""
        known = [contract.instrument for contract in view.contracts]
        if known and self.choice.instrument not in known:
            self.choice.instrument = known[0]

    def _read_logs(self) -> bool:
        choice = self.choice
        lines = self._tail.lines(self._seen.log)
        if lines:
            self._seen.log = lines[-1].seq
            self._logs.extend(lines)
        wanted = (choice.log_level, choice.log_words)
        if wanted != self._filter:
            self._filter = wanted
            self._shown.clear()
            lines = self._logs
        self._shown.extend(line for line in lines if log_passes(line, *wanted))
        return bool(lines)

    def _filter_words(self) -> str:
        level, words = self.choice.log_level, self.choice.log_words
        parts = [f"{level}+"] if level != LEVELS[0] else []
        if words:
            parts.append(f"“{plain(words)}”")
        return " ".join(parts)

    def step_contract(self, by: int) -> str:
        """The contract that is `by` places after the shown one, round and round."""
        known = [contract.instrument for contract in self.view.contracts]
        if not known:
            return ""
        at = known.index(self.choice.instrument) if self.choice.instrument in known else 0
        return known[(at + by) % len(known)]

    def step_timeframe(self, by: int) -> Timeframe:
        """The timeframe `by` places after the shown one, round and round."""
        frames = list(Timeframe)
        return frames[(frames.index(self.choice.timeframe) + by) % len(frames)]

    def step_level(self) -> str:
        """The next stricter log level, round and round."""
        return LEVELS[(LEVELS.index(self.choice.log_level) + 1) % len(LEVELS)]

    def acknowledge(self) -> int:
        """Mark all notices as seen; gives how many loud ones had been waiting."""
        waiting = sum(n.seq > self.choice.acknowledged and n.severity in LOUD for n in self._notices)
        if self._notices:
            self.choice.acknowledged = self._notices[-1].seq
        return waiting
