"""Checks the venue from the command line: one finding after another, each with its remedy. Places nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from adapters.common.finding import Check
from adapters.common.json_link import JsonLink, SocketStream
from adapters.kraken.access import KrakenAccess
from adapters.kraken.account import Holding
from adapters.kraken.asking import Asking
from adapters.kraken.broker import account_name
from adapters.kraken.candles import Charts
from adapters.kraken.config import KrakenConfig
from adapters.kraken.listing import Listed
from adapters.kraken.look_stream import KrakenLookStream
from adapters.kraken.requests import DERIVATIVES
from adapters.kraken.wire import KrakenWireError, UwsInstruments, UwsMessage
from engine.model.errors import FatalError, PortError, RetryableError
from engine.model.events import LinkState
from engine.model.orders import Account, AccountKind
from engine.ports import Clock

AccountCheck = Callable[[Account], Check]
"""What the caller has to say about the account that was found."""


class _Products(Asking):
    """Asks what is listed, and no more."""

    def __init__(self, access: KrakenAccess) -> None:
        super().__init__(access.anomalies)
        self._listed: Listed = access.listed
        self._read_s = access.config.timing.read_s
        self._came = asyncio.Event()

    async def subscribe(self) -> None:
        params = {"channel": "instrument", "asset_class": DERIVATIVES, "snapshot": True}
        await self.query("subscribe", params, self._read_s)
        try:
            async with asyncio.timeout(self._read_s):
                await self._came.wait()
        except TimeoutError:
            raise RetryableError("the venue shows no products") from None

    def handle(self, message: UwsMessage) -> None:
        if isinstance(message, UwsInstruments):
            self._listed.learn(message.data.pairs)
            self._came.set()


async def probe(config: KrakenConfig, clock: Clock, about: AccountCheck | None = None) -> list[Check]:
    """Reach the market, compare the products, log in, look the account up. Raises nothing."""
    access = KrakenAccess(config, clock)
    try:
        return [*await _market(access), *await _account(access, about)]
    finally:
        await access.close()


async def _market(access: KrakenAccess) -> list[Check]:
    config = access.config
    try:
        if config.protocol == "v1":
            charts = Charts(config, access.http, access.anomalies)
            access.listed.learn_v1((await charts.instruments()).instruments)
        else:
            await _carried(access, config.public_url, _Products(access))
    except PortError as error:
        return [
            Check(
                "market reachable", False, str(error), "check the network, and the addresses if they are set"
            )
        ]
    found = [Check("market reachable", True, f"{len(access.listed)} products are listed")]
    wrong = dict(access.listed.wrong())
    for symbol in sorted(config.instruments):
        if symbol in wrong:
            remedy = "correct the instruments in the settings"
            found.append(Check("instrument", False, f"{symbol}: {wrong[symbol]}", remedy))
        else:
            least = access.listed.least(symbol).normalize()
            words = f"{symbol} is {access.listed.roots[symbol]}" + (
                f", {least:f} is the least" if least else ""
            )
            found.append(Check("instrument", True, words))
    return found


async def _account(access: KrakenAccess, about: AccountCheck | None) -> list[Check]:
    config = access.config
    if not config.api_key:
        return [Check("login", True, "no key: prices alone")]
    try:
        await access.tokens.token()
    except PortError as error:
        remedy = (
            "check the key in .env and its permissions"
            if isinstance(error, FatalError)
            else "try again later"
        )
        return [Check("login", False, str(error), remedy)]
    login = Check("login", True, "the key gives a token")
    try:
        account = await account_of(access)
    except PortError as error:
        remedy = "give the key the permissions to query open orders and to trade futures"
        return [login, Check("account", False, str(error), remedy)]
    more = [] if about is None else [about(account)]
    detail = f"{account.name}, {account.kind.upper()}, balance {account.balance_usd} USD"
    return [login, Check("account", True, detail), *more]


async def account_of(access: KrakenAccess) -> Account:
    """The account of the key, looked up once. Raises PortError."""
    config = access.config
    looker = KrakenLookStream(access.tokens, access.anomalies, config.timing.read_s)
    await _carried(access, config.private_url, looker)
    holding = Holding(access.listed.ours)
    try:
        holding.balances(looker.shown.balances, whole=True)
    except KrakenWireError as error:
        raise RetryableError(f"balances: {error}") from None
    name = account_name(config.api_key.reveal())
    kind = AccountKind.PRACTICE if config.practice else AccountKind.LIVE
    return Account(name, name, kind, holding.balance_usd, can_trade=True, currency="USD")


async def _carried(access: KrakenAccess, url: str, stream: SocketStream) -> None:
    """Once, until what a connection carries has come. Raises RetryableError, FatalError."""
    came: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def report(state: LinkState, detail: str) -> None:
        if state in (LinkState.LIVE, LinkState.DOWN) and not came.done():
            came.set_result("" if state is LinkState.LIVE else detail or "the connection broke")

    async def make() -> SocketStream:
        return stream

    link = asyncio.create_task(JsonLink("check", url, make, report, access.sockets(), access.rng).run())
    try:
        if why := await came:
            raise RetryableError(why)
    finally:
        link.cancel()
        await asyncio.gather(link, return_exceptions=True)
