"""Checks TWS or IB Gateway from the command line: one finding after another, each with its remedy."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from importlib.metadata import version

from adapters.common.finding import Check
from adapters.ibkr import mapping
from adapters.ibkr.broker import chosen
from adapters.ibkr.config import LIVE_PORTS, PAPER_PORTS, IbkrConfig, kind_of
from adapters.ibkr.gateway import Gateway
from adapters.ibkr.library import NEWEST_SERVER, OLDEST_SERVER, load
from engine.model.errors import FatalError, PortError, RetryableError
from engine.model.orders import Account, AccountKind
from engine.ports import Clock

AccountCheck = Callable[[Account], Check]
"""What the caller has to say about the account that was found."""

_PROBE_S = 30.0


class _Once:
    """Hears how the first connection goes."""

    def __init__(self) -> None:
        self.heard: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        """Empty where it stands; else what is wrong."""

    async def connected(self) -> None:
        self._set("")

    def lost(self, detail: str) -> None:
        self._set(detail)

    def noticed(self, code: int, text: str) -> None:
        pass

    def _set(self, detail: str) -> None:
        if not self.heard.done():
            self.heard.set_result(detail)


async def probe(config: IbkrConfig, clock: Clock, about: AccountCheck | None = None) -> list[Check]:
    """Connect, read versions, accounts and contracts. Places nothing, raises nothing."""
    try:
        load()
    except FatalError as error:
        return [Check("ib_async", False, str(error), 'pip install "tstream[ibkr]"')]
    found = [Check("ib_async", True, f"version {version('ib_async')}")]
    gateway, once = Gateway(config, clock), _Once()
    where = f"{config.host}:{config.port}"
    try:
        async with asyncio.timeout(_PROBE_S), gateway.used_by(once):
            if wrong := await once.heard:
                return [*found, Check("gateway", False, wrong, _remedy(config))]
            ib = gateway.ib
            server = ib.client.serverVersion()
            said = f"{where} speaks API version {server} ({OLDEST_SERVER} to {NEWEST_SERVER} are known)"
            found.append(Check("gateway", True, said))
            found += _accounts(config, ib.managedAccounts(), gateway, about)
            names = (
                f"{symbol} is {one.localSymbol or one.symbol}" for symbol, one in gateway.contracts.items()
            )
            found.append(Check("contracts", True, ", ".join(names)))
    except TimeoutError:
        found.append(Check("gateway", False, f"no end of questions within {_PROBE_S:.0f} s", _remedy(config)))
    except PortError as error:
        found.append(Check("gateway", False, str(error), _remedy(config)))
    return found


def _accounts(
    config: IbkrConfig, managed: list[str], gateway: Gateway, about: AccountCheck | None
) -> list[Check]:
    names = [name for name in managed if name]
    wanted = [name for name in names if name == config.account] if config.account else names
    if config.account and not wanted:
        detail = f"this login has no account {config.account}; it has {', '.join(names) or 'none'}"
        return [Check("account", False, detail, "set accounts to a number of this login")]
    found: list[Check] = []
    for name in wanted:
        kind = kind_of(name)
        usual = LIVE_PORTS if kind is AccountKind.PRACTICE else PAPER_PORTS
        odd = (
            f", though {config.port} is as a rule the port of the other kind" if config.port in usual else ""
        )
        try:
            account = mapping.account(name, gateway.ib.accountValues(name))
        except PortError:
            found.append(Check("account", True, f"{name}, {kind.upper()}{odd}"))
            continue
        money = f"cash {account.balance_usd} {account.currency}"
        found.append(Check("account", True, f"{name}, {kind.upper()}, {money}{odd}"))
        if about is not None:
            found.append(about(account))
    return found


def _remedy(config: IbkrConfig) -> str:
    return (
        "start TWS or IB Gateway, log in, and in its API settings enable socket clients, turn Read-Only API "
        f"off and set the port to {config.port}; client id {config.client_id} must be free"
    )


async def account_of(config: IbkrConfig, clock: Clock) -> Account:
    """The account that would be traded. Raises RetryableError, FatalError."""
    gateway, once = Gateway(config, clock), _Once()
    try:
        async with asyncio.timeout(_PROBE_S), gateway.used_by(once):
            if wrong := await once.heard:
                raise RetryableError(wrong)
            name = chosen(config, gateway.ib.managedAccounts())
            return mapping.account(name, gateway.ib.accountValues(name))
    except TimeoutError:
        raise RetryableError(f"TWS or IB Gateway: no end of questions within {_PROBE_S:.0f} s") from None
