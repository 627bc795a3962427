"""What the gateway says of contracts, orders and executions, field by field."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from msgspec import Struct

from adapters.simulator.ibkr import frames as f
from adapters.simulator.ibkr.frames import Field, frame
from engine.model.instrument import Instrument, InstrumentKind
from engine.model.market import NANOS
from engine.model.orders import Fill, OrderType, VenueOrder, VenueStatus
from engine.venue.orders import VenueState

_EMPTY = ("",)
TYPES = {OrderType.MARKET: "MKT", OrderType.LIMIT: "LMT", OrderType.STOP: "STP"}
STATUSES = {
    VenueStatus.PENDING: "PreSubmitted",
    VenueStatus.WORKING: "Submitted",
    VenueStatus.SUSPENDED: "PreSubmitted",
    VenueStatus.FILLED: "Filled",
    VenueStatus.CANCELED: "Cancelled",
    VenueStatus.EXPIRED: "Cancelled",
    VenueStatus.REJECTED: "Inactive",
}


class IbListed(Struct, frozen=True):
    """A contract of the gateway; `last_day` is "20261218" of a future, else empty."""

    con_id: int
    instrument: Instrument
    last_day: str = ""
    exchange: str = "CME"

    @property
    def sec_type(self) -> str:
        kinds = {InstrumentKind.FUTURE: "FUT", InstrumentKind.EQUITY: "STK"}
        return kinds.get(self.instrument.kind, "CRYPTO")

    @property
    def local_symbol(self) -> str:
        if not self.last_day:
            return self.instrument.symbol
        return f"{self.instrument.symbol}{'FGHJKMNQUVXZ'[int(self.last_day[4:6]) - 1]}{self.last_day[3]}"

    @property
    def multiplier(self) -> Decimal:
        one = self.instrument
        return (one.tick_value_usd / one.tick_size / one.lot_size).normalize()

    def fields(self) -> tuple[Field, ...]:
        """The eleven that stand in records of orders, executions and positions."""
        one = self.instrument
        size = self.multiplier if self.sec_type == "FUT" else None
        name = self.local_symbol
        return (
            self.con_id, one.symbol, self.sec_type, self.last_day, "0.0", "", size, self.exchange,
            one.currency, name, one.symbol,
        )  # fmt: skip


class IbOrder(Struct):
    """An order as the gateway keeps it beside the venue's own record."""

    client_id: int
    order_id: int
    perm_id: int
    account: str
    order_ref: str
    listed: IbListed
    tif: str
    outside_rth: str
    fills: list[Fill] = []
    order: VenueOrder | None = None
    """Its newest report; None until the venue has taken it."""


class SavedIbAccount(Struct):
    """An account as it is kept between runs."""

    venue: VenueState
    balance_usd: Decimal
    positions: dict[int, tuple[int, Decimal]]
    """Lots and average price, by contract."""
    orders: dict[str, IbOrder]
    next_order_id: int


def error(number: int, code: int, text: str) -> bytes:
    """`number` is that of the request or order that it is about; -1: of none."""
    return frame(f.ERROR, 2, number, code, text, "")


def details(req_id: int, listed: IbListed) -> bytes:
    one = listed.instrument
    size = listed.multiplier if listed.sec_type == "FUT" else None
    return frame(
        f.DETAILS, req_id, one.symbol, listed.sec_type, listed.last_day, "0", "", listed.exchange,
        one.currency, listed.local_symbol, one.symbol, one.symbol, listed.con_id, one.tick_size, size,
        "LMT,MKT,STP", listed.exchange, 1, 0, one.description, "", listed.last_day[:6], "", "", "",
        "US/Central", "", "", "", 0, 0, 1, one.symbol, "IND", "", listed.last_day, "",
        one.lot_size, one.lot_size, one.lot_size,
    )  # fmt: skip


def open_order(kept: IbOrder, order: VenueOrder) -> bytes:
    listed, one = kept.listed, kept.listed.instrument
    limit = one.price(order.limit) if order.limit is not None else Decimal(0)
    stop = one.price(order.stop) if order.stop is not None else Decimal(0)
    fields: list[Field] = [
        f.OPEN_ORDER, kept.order_id, *listed.fields(), order.side.upper(), one.qty(order.qty),
        TYPES[order.type], limit, stop, kept.tif, "", kept.account, "", 0, kept.order_ref, kept.client_id,
        kept.perm_id, kept.outside_rth, 0, 0, "",
        *_EMPTY * 5,  # an obsolete field, then faGroup, faMethod, faPercentage, faProfile
        *_EMPTY * 8,  # modelCode to exemptCode
        0, *_EMPTY * 6,  # auctionStrategy to displaySize
        0, 0, 0, "", 3, 0, 0, "", 0, 0, "", 0, "", "",  # blockOrder to deltaNeutralAuxPrice
        0, 0, "", "", "", "", "",  # continuousUpdate to comboLegsDescrip
        0, 0, 0,  # no legs, prices of legs, parameters
        "", "", "", "",  # scale and hedge
        0, "", "IB", 0, 0, "", 0, 0,  # optOutSmartRouting to whatIf
        STATUSES[order.status], *_EMPTY * 9, "", "", "", "", "", 0, 0,
        0,  # no conditions
        *_EMPTY * 12, 0, 0, "", "",  # adjustedOrderType to usePriceMgmtAlgo
        "", "", 0,  # duration, postToAts, autoCancelParent
        *_EMPTY * 5,
    ]  # fmt: skip
    return frame(*fields)


def completed(kept: IbOrder, order: VenueOrder) -> bytes:
    listed, one = kept.listed, kept.listed.instrument
    limit = one.price(order.limit) if order.limit is not None else Decimal(0)
    stop = one.price(order.stop) if order.stop is not None else Decimal(0)
    fields: list[Field] = [
        f.COMPLETED, *listed.fields(), order.side.upper(), one.qty(order.qty), TYPES[order.type], limit, stop,
        kept.tif, "", kept.account, "", 0, kept.order_ref, kept.perm_id, kept.outside_rth, 0, 0, "",
        *_EMPTY * 4,  # faGroup to faProfile
        *_EMPTY * 8,  # modelCode to exemptCode
        *_EMPTY * 6,  # startingPrice to displaySize
        0, 0, "", 3, 0, "", 0, "", "",  # sweepToFill to deltaNeutralAuxPrice
        0, 0, "", "", "",  # continuousUpdate to comboLegsDescrip
        0, 0, 0,
        "", "", "", "",
        "", "IB", 0, 0, "",  # clearingAccount to algoStrategy
        0, STATUSES[order.status], 0, 0,
        0,  # no conditions
        "", "", "", 0, 0, "", one.qty(order.filled_qty), 0, 0, "", 0, 0, 0, "", "",
        *_EMPTY * 5,
    ]  # fmt: skip
    return frame(*fields)


def status(kept: IbOrder, order: VenueOrder) -> bytes:
    one = kept.listed.instrument
    filled, rest = one.qty(order.filled_qty), one.qty(order.qty - order.filled_qty)
    average = _average(kept)
    word = STATUSES[order.status]
    if order.type is OrderType.STOP and word == "Submitted":
        word = "PreSubmitted"  # held until it triggers
    last = one.price(kept.fills[-1].price) if kept.fills else Decimal(0)
    return frame(
        f.ORDER_STATUS,
        kept.order_id,
        word,
        filled,
        rest,
        average,
        kept.perm_id,
        0,
        last,
        kept.client_id,
        "",
        0,
    )


def _average(kept: IbOrder) -> Decimal:
    qty = sum(fill.qty for fill in kept.fills)
    if not qty:
        return Decimal(0)
    return sum((kept.listed.instrument.price(x.price) * x.qty for x in kept.fills), Decimal(0)) / qty


def execution(req_id: int, kept: IbOrder, fill: Fill) -> bytes:
    one = kept.listed.instrument
    told = datetime.fromtimestamp(fill.ts_venue // NANOS, UTC).strftime("%Y%m%d %H:%M:%S UTC")
    side = "BOT" if fill.side.sign > 0 else "SLD"
    qty = one.qty(fill.qty)
    return frame(
        f.EXECUTION, req_id, kept.order_id, *kept.listed.fields(), execution_id(fill), told, kept.account,
        kept.listed.exchange, side, qty, one.price(fill.price), kept.perm_id, kept.client_id, 0, qty,
        one.price(fill.price), kept.order_ref, "", "", "", 1,
    )  # fmt: skip


def execution_id(fill: Fill) -> str:
    return f"0000e0d5.{int(fill.trade_id):08x}.01.01"


def commission(kept: IbOrder, fill: Fill) -> bytes:
    currency = kept.listed.instrument.currency
    unset = "1.7976931348623157E308"
    return frame(f.COMMISSION, 1, execution_id(fill), fill.cost_usd, currency, unset, unset, "")
