"""What the cockpit knows between two frames: the newest View, and what people chose. Holds no widget."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from decimal import Decimal

from msgspec import Struct

from engine.model.market import Timeframe
from engine.model.notices import LogLine, Notice
from engine.model.view import View
from engine.ports import EngineHandle, LogTail
from tui.books import by_venue
from tui.command_tracker import CommandStatus, CommandTracker, TrackedCommand
from tui.plain_text import plain
from tui.rows.messages import LEVELS, log_passes
from tui.screen_state import ScreenState, waits
from tui.things import Thing

SILENT = 5.0
"""Seconds without a new View after which the cockpit says that it shows old data."""
_NOTICES = 500
_LOGS = 2_000


class Frame(Struct, frozen=True):
    """What is to be drawn, and what has happened since the frame before."""

    state: ScreenState
    changed: bool
    """Whether anything differs from the last frame."""
    new_notices: Sequence[Notice] = ()
    """Notices since the last frame; none with the first."""
    failed: Sequence[TrackedCommand] = ()
    """Commands that were refused or got no answer."""


class Choice(Struct):
    """What the person at the screen chose."""

    instrument: str = ""
    book: str = ""
    """Empty for all. It stays picked while it is away: another scope is a person's choice."""
    timeframe: Timeframe = Timeframe.M5
    readonly: bool = False
    log_level: str = "INFO"
    log_words: str = ""
    alert_kind: str = ""
    acknowledged: int = -1
    selected: Thing | None = None
    """What the cursor of the focused pane is on."""
    pane: str = ""
    """The focused pane."""
    filters: dict[str, str] = {}
    """Words that rows must hold to be shown, by pane; of the log they are `log_words`."""

    def filter(self, pane: str, words: str) -> None:
        """Show only rows of a pane with these words; all of them for none."""
        if pane == "log":
            self.log_words = words
        elif words.strip():
            self.filters = self.filters | {pane: words}
        else:
            self.filters = {name: kept for name, kept in self.filters.items() if name != pane}


class _Seen(Struct):
    version: int = -1
    run: int = 0
    """Of a replay: how often it had been begun anew."""
    at: float = 0.0
    notice: int = -_NOTICES
    """The first ones may be of earlier runs, numbered below 0."""
    log: int = -1
    begun: bool = False
    extra: tuple[object, ...] = ()


class Flashes:
    """Which prices changed a moment ago, and which way. A flash fades within 200 ms."""

    FADE = 0.2

    def __init__(self) -> None:
        self._last: dict[str, Decimal] = {}
        self._lit: dict[str, tuple[int, float]] = {}

    def see(self, prices: Mapping[str, Decimal | None], now: float) -> None:
        """Take in the last prices of a View, by contract."""
        for name, price in prices.items():
            if price is None:
                continue
            before = self._last.get(name, price)
            if price != before:
                self._lit[name] = (1 if price > before else -1, now)
            self._last[name] = price

    def levels(self, now: float) -> dict[str, int]:
        """Signed strength of each flash: 2 when it is new, 1 when half faded."""
        if not self._lit:
            return {}
        self._lit = {name: lit for name, lit in self._lit.items() if now - lit[1] < self.FADE - 1e-4}
        return {
            name: sign * (2 if now - since < self.FADE / 2 - 1e-4 else 1)
            for name, (sign, since) in self._lit.items()
        }


class Presenter:
    """One for each cockpit. All times are seconds of a monotonic clock."""

    def __init__(
        self,
        handle: EngineHandle,
        tail: LogTail,
        *,
        readonly: bool = False,
        timeframes: Sequence[Timeframe] = (),
    ) -> None:
        """`timeframes` are those of the chart that its keys go through; empty for all."""
        self.timeframes = tuple(one for one in Timeframe if one in timeframes) or tuple(Timeframe)
        usual = Timeframe.M5 if Timeframe.M5 in self.timeframes else self.timeframes[0]
        self.choice = Choice(readonly=readonly, timeframe=usual)
        self.commands = CommandTracker(handle)
        self.view: View = by_venue(handle.view())
        self._handle, self._tail = handle, tail
        self.look_up = handle.look_up
        self._flashes = Flashes()
        self._notices: deque[Notice] = deque(maxlen=_NOTICES)
        self._over: dict[str, int] = {}
        self._logs: deque[LogLine] = deque(maxlen=_LOGS)
        self._shown: deque[LogLine] = deque(maxlen=_LOGS)
        self._filter = ("", "")
        self._seen = _Seen()

    def pull(self, now: float, slow_note: str = "") -> Frame:
        """Pull the newest picture. `slow_note` says that the frame rate is reduced; empty when it is not."""
        seen = self._seen
        view = self._handle.view()
        view = self.view = by_venue(view) if view.version != self.view.version else self.view
        if view.version != seen.version:
            seen.version, seen.at = view.version, now
            changed = True
            self._flashes.see({c.instrument: c.last for c in view.contracts}, now)
        else:
            changed = False
        self._choose(view)
        if view.playing is not None and view.playing.run != seen.run:
            seen.run, seen.notice, seen.begun = view.playing.run, -_NOTICES, False
            self._notices.clear()
            self._over, self.choice.acknowledged = {}, -1
        fresh = list(self._handle.notices(seen.notice))
        if fresh:
            seen.notice = fresh[-1].seq
            self._notices.extend(fresh)
            self._over |= {alarm: notice.seq for notice in fresh for alarm in notice.ends}
        lines = self._read_logs()
        failed = self.commands.observe(now)
        newest = self.commands.newest(now)
        silent = now - seen.at
        if silent >= SILENT and view.version > 0:
            slow_note = f"picture is {silent:.0f}s old"
        flashes = self._flashes.levels(now)
        extra = (flashes, newest, slow_note, self.choice.instrument, self.choice.timeframe,
                 self.choice.book, self.choice.readonly, self.choice.acknowledged, self._filter,
                 self.choice.alert_kind, self.choice.selected, self.choice.pane,
                 self.choice.filters)  # fmt: skip
        changed = changed or bool(fresh) or lines or extra != seen.extra
        seen.extra = extra
        state = ScreenState(
            view=view,
            instrument=self.choice.instrument,
            book=self.choice.book,
            timeframe=self.choice.timeframe,
            notices=self._notices,
            acknowledged=self.choice.acknowledged,
            over=self._over,
            alert_kind=self.choice.alert_kind,
            logs=self._shown,
            log_filter=self._filter_words(),
            selected=self.choice.selected,
            pane=self.choice.pane,
            filters=self.choice.filters,
            flashes=flashes,
            readonly=self.choice.readonly,
            slow_note=slow_note,
            command_note="" if newest is None else plain(newest.text),
            command_failed=newest is not None
            and newest.status in (CommandStatus.REFUSED, CommandStatus.LOST),
            chart_of=self._handle.chart,
            older_of=self._handle.load_older,
            depth_of=self._handle.depth,
            tape_of=self._handle.tape,
            equity_of=self._handle.equity,
        )
        new_notices = [notice for notice in fresh if notice.seq >= 0] if seen.begun else []
        seen.begun = True
        return Frame(state, changed, new_notices, failed)

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
        frames = self.timeframes
        at = frames.index(self.choice.timeframe) if self.choice.timeframe in frames else -1
        return frames[(at + by) % len(frames)]

    def step_level(self) -> str:
        """The next stricter log level, round and round."""
        return LEVELS[(LEVELS.index(self.choice.log_level) + 1) % len(LEVELS)]

    def acknowledge(self) -> int:
        """Mark all notices as seen; gives how many loud ones had been waiting."""
        waiting = sum(waits(n, self.choice.acknowledged, self._over) for n in self._notices)
        if self._notices:
            self.choice.acknowledged = self._notices[-1].seq
        return waiting
