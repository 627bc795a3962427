"""Models trained anew beside the engine: looked at every five minutes, done in a process of its own at the
lowest priority. What fails is a notice; the model that counts goes on (docs/models.md#retraining).
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from adapters.models.store import ModelStore
from engine.lab.training.anew import Anew, ModelTally, why_anew
from engine.model.errors import FatalError
from engine.model.events import LinkChanged, LinkState
from engine.model.opinion import ModelCard
from engine.ports import Clock
from engine.signals.features import HASH, NAMES
from tstream.clock import wall_ns
from tstream.options import RunOptions
from tstream.paths import Paths
from tstream.run.services import Service
from tstream.settings.model import Settings

log = logging.getLogger("training")

SETTLE_S = 120.0
"""A run begins with more pressing work."""
LOOK_S = 300.0
AGAIN_S = 3600.0
"""After a failure."""
LONGEST_S = 4 * 3600.0
"""A training that goes on for longer hangs."""
LINK = "training"
_SAID = 4_000
"""Characters of what a training says that are kept."""
_COMPLAINT = "tstream: "
"""What a command says first when it fails."""
_MORE = "if memory was short, training.memory_mb gives it more and training.days less to learn from"
_WELL = (0, 3)
"""Exit codes of tstream train: better than the rules, or no better."""

Command = Callable[[str], Sequence[str]]
"""Gives the command line of a training, for a reason."""


class Retraining:
    """Looks and trains, until cancelled. It touches nothing of the engine: it reads what the engine keeps of
    predictions, and tells it of failures.
    """

    def __init__(
        self,
        store: ModelStore,
        rules: Anew,
        tallies: Callable[[], Mapping[str, ModelTally]],
        command: Command,
        hear: Callable[[LinkChanged], None],
        clock: Clock,
    ) -> None:
        """`tallies` are by the hash of the model. `hear` is told of failures as of a connection that is down;
        `clock` is the engine's.
        """
        self._store, self._rules, self._tallies = store, rules, tallies
        self._command, self._hear, self._clock = command, hear, clock
        self._tried_ts = 0
        self._down = False

    async def run(self, settle_s: float = SETTLE_S, look_s: float = LOOK_S, again_s: float = AGAIN_S) -> None:
        """For as long as the run lasts."""
        await asyncio.sleep(settle_s)
        while True:
            try:
                why = await self.why()
                if why:
                    self._tried_ts = wall_ns()
                    log.info("training anew: %s", why)
                    said = await self._train(why)
                    log.info("%s", said)
                    if self._down:
                        self._tell(LinkState.LIVE, said.partition("\n")[0])
            except FatalError as error:
                log.error("%s", error)
                self._tell(LinkState.DOWN, str(error))
                await asyncio.sleep(again_s)
            await asyncio.sleep(look_s)

    async def why(self) -> str:
        """Why to train now; empty where there is no reason. Raises FatalError."""
        card, model_hash, last = await asyncio.to_thread(self._known)
        tally = self._tallies().get(model_hash)
        return why_anew(card, tally, max(last, self._tried_ts), wall_ns(), self._rules)

    def _known(self) -> tuple[ModelCard | None, str, int]:
        """The champion's card and hash, and when anything was trained last."""
        last, champion = 0, None
        for one in self._store.listed():
            if one.found is not None:
                last = max(last, one.found.card.created_ts)
                champion = one.found if one.is_champion else champion
        return (None, "", last) if champion is None else (champion.card, champion.hash, last)

    async def _train(self, why: str) -> str:
        """What it said. Raises FatalError with why it failed."""
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command(why),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise FatalError(f"a training can't be started: {error.strerror}") from None
        try:
            async with asyncio.timeout(LONGEST_S):
                assert process.stdout is not None
                said = (await process.stdout.read()).decode("utf-8", "replace")[:_SAID].strip()
                code = await process.wait()
        except TimeoutError:
            raise FatalError(f"a training was ended after {LONGEST_S / 3600:g} h") from None
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        if code not in _WELL:
            lines = said.splitlines() or [f"it ended with {code}"]
            told = next((line for line in lines if line.startswith(_COMPLAINT)), "")
            if not told:  # what else ends it is a library that got no memory, or the system that has none
                told = f"{lines[-1]} (exit code {code}); {_MORE}"
            raise FatalError(f"a training failed: {told.removeprefix(_COMPLAINT)}")
        return said

    def _tell(self, state: LinkState, detail: str) -> None:
        self._down = state is LinkState.DOWN
        self._hear(LinkChanged(ts_recv=self._clock(), link=LINK, state=state, detail=detail))


def command_line(config: Path | None) -> Command:
    """tstream train as a process of its own; `config` is a settings file other than the usual one."""
    nice = [found, "-n", "19"] if (found := shutil.which("nice")) else []
    more = [] if config is None else ["--config", str(config)]

    def command(why: str) -> Sequence[str]:
        return [*nice, sys.executable, "-m", "tstream", "train", "--reason", why, *more]

    return command


def retraining_services(
    settings: Settings,
    paths: Paths,
    options: RunOptions,
    tallies: Callable[[], Mapping[str, ModelTally]],
    hear: Callable[[LinkChanged], None],
    clock: Clock,
    file: Path | None = None,
) -> Iterator[Service]:
    """What trains models for as long as a run lasts; nothing where it plays a tape or a demo. `file` is the
    settings file of the run, which need not be there.
    """
    own = settings.training
    if own.enabled and options.tape is None and not options.demo:
        store = ModelStore(paths.models, HASH, len(NAMES))
        rules = Anew(own.retrain_hours, own.retrain_error, own.retrain_on_drift)
        command = command_line(file if file is not None and file.is_file() else None)
        yield Service("training", Retraining(store, rules, tallies, command, hear, clock).run)
