"""Clients that others wrote do at the practice venue all that they can. `make interop`, not `make test`."""

from __future__ import annotations

import asyncio
import json
import os
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

import pytest

from adapters.simulator.config import SimulatorConfig
from adapters.simulator.practice import PracticeVenue
from tests.interop.environments import node_with, python_with

CLIENTS = Path(__file__).parent / "clients"
DROP = "drop the hubs"
LONGEST_S = 240
HUBS = ["login", "search", "market hub", "user hub", "reconnect"]
EVERYTHING = [
    *(
        "login",
        "search",
        "bars",
        "market hub",
        "user hub",
        "limit",
        "modify",
        "cancel",
        "stop",
        "trailing stop",
    ),
    *("join bid", "join ask", "market", "brackets", "partial close", "reconnect"),
]


async def steps(command: list[str], script: str, folder: Path = CLIENTS) -> tuple[list[str], str]:
    """What a client has done at a venue of its own, and what it complained about."""
    async with PracticeVenue(SimulatorConfig()) as venue:
        credentials = {"URL": venue.url, "USER": venue.config.user, "KEY": venue.config.key}
        client = await asyncio.create_subprocess_exec(
            *command,
            str(CLIENTS / script),
            cwd=folder,
            env=os.environ | {f"INTEROP_{name}": value for name, value in credentials.items()},
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
        )
        assert client.stdin is not None
        assert client.stdout is not None
        assert client.stderr is not None
        complaints = asyncio.create_task(client.stderr.read())
        done: list[str] = []
        try:
            async with asyncio.timeout(LONGEST_S):
                async for line in client.stdout:
                    if not line.startswith(b'{"step"'):
                        continue
                    told: dict[str, Any] = json.loads(line)
                    if told["step"] != DROP:
                        done.append(told["step"])
                        continue
                    venue.controls.drop_hubs()
                    client.stdin.write(b"\n")
                await client.wait()
        finally:
            if client.returncode is None:
                client.kill()
                await client.wait()
        return done, (await complaints).decode(errors="replace")


@pytest.mark.parametrize(
    ("package", "script"),
    [
        ("topstep-sdk", "topstep_sdk_client.py"),
        ("topstep-client-py", "topstep_client.py"),
        ("project-x-py", "project_x.py"),
    ],
)
async def test_a_python_client_does_everything(package: str, script: str) -> None:
    done, said = await steps(await asyncio.to_thread(python_with, package), script)
    assert done == EVERYTHING, said[-3000:]


async def test_microsofts_signalr_hears_both_hubs_and_connects_again() -> None:
    command, folder = await asyncio.to_thread(node_with, "@microsoft/signalr")
    done, said = await steps(command, "signalr.mjs", folder)
    assert done == HUBS, said[-3000:]
