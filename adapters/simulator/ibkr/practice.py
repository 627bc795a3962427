"""The gateway's twin with the generated market of futures: the practice venue of a run, or alone for other
clients (`tstream simulate`).
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Self

from msgspec import Struct, structs

from adapters.common.steady import passing_ns
from adapters.simulator.exchange.clock import PracticeClock
from adapters.simulator.exchange.store import StateError
from adapters.simulator.ibkr.gateway import IbGatewayTwin
from adapters.simulator.ibkr.records import IbListed, SavedIbAccount
from adapters.simulator.market.contracts import listing
from adapters.simulator.market.generated import GeneratedMarket
from adapters.simulator.market.hours import chicago, next_open, trade_date
from adapters.simulator.opening import early
from adapters.simulator.twins.account import KEPT_NS
from adapters.simulator.twins.store import SavedTwin, TwinMeta, TwinStore, terms_of
from engine.model.events import Print, Quote
from engine.model.instrument import CME_FUTURES, Instrument
from engine.model.market import NANOS
from engine.venue.fill_model import FillModel

ACCOUNT = "DU1234567"
SAVE_EVERY_S = 1.0
_FIRST_ID = 700_000_001
_BATCH_S = 0.02
_SLICE = 2_000
_EXCHANGES = {"GC": "COMEX", "MGC": "COMEX"}

log = logging.getLogger(__name__)


class IbTwinConfig(Struct, frozen=True):
    """What the practice twin of TWS can be told; each as in adapters/simulator/twins/config.py."""

    host: str = "127.0.0.1"
    port: int = 0
    seed: int = 60
    rate: float = 1.0
    speed: float = 1.0
    hold_s: float = 0.0
    since_ns: int = 0
    clock: PracticeClock | None = None
    state: Path | None = None
    balance_usd: Decimal = Decimal(50_000)
    model: FillModel = FillModel(latency_ns=8_000_000)


class IbPractice:
    """A twin whose market goes on by itself, in practice time: `async with IbPractice(config) as venue`.

    Raises StateError, and OSError when the port is taken.
    """

    def __init__(self, config: IbTwinConfig) -> None:
        self.config = config
        self._store, saved = _kept(config)
        source = _market(config, saved)
        held = round(config.hold_s * NANOS)
        self.practice_clock = config.clock or PracticeClock(
            source.start_ts, passing_ns() + held, config.speed
        )
        front = listing(source.instruments, trade_date(source.start_ts), {}).front
        listed = {
            one.symbol: _listed(_FIRST_ID + n, one, front[one.symbol].name)
            for n, one in enumerate(source.instruments)
        }
        self._keys = {symbol: str(one.con_id) for symbol, one in listed.items()}
        self._events = iter(source.events())
        self.twin = IbGatewayTwin(
            tuple(listed.values()),
            self.now,
            accounts=(ACCOUNT,),
            balance_usd=config.balance_usd,
            model=config.model,
            history={symbol: source.history(symbol) for symbol in listed},
            host=config.host,
            port=config.port,
            first_id=source.start_ts // NANOS,
        )
        self._bars_kept = dict.fromkeys(listed, 0)
        if saved is not None:
            self._restore(saved, source)
        for symbol, key in self._keys.items():  # so that there are prices before the market has spoken
            if (last := self.twin.candles[key].last) is not None:
                ts = source.start_ts
                self._push(
                    Quote(ts_recv=ts, ts_venue=ts, instrument=symbol, bid=last, ask=last + 1, last=last)
                )
        self._behind = False
        self._player: asyncio.Task[None] | None = None
        self.twin.account.keep = self.save
        self.save()  # days of history take a while: nobody waits for an answer yet

    def _restore(self, saved: SavedTwin[SavedIbAccount], source: GeneratedMarket) -> None:
        for symbol, key in self._keys.items():
            self._bars_kept[symbol] = len(saved.bars.get(symbol, ()))
            forming = saved.meta.forming.get(symbol)
            if forming is not None and not forming.over(source.start_ts):
                self.twin.candles[key].forming = forming
        if ACCOUNT in saved.accounts:
            self.twin.account.restore(saved.accounts[ACCOUNT][0])

    async def __aenter__(self) -> Self:
        try:
            await self.twin.__aenter__()
        except OSError:
            self._close()
            raise
        self._player = asyncio.create_task(self._play())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop and keep everything. Raises what made the player fail, if it did."""
        try:
            if self._player is not None:
                self._player.cancel()
                with suppress(asyncio.CancelledError):
                    await self._player
            await self.twin.__aexit__(kind, error, trace)
        finally:
            self._close()

    def _close(self) -> None:
        self.save()
        if self._store is not None:
            self._store.close()

    @property
    def port(self) -> int:
        return self.twin.port

    def now(self) -> int:
        """Practice time, nanoseconds UTC."""
        return self.practice_clock.at(passing_ns())

    def release(self, real_origin_ns: int) -> None:
        """Let practice time that is held go on at an instant of the real clock, nanoseconds."""
        if real_origin_ns < self.practice_clock.real_origin_ns:
            self.practice_clock = PracticeClock(
                self.practice_clock.origin_ns, real_origin_ns, self.practice_clock.rate
            )

    async def failed(self) -> None:
        """Wait until the player ends, which it does by an error only, and raise that."""
        if self._player is not None:
            await asyncio.shield(self._player)

    def summary(self) -> str:
        """How the account stands."""
        account = self.twin.account
        held = ", ".join(
            f"{self.twin.listed[con_id].local_symbol} {qty:+d}"
            for con_id, (qty, _) in account.positions.items()
        )
        return f"{account.name}: {account.balance_usd:.2f} USD, {held or 'flat'}"

    def save(self) -> None:
        """Keep account and market. A full disk ends no market."""
        if self._store is None:
            return
        closed = {symbol: self.twin.candles[key].closed for symbol, key in self._keys.items()}
        forming = {s: one for s, key in self._keys.items() if (one := self.twin.candles[key].forming)}
        instruments = [one.instrument for one in self.twin.listed.values()]
        now = self.now()
        meta = TwinMeta(now, self.config.speed, self.config.seed, terms_of(instruments), forming)
        bars = [
            structs.replace(bar, instrument=symbol)
            for symbol, found in closed.items()
            for bar in found[self._bars_kept[symbol] :]
        ]
        self.twin.account.forget(now - KEPT_NS)
        try:
            self._store.write(meta, {ACCOUNT: self.twin.account.saved()}, {}, bars)
        except StateError as error:
            if not self._behind:
                log.warning("what happens is not being kept: %s", error)
            self._behind = True
            return
        self._behind = False
        self._bars_kept = {symbol: len(found) for symbol, found in closed.items()}

    async def _play(self) -> None:
        """Let the market happen."""
        coming = next(self._events, None)
        loop = asyncio.get_running_loop()
        saved = loop.time()
        while True:
            now, left = self.now(), _SLICE
            while coming is not None and coming.ts_venue <= now and left:
                self._push(coming)
                coming, left = next(self._events, None), left - 1
            self.twin.account.pump()
            if loop.time() - saved >= SAVE_EVERY_S:
                saved = loop.time()
                self.save()
            await asyncio.sleep(0 if not left else _BATCH_S)

    def _push(self, event: Quote | Print) -> None:
        self.twin.push(structs.replace(event, instrument=self._keys[event.instrument]))


def _listed(con_id: int, instrument: Instrument, name: str) -> IbListed:
    """The contract that is called "MNQZ6"; its last day is one late in its month."""
    month, year = "FGHJKMNQUVXZ".index(name[-2]) + 1, 2020 + int(name[-1])
    return IbListed(con_id, instrument, f"{year}{month:02}28", _EXCHANGES.get(instrument.symbol, "CME"))


def _kept(
    config: IbTwinConfig,
) -> tuple[TwinStore[SavedIbAccount] | None, SavedTwin[SavedIbAccount] | None]:
    """The state file, and what an earlier run left there. Raises StateError."""
    if config.state is None:
        return None, None
    store = TwinStore(config.state, SavedIbAccount)
    try:
        saved = store.load()
        if saved is not None:
            store.check_terms(saved, CME_FUTURES.values())
            store.prune(saved.meta.now - 2 * KEPT_NS)
    except StateError:
        store.close()
        raise
    return store, saved


def _market(config: IbTwinConfig, saved: SavedTwin[SavedIbAccount] | None) -> GeneratedMarket:
    """As the practice venue of futures begins and goes on."""
    today = chicago(time.time_ns()).date()
    asked = config.since_ns or (0 if config.clock is None else config.clock.origin_ns)
    if saved is None:
        return GeneratedMarket(config.seed, asked or early(next_open(None, today)), config.rate)
    resumed = saved.meta.now + int(2 * SAVE_EVERY_S * saved.meta.speed * NANOS)
    start = max(resumed, asked or early(next_open(resumed, today)))
    return GeneratedMarket(config.seed, start, config.rate, saved.past(start))
