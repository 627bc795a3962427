"""The recorded v1 session, and the message kinds that another project keeps as samples."""

from __future__ import annotations

import gzip
import json
import tarfile
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from typing import Any

from engine.model.instrument import Instrument, InstrumentKind
from tests.support.recordings import DATA

FOLDER = DATA / "kraken_futures"
SAMPLES = DATA / "adapter_fixtures" / "adapter_kraken_test_data.tar.gz"


@cache
def received() -> tuple[bytes, ...]:
    """What the venue sent, in order."""
    lines = gzip.decompress((FOLDER / "KRAKEN_FUTURES.ws.1.0.gz").read_bytes()).splitlines()
    return tuple(line.partition(b": ")[2] for line in lines if line[:1].isdigit())


def instruments_answer() -> bytes:
    text = gzip.decompress((FOLDER / "KRAKEN_FUTURES.0.gz").read_bytes())
    return text.splitlines()[0].split(b": ", 1)[1]


@cache
def products() -> dict[str, Instrument]:
    """The recorded products by the venue's symbol: what is needed to read prices and quantities."""
    rows = json.loads(instruments_answer(), parse_float=Decimal)["instruments"]
    return {
        row["symbol"].upper(): Instrument(
            symbol=row["symbol"].upper(),
            root=row["symbol"].upper(),
            description="",
            tick_size=Decimal(str(row["tickSize"])),
            tick_value_usd=Decimal(str(row["tickSize"])),
            fee_usd=Decimal(0),
            commission_usd=Decimal(0),
            kind=InstrumentKind.PERPETUAL,
            calendar="always",
        )
        for row in rows
        if "tickSize" in row
    }


def samples(prefix: str) -> Iterator[tuple[str, Any]]:
    """(Name, content) of the samples whose names begin so."""
    with tarfile.open(SAMPLES) as archive:
        for member in archive.getmembers():
            name = member.name.rpartition("/")[2]
            if member.isfile() and name.startswith(prefix):
                file = archive.extractfile(member)
                assert file is not None
                yield name.removesuffix(".json"), json.loads(file.read())
