"""Checks a Binance login from the command line: one finding after another, each with its remedy."""

from __future__ import annotations

from collections.abc import Callable

from adapters.binance.config import BinanceConfig
from adapters.binance.transport import SpotRefused
from adapters.binance.venue import BinanceVenue
from adapters.common.finding import Check
from engine.model.errors import FatalError, PortError
from engine.model.market import NANOS
from engine.model.orders import Account
from engine.ports import Clock

MOST_SKEW_MS = 1_000
"""Milliseconds by which our clock may be ahead: the venue refuses what comes from farther in the future."""

AboutAccount = Callable[[Account], Check]


async def probe(config: BinanceConfig, clock: Clock, about: AboutAccount | None = None) -> list[Check]:
    """Reach Binance, compare the clocks, look at key, account and symbols. Places nothing: that the key may
    trade is asked by an order that the venue looks at and does not take. Raises nothing.
    """
    try:
        venue = BinanceVenue(config, clock)
    except FatalError as error:
        return [Check("addresses", False, str(error), "correct the venue's settings")]
    try:
        return await _checks(venue, about)
    finally:
        await venue.close()


async def _checks(venue: BinanceVenue, about: AboutAccount | None) -> list[Check]:
    config = venue.config
    try:
        offset = await venue.transport.sync()
    except PortError as error:
        return [Check("venue reachable", False, str(error), "check the network, and the addresses if set")]
    found = [
        Check("venue reachable", True, f"{config.where.rest} answers ({config.environment.value})"),
        _skew(offset),
    ]
    try:
        await venue.symbols.resolve()
    except PortError as error:
        return [*found, Check("symbols", False, str(error), "correct the instruments in the settings")]
    paused = [venue.symbols.rules(symbol).paused for symbol in config.instruments]
    words = "; ".join(filter(None, paused))
    found.append(
        Check("symbols", not words, words or ", ".join(sorted(venue.symbols.grids)), "wait, or take it out")
    )
    if not config.api_key:
        return [*found, Check("key", False, "no key is set", "make one at Binance and put it into .env")]
    try:
        account = await venue.account()
    except PortError as error:
        return [*found, Check("key", False, str(error), "check key, secret and environment")]
    detail = f"{account.name}, {account.kind.upper()}, {account.balance_usd} {account.currency}"
    found.append(Check("account", account.can_trade, detail, "see what Binance says of the account"))
    if about is not None:
        found.append(about(account))
    if not paused or all(paused):
        return found
    return [*found, await _may_trade(venue)]


async def _may_trade(venue: BinanceVenue) -> Check:
    symbol = next(s for s in venue.config.instruments if not venue.symbols.rules(s).paused)
    known, rules = venue.symbols.instrument(symbol), venue.symbols.rules(symbol)
    try:
        top = await venue.rest.top(rules.symbol)
        await venue.rest.test(
            {
                "symbol": rules.symbol,
                "side": "BUY",
                "type": "LIMIT",
                "timeInForce": "GTC",
                "quantity": f"{max(rules.qty.least, known.lot_size):f}",
                "price": top.bid_price,
            }
        )
    except SpotRefused:
        pass  # the order was looked at, so the key may place one
    except PortError as error:
        return Check("key may trade", False, str(error), "enable spot trading for the key at Binance")
    return Check("key may trade", True, "an order is looked at")


def _skew(offset_ns: int) -> Check:
    ms = offset_ns * 1000 // NANOS
    detail = f"ours is {abs(ms)} ms {'behind' if ms > 0 else 'ahead of'} the venue's"
    if abs(ms) > MOST_SKEW_MS:
        return Check("clock", False, f"{detail}; it is taken into account", "set the machine's clock by NTP")
    return Check("clock", True, detail)
