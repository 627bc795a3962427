"""The gateway's twin with the generated market of futures, alone for other clients: `tstream simulate`."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from decimal import Decimal

import msgspec
from msgspec import structs

from adapters.common.steady import passing_ns
from adapters.simulator.exchange.clock import PracticeClock
from adapters.simulator.ibkr.gateway import IbGatewayTwin
from adapters.simulator.ibkr.records import IbListed
from adapters.simulator.market.contracts import listing
from adapters.simulator.market.generated import GeneratedMarket
from adapters.simulator.market.hours import LEAD_NS, chicago, next_open, trade_date
from adapters.simulator.process import Ready
from engine.model.events import Print, Quote
from engine.model.instrument import Instrument

_FIRST_ID = 700_000_001
_BATCH_S = 0.02
_SLICE = 2_000
_EXCHANGES = {"GC": "COMEX", "MGC": "COMEX"}


class IbPractice:
    """A twin whose market goes on by itself, in practice time."""

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        seed: int = 60,
        rate: float = 1.0,
        speed: float = 1.0,
        balance_usd: Decimal = Decimal(50_000),
        clock: PracticeClock | None = None,
    ) -> None:
        """`clock` is that of another practice venue, whose time is shared."""
        begins = next_open(None, chicago(time.time_ns()).date()) - LEAD_NS
        source = GeneratedMarket(seed, begins if clock is None else clock.origin_ns, rate)
        self.seed = seed
        self.clock = clock or PracticeClock(source.start_ts, passing_ns(), speed)
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
            balance_usd=balance_usd,
            history={symbol: source.history(symbol) for symbol in listed},
            host=host,
            port=port,
        )

    def now(self) -> int:
        """Practice time, nanoseconds UTC."""
        return self.clock.at(passing_ns())

    async def play(self) -> None:
        """Let the market happen, until cancelled or at its end."""
        coming = next(self._events, None)
        while coming is not None:
            now, left = self.now(), _SLICE
            while coming is not None and coming.ts_venue <= now and left:
                self._push(coming)
                coming, left = next(self._events, None), left - 1
            self.twin.account.pump()
            await asyncio.sleep(0 if not left else _BATCH_S)

    def _push(self, event: Quote | Print) -> None:
        self.twin.push(structs.replace(event, instrument=self._keys[event.instrument]))


def _listed(con_id: int, instrument: Instrument, name: str) -> IbListed:
    """The contract that is called "MNQZ6"; its last day is the twentieth of its month."""
    month, year = "FGHJKMNQUVXZ".index(name[-2]) + 1, 2020 + int(name[-1])
    return IbListed(con_id, instrument, f"{year}{month:02}20", _EXCHANGES.get(instrument.symbol, "CME"))


async def serve(practice: IbPractice) -> str:
    """Serve until SIGTERM, SIGINT or SIGHUP; how the account ends, in words. Raises OSError.

    Once it listens it writes `Ready` to stdout.
    """
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
            loop.add_signal_handler(number, stopped.set)
    async with practice.twin as twin:
        clock = practice.clock
        ready = Ready(twin.port, clock.origin_ns, clock.real_origin_ns, clock.rate, practice.seed)
        sys.stdout.write(msgspec.json.encode(ready).decode() + "\n")
        sys.stdout.flush()
        playing = asyncio.create_task(practice.play())
        stopping = asyncio.create_task(stopped.wait())
        done, pending = await asyncio.wait({playing, stopping}, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        for task in done:
            task.result()
        held = ", ".join(
            f"{twin.listed[con_id].local_symbol} {qty:+d}"
            for con_id, (qty, _) in twin.account.positions.items()
        )
        return f"{twin.account.name}: {twin.account.balance_usd:.2f} USD, {held or 'flat'}"
