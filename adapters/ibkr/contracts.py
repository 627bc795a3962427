"""Which contract is meant: asked of the venue, never built from a name."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from adapters.ibkr.config import IbContract
from engine.model.errors import RefusedError
from engine.model.instrument import Instrument
from engine.model.market import NANOS

if TYPE_CHECKING:
    from ib_async import Contract, ContractDetails


def contract_of(library: Any, asked: IbContract) -> Contract:
    """What is asked for; of a future all its months."""
    contract: Contract = library.Contract(
        secType=asked.sec_type, symbol=asked.symbol, exchange=asked.exchange, currency=asked.currency
    )
    return contract


def choose(
    found: Sequence[ContractDetails], instrument: Instrument, asked: IbContract, now: int, roll_days: int
) -> Contract:
    """The one to trade: of a future the nearest month whose last day is more than `roll_days` away. Raises
    RefusedError where there is none, or where it is another thing than the instrument says.
    """
    rows = [(_last_day(one), one) for one in found if one.contract is not None]
    rows = [(day, one) for day, one in rows if one.contract and one.contract.secType == asked.sec_type]
    if asked.sec_type == "FUT":
        until = datetime.fromtimestamp(now / NANOS, UTC) + timedelta(days=roll_days)
        rows = [(day, one) for day, one in rows if day >= until.strftime("%Y%m%d")]
    if not rows:
        raise RefusedError(
            f"Interactive Brokers has no {asked.sec_type} {asked.symbol} on {asked.exchange} in "
            f"{asked.currency}: set venues.NAME.contracts"
        )
    day, chosen = min(rows, key=lambda row: row[0])
    same = [one for other, one in rows if other == day]
    if len({one.contract.conId for one in same if one.contract is not None}) > 1:
        raise RefusedError(
            f"{asked.symbol} is several contracts at Interactive Brokers: set venues.NAME.contracts"
        )
    _check(chosen, instrument)
    assert chosen.contract is not None
    return chosen.contract


def _last_day(details: ContractDetails) -> str:
    contract = details.contract
    return "" if contract is None else contract.lastTradeDateOrContractMonth[:8]


def _check(details: ContractDetails, instrument: Instrument) -> None:
    """Tick and value of a tick must be the instrument's. Raises RefusedError."""
    assert details.contract is not None
    tick = exact(details.minTick)
    size = exact(float(details.contract.multiplier or 1))
    name = details.contract.localSymbol or details.contract.symbol
    if tick is None or size is None or instrument.tick_size % tick:
        raise RefusedError(
            f"{name} has a tick of {details.minTick}, and {instrument.symbol} of {instrument.tick_size}"
        )
    worth = instrument.tick_size * size * instrument.lot_size / (details.priceMagnifier or 1)
    if worth != instrument.tick_value_usd:
        raise RefusedError(
            f"a tick of {name} is worth {worth.normalize():f}, and one of {instrument.symbol} "
            f"{instrument.tick_value_usd}: it is another contract"
        )


def exact(number: float | Decimal | None) -> Decimal | None:
    """A number of the library as it stood in the text; None for those that stand for nothing."""
    if number is None or number != number or abs(float(number)) > 1e15:
        return None
    return Decimal(repr(float(number))).normalize() + 0
