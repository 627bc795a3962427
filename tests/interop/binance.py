"""Clients that others wrote, on Binance's practice twin: an order's life. `make interop`, not `make test`."""

from __future__ import annotations

import asyncio
import json
import os
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from adapters.simulator.twins.config import TwinConfig
from adapters.simulator.twins.twin import Twin
from adapters.simulator.wire.binance.wire import BinanceWire
from tests.interop.environments import python_with
from tstream.venues.binance import INSTRUMENTS

CLIENTS = Path(__file__).parent / "clients"
LONGEST_S = 120
LIFE = {
    "python-binance": [
        *("symbols", "bars", "market stream", "market", "account stream", "limit", "cancel", "oco"),
        *("cancel of a pair", "refusal", "account"),
    ],
    "ccxt": ["symbols", "bars", "book", "market", "limit", "replace", "cancel", "stop", "refusal", "account"],
}
SCRIPTS = {"python-binance": "python_binance_client.py", "ccxt": "ccxt_binance.py"}


@pytest.mark.parametrize("package", LIFE)
async def test_a_client_of_others_does_everything(package: str) -> None:
    python = await asyncio.to_thread(python_with, package)
    async with Twin(BinanceWire, TwinConfig(tuple(INSTRUMENTS.values()))) as twin:
        login = twin.account.login
        told = {"URL": twin.url, "KEY": login.key, "SECRET": login.secret}
        client = await asyncio.create_subprocess_exec(
            *python,
            str(CLIENTS / SCRIPTS[package]),
            env=os.environ | {f"INTEROP_{name}": value for name, value in told.items()},
            stdout=PIPE,
            stderr=PIPE,
        )
        try:
            async with asyncio.timeout(LONGEST_S):
                said, complaints = await client.communicate()
        finally:
            if client.returncode is None:
                client.kill()
                await client.wait()
    done = [json.loads(line)["step"] for line in said.splitlines() if line.startswith(b'{"step"')]
    assert done == LIFE[package], complaints.decode(errors="replace")[-3000:]
