"""schemathesis at a REST API in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok

from adapters.control.rest import guard
from adapters.control.rest.openapi import document
from engine.model.commands import AnyCommand, Shutdown
from engine.model.notices import Notice, NoticeKind, Severity
from engine.ports import EngineHandle
from tests.control.fake import a_view
from tests.control.rest.serving import OWN, Obedient, Served, served
from tests.support.engine_over_sockets import PRICE, VenueSide, venue_side


@dataclass
class Attack:
    cases: int = 0
    failures: list[str] = field(default_factory=list)
    seen: dict[str, int] = field(default_factory=dict)
    """Of a real engine: what came of it."""


Stage = Callable[[Path], AbstractAsyncContextManager[Served]]


@asynccontextmanager
async def obedient(folder: Path) -> AsyncIterator[Served]:
    """An engine that answers everything."""
    async with served(Obedient(a_view(), bars=50), folder) as api:
        yield api


class Unending:
    """An engine that is not ended by whoever asks for it: there is more to be tried."""

    def __init__(self, engine: EngineHandle) -> None:
        self._engine = engine

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def ask(self, command: AnyCommand) -> Future[Notice]:
        if not isinstance(command, Shutdown):
            return self._engine.ask(command)
        answer: Future[Notice] = Future()
        told = Notice(1, 1, NoticeKind.COMMAND, Severity.INFO, "not now", command_id=command.id, done=True)
        answer.set_result(told)
        return answer


def real(found: Attack) -> Stage:
    """The engine on a practice venue over sockets, whose market moves; it has to stand at the end."""

    @asynccontextmanager
    async def stage(folder: Path) -> AsyncIterator[Served]:
        async with venue_side(folder) as f, f.engine() as run:
            moving = asyncio.create_task(_move(f))
            handle: Any = Unending(run.engine)
            async with served(handle, folder) as api:
                yield api
            moving.cancel()
            health = run.engine.view().health
            if not health.ok or run.main.done():
                found.failures.append(f"the engine did not stand it: {health.detail}")
            plans = run.core.state.book("practice").plans
            found.seen = {"records": health.journal_seq, "trades that stand": len(plans)}

    return stage


async def _move(f: VenueSide) -> None:
    for turn in count():
        f.market(PRICE + turn % 7)
        await asyncio.sleep(0.05)


def attack(folder: Path, *, examples: int, seed: int, stage: Stage | None = None) -> Attack:
    """So many good and as many bad requests of each route; at a real engine without a `stage`."""
    guard.FIRST_PAUSE_S = 0.0  # wrong tokens are a part of it
    ready, end, url = threading.Event(), threading.Event(), [""]
    found = Attack()
    where = stage or real(found)

    async def serve() -> None:
        try:
            async with where(folder) as api:
                url[0] = api.server.url
                ready.set()
                await asyncio.to_thread(end.wait)
        finally:
            ready.set()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(30)
        _attack(url[0], examples, seed, found)
    finally:
        end.set()
        thread.join(30)
    return found


def _attack(url: str, examples: int, seed: int, found: Attack) -> None:
    described = document("1.2.3")
    # Most names are nobody's: orders of one that is watched get as far as the engine.
    described["components"]["schemas"]["OrderRequest"]["properties"]["symbol"] = {"enum": ["MNQ"]}
    schema = schemathesis.openapi.from_dict(described)
    with requests.Session() as session:
        for result in schema.get_all_operations():
            assert isinstance(result, Ok)
            operation = result.ok()
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                _one(operation, mode, url, session, found, examples, seed)


def _one(
    operation: Any,
    mode: GenerationMode,
    url: str,
    session: requests.Session,
    found: Attack,
    examples: int,
    seed: int,
) -> None:
    @seeded(seed)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def run(case: Any) -> None:
        found.cases += 1
        case.call_and_validate(base_url=url, session=session, headers={"Authorization": f"Bearer {OWN}"})

    try:
        run()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE  # nothing about it can be wrong
    except FailureGroup as error:
        found.failures.append(f"{operation.label} ({mode.value}): {error}")
