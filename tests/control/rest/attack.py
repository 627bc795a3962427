"""schemathesis at a REST API in its own thread, with an engine that answers everything."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field
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
from tests.control.fake import a_view
from tests.control.rest.serving import OWN, Obedient, served


@dataclass
class Attack:
    cases: int = 0
    failures: list[str] = field(default_factory=list)


def attack(folder: Path, *, examples: int, seed: int) -> Attack:
    """So many good and as many bad requests of each route."""
    guard.FIRST_PAUSE_S = 0.0  # wrong tokens are a part of it
    ready, end, url = threading.Event(), threading.Event(), [""]

    async def serve() -> None:
        async with served(Obedient(a_view(), bars=50), folder) as api:
            url[0] = api.server.url
            ready.set()
            await asyncio.to_thread(end.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(10)
        return _attack(url[0], examples, seed)
    finally:
        end.set()
        thread.join(10)


def _attack(url: str, examples: int, seed: int) -> Attack:
    found = Attack()
    schema = schemathesis.openapi.from_dict(document("1.2.3"))
    with requests.Session() as session:
        for result in schema.get_all_operations():
            assert isinstance(result, Ok)
            operation = result.ok()
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                _one(operation, mode, url, session, found, examples, seed)
    return found


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
