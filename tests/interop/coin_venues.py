"""Clients that others wrote, on the twins of Bybit, Coinbase and Kraken: an order's life (`make interop`)."""

from __future__ import annotations

import asyncio
import json
import os
import time
from asyncio.subprocess import PIPE
from collections.abc import Mapping
from pathlib import Path

import pytest

from adapters.simulator.market.coins import CoinMarket
from adapters.simulator.twins.config import TwinConfig
from adapters.simulator.twins.twin import Twin
from adapters.simulator.twins.wire import TwinWire
from adapters.simulator.wire.bybit.wire import BybitWire
from adapters.simulator.wire.coinbase.wire import CoinbaseWire
from adapters.simulator.wire.kraken.kraken_wire import KrakenWire
from engine.model.instrument import Instrument
from tests.interop.environments import python_with
from tstream.venues import bybit, coinbase, kraken

CLIENTS = Path(__file__).parent / "clients"
LONGEST_S = 120
BYBIT = [
    "instruments",
    "bars",
    "market",
    "stop",
    "limit",
    "modify",
    "cancel",
    "duplicate",
    "refusal",
    "close",
]
COINBASE = [
    *("product", "bars", "account", "market", "limit", "same id", "edit", "cancel", "stop", "refusal"),
    "fills",
]
KRAKEN = [
    *("products", "book", "executions", "market", "limit", "amend", "cancel", "stop", "refusal", "close"),
]
RUNS = [
    ("python-kraken-sdk", "kraken_sdk_client.py", KrakenWire, kraken.INSTRUMENTS, KRAKEN),
    ("ccxt", "ccxt_bybit.py", BybitWire, bybit.PERPETUALS, [*BYBIT, "account"]),
    ("coinbase-advanced-py", "coinbase_client.py", CoinbaseWire, coinbase.INSTRUMENTS, COINBASE),
]


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run[1].removesuffix(".py"))
async def test_a_client_of_others_does_everything(
    run: tuple[str, str, type[TwinWire], Mapping[str, Instrument], list[str]],
) -> None:
    """They sign with the time of this machine, so the twin lives in it."""
    package, script, wire, listed, steps = run
    python = await asyncio.to_thread(python_with, package)
    instruments = tuple(listed.values())
    source = CoinMarket(instruments, 7, time.time_ns())
    async with Twin(wire, TwinConfig(instruments), source, time.time_ns) as twin:
        login = twin.account.login
        told = {"URL": twin.url, "KEY": login.key, "SECRET": login.secret}
        client = await asyncio.create_subprocess_exec(
            *python,
            str(CLIENTS / script),
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
    assert done == steps, complaints.decode(errors="replace")[-3000:]
