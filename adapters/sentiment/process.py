"""The engine's end of the reader: its process is started, heard, and started again by whoever runs this."""

from __future__ import annotations

import asyncio
import logging
import sys
from contextlib import suppress
from math import isfinite

import msgspec

from adapters.common.child_environment import child_environment
from adapters.common.redaction import REDACT
from adapters.sentiment.config import MoodConfig
from adapters.sentiment.reader import Line, MoodLine, SourceLine
from engine.model.errors import RetryableError
from engine.model.events import LinkChanged, LinkState, MoodTold
from engine.ports import Clock, Sink

log = logging.getLogger("mood")

COMMAND = (sys.executable, "-m", "adapters.sentiment.reader")
MOST_BYTES = 64 * 1024
"""Of one line."""
END_S = 5.0


class MoodProcess:
    """Belongs to one loop. `run` goes on until it is cancelled; it raises RetryableError where the process
    has ended, and is to be called again.
    """

    def __init__(self, config: MoodConfig, sink: Sink, clock: Clock) -> None:
        self._config = config
        self._sink = sink
        self._clock = clock
        self._states: dict[str, LinkState] = {}

    async def run(self) -> None:
        process = await asyncio.create_subprocess_exec(
            *COMMAND,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=MOST_BYTES,
            env=child_environment(),
        )
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        errors = asyncio.create_task(_last_words(process.stderr))
        try:
            with suppress(BrokenPipeError, ConnectionResetError):
                process.stdin.write(msgspec.json.encode(self._config) + b"\n")
                await process.stdin.drain()
            try:
                while line := await process.stdout.readline():
                    self._hear(line)
            except ValueError:
                raise RetryableError("the reader of news says too much at once") from None
            await process.wait()
            raise RetryableError(f"the reader of news has ended: {REDACT(await errors)}")
        finally:
            process.stdin.close()
            errors.cancel()
            if process.returncode is None:
                process.terminate()
                try:
                    async with asyncio.timeout(END_S):
                        await process.wait()
                except TimeoutError:
                    process.kill()

    def _hear(self, raw: bytes) -> None:
        try:
            line = msgspec.json.decode(raw, type=Line)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            log.warning("the reader of news said something that makes no sense")
            return
        now = self._clock()
        match line:
            case MoodLine():
                if isfinite(line.score) and isfinite(line.weight):
                    self._sink(
                        MoodTold(
                            ts_recv=now,
                            ts_venue=now - line.age_ns,
                            source=line.source,
                            instrument=line.instrument,
                            score=line.score,
                            weight=line.weight,
                        )
                    )
            case SourceLine():
                self._state(line, now)

    def _state(self, line: SourceLine, now: int) -> None:
        state = LinkState.LIVE if line.well else LinkState.DOWN
        log.log(logging.DEBUG if line.well else logging.INFO, "%s: %s", line.source, REDACT(line.detail))
        if self._states.get(line.source) is not state:
            self._states[line.source] = state
            self._sink(
                LinkChanged(ts_recv=now, link=f"mood {line.source}", state=state, detail=REDACT(line.detail))
            )


async def _last_words(stream: asyncio.StreamReader) -> str:
    """The last line that it has written to its errors."""
    last = b""
    with suppress(ValueError):
        while line := await stream.readline():
            last = line or last
    return last.decode("utf-8", "replace").strip()[-300:]
