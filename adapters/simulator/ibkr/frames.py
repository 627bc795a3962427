"""The text protocol of TWS: a length, and fields with a NUL after each. Server version 176."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterator, Sequence
from decimal import Decimal

SERVER_VERSION = 176
LONGEST = 1 << 20
"""Bytes of a message."""

Field = str | int | float | Decimal | bool | None

PRICE, STRING = 1, 46
ORDER_STATUS, ERROR, OPEN_ORDER, ACCOUNT_VALUE = 3, 4, 5, 6
NEXT_ID, DETAILS, EXECUTION, ACCOUNTS, HISTORY = 9, 10, 11, 15, 17
CURRENT_TIME, DETAILS_END, OPEN_END, ACCOUNT_END, EXECUTIONS_END = 49, 52, 53, 54, 55
MARKET_DATA_TYPE, COMMISSION, POSITION, POSITION_END = 58, 59, 61, 62
TICK_TERMS = 81
MULTI_END, COMPLETED, COMPLETED_END = 74, 101, 102
"""Numbers of what the gateway says."""


def frame(*fields: Field) -> bytes:
    """One message."""
    payload = "".join(f"{text(field)}\0" for field in fields).encode()
    return struct.pack(">I", len(payload)) + payload


def text(field: Field) -> str:
    """A field as it travels; None stands for nothing."""
    if field is None:
        return ""
    if isinstance(field, bool):
        return "1" if field else "0"
    if isinstance(field, Decimal):
        return f"{field:f}"
    return str(field)


async def receive(reader: asyncio.StreamReader) -> list[str]:
    """The fields of the next message. Raises IncompleteReadError at the end, ValueError for one that is too
    long.
    """
    (length,) = struct.unpack(">I", await reader.readexactly(4))
    if length > LONGEST:
        raise ValueError(f"a message of {length} bytes")
    return (await reader.readexactly(length)).decode(errors="replace").split("\0")[:-1]


class IbFields:
    """Takes the fields of a message one after the other."""

    def __init__(self, fields: Sequence[str]) -> None:
        self._fields: Iterator[str] = iter(fields)

    def next(self) -> str:
        """Empty where there is none."""
        return next(self._fields, "")

    def number(self) -> int:
        return int(float(self.next() or 0))

    def decimal(self) -> Decimal | None:
        told = self.next()
        return Decimal(told) if told else None

    def skip(self, count: int) -> None:
        for _ in range(count):
            self.next()
