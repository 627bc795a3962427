"""What the venue lists, and whether our instruments are as it says."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from decimal import Decimal

from adapters.common.redaction import scrub
from adapters.kraken import mapping
from adapters.kraken.symbols import display_alias, venue_symbol, wrong_kind
from adapters.kraken.v1_wire import V1Instrument
from adapters.kraken.wire import UwsPair
from engine.model.errors import Cause, FatalError, RefusedError
from engine.model.events import ContractResolved
from engine.model.instrument import Instrument

ONLINE = "online"
_TRADED = ("", ONLINE)
_REDUCES = ("", ONLINE, "reduce_only", "limit_only")
_MOST_NEAR = 3


class Listed:
    """The venue's products by its own names, as far as they have been told, and which of them are ours."""

    def __init__(self, instruments: Mapping[str, Instrument]) -> None:
        self.instruments = instruments
        self.roots = {symbol: venue_symbol(one.root) for symbol, one in instruments.items()}
        """The venue's symbol of each of ours."""
        self.ours = {self.roots[symbol]: one for symbol, one in instruments.items()}
        """Our instruments by the venue's symbol."""
        self._pairs: dict[str, UwsPair] = {}
        self.system = ONLINE
        """State of the venue's engine, as the market's connection was last told."""

    def learn(self, pairs: Iterable[UwsPair]) -> None:
        """Take in what the venue tells: all of it at first, then what has changed."""
        for pair in pairs:
            self._pairs[pair.symbol] = pair

    def learn_v1(self, rows: Iterable[V1Instrument]) -> None:
        """The same from the old interface, which tells whether a product may be traded and no more."""
        self.learn(_pair(row) for row in rows)

    def __len__(self) -> int:
        """How many products the venue lists."""
        return len(self._pairs)

    def pair(self, symbol: str) -> UwsPair | None:
        """What is listed, by the venue's symbol."""
        return self._pairs.get(symbol)

    def wrong(self) -> list[tuple[str, str]]:
        """(Symbol, what is wrong, and what to do) of each of ours that can't be traded as it is described."""
        return [(symbol, why) for symbol, one in self.instruments.items() if (why := self._why(symbol, one))]

    def check(self) -> None:
        """Raises FatalError for instruments that are not listed, or not as they are described."""
        if found := self.wrong():
            raise FatalError("; ".join(f"{symbol}: {why}" for symbol, why in found))

    def resolved(self, now: int, venue: str) -> Iterable[ContractResolved]:
        for symbol, instrument in self.instruments.items():
            root = self.roots[symbol]
            yield ContractResolved(
                ts_recv=now, instrument=instrument, contract_id=root, name=display_alias(root), venue=venue
            )

    def least(self, symbol: str) -> Decimal:
        """The smallest quantity that the venue takes of one of ours, in units of its quantity."""
        pair = self._pairs.get(self.roots[symbol])
        return pair.qty_min if pair is not None and pair.qty_min is not None else Decimal(0)

    def takes(self, symbol: str, *, reduces: bool) -> None:
        """Raises RefusedError while the venue takes no order for one of ours, or only what reduces."""
        if self.system != ONLINE and not reduces:
            raise RefusedError(f"the venue is in {scrub(self.system)}", cause=Cause.CLOSED)
        pair = self._pairs.get(self.roots[symbol])
        if pair is not None and pair.status not in (_REDUCES if reduces else _TRADED):
            raise RefusedError(
                f"{symbol} takes no orders now: the venue calls it {scrub(pair.status)}", cause=Cause.CLOSED
            )

    def symbol_of(self, instrument: str) -> str:
        """The venue's symbol of one of ours. Raises RefusedError."""
        root = self.roots.get(instrument)
        if root is None:
            raise RefusedError(f"{instrument} is not among the instruments of this venue")
        return root

    def _why(self, symbol: str, instrument: Instrument) -> str:
        if why := wrong_kind(instrument):
            return why
        root = self.roots[symbol]
        pair = self._pairs.get(root)
        if pair is None:
            near = difflib.get_close_matches(root, self._pairs, _MOST_NEAR)
            names = ", ".join(f"{scrub(one)} ({scrub(display_alias(one))})" for one in near)
            return f"{root} is not listed" + (f"; there are {names}" if near else "")
        if pair.status == "delisted":
            return f"{root} is delisted: take it out of the settings"
        if (differs := mapping.terms_differ(pair, instrument)) is not None:
            return f"{differs}: correct it there"
        return ""


def _pair(row: V1Instrument) -> UwsPair:
    status = "disabled" if not row.tradeable else "post_only" if row.post_only else "online"
    return UwsPair(
        symbol=row.symbol.upper(),
        status=status,
        base=row.base or "",
        quote=row.quote or "",
        price_increment=row.tick_size,
        qty_precision=row.contract_value_trade_precision,
    )
