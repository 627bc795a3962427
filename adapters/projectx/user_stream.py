"""What one connection to the user hub carries: orders, fills, positions and balances of several accounts."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable

from msgspec import Raw

from adapters.common.anomalies import Anomalies
from adapters.projectx.account import AccountReports
from adapters.projectx.config import Timing
from adapters.projectx.link import Invoke, Silence, Stream
from adapters.projectx.signalr import InvocationFailed
from adapters.projectx.wire import WireAccount, WireError, WireOrder, WirePosition, WireTrade, read_user
from engine.model.errors import PortError
from engine.model.events import LinkState

_log = logging.getLogger(__name__)
_DELETED = 2


class Member:
    """A book that hears of its account over the hub."""

    def __init__(
        self,
        book: str,
        wanted: str | int | None,
        reports: AccountReports,
        adopt: Callable[[WireAccount], None],
        tell: Callable[[LinkState, str], None],
    ) -> None:
        """`adopt` takes the account that was found, or raises FatalError; `tell` hears how the stream stands.

        `wanted` is the account's name or id; None leaves the choice to `choose_account`.
        """
        self.book = book
        self.wanted = wanted
        self.reports = reports
        self.adopt = adopt
        self.account_id: int | None = None
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._tell = tell
        self._told: tuple[LinkState, str] | None = None

    def tell(self, state: LinkState, detail: str = "", *, again: bool = False) -> None:
        """Say how its stream stands, if that is news; with `again` in any case."""
        if again or (state, detail) != self._told:
            self._told = state, detail
            self._tell(state, detail)

    def end(self, error: BaseException) -> None:
        """It can't go on; the others can."""
        if not self.ended.done():
            self.ended.set_exception(error)


class UserStream(Stream):
    """Hands every record on to the book of its account, in the order of the wire.

    An account that can't be subscribed costs the others nothing, and is tried again. A trade that a query
    has shown, and that it does not tell of, speaks against it.

    Records may come twice: when two connections overlap both report, as a lost fill is worse than one told
    twice, and by the gateway's own habit. Silence is normal: an account in which nothing happens says
    nothing, the hub sends no first state, and its pings tell if it is gone.
    """

    def __init__(
        self,
        members: Callable[[], Awaitable[Iterable[Member]]],
        count: Callable[[UserStream], None],
        anomalies: Anomalies,
        timing: Timing,
    ) -> None:
        """`members` gives the books to serve, `count` hears when this connection is the one that counts."""
        self._members = members
        self._count = count
        self._untold_s = timing.untold_s
        self._again_s = timing.backoff_cap_s
        self._anomalies = anomalies
        self._carried: dict[int, Member] = {}
        self._failed: dict[int, str] = {}
        self._counts = False
        self._next_try = 0.0
        self._readers = {
            "GatewayUserAccount": self._accounts,
            "GatewayUserOrder": self._orders,
            "GatewayUserPosition": self._positions,
            "GatewayUserTrade": self._trades,
        }

    def carries(self, member: Member) -> bool:
        """Whether the subscriptions of a book's account stand."""
        return self._carried.get(member.account_id or 0) is member

    def trouble(self, member: Member) -> str:
        """Why they do not, in words."""
        return self._failed.get(member.account_id or 0, "its account is not subscribed yet")

    async def subscribe(self, invoke: Invoke) -> None:
        """Raises InvocationFailed where no account at all can be heard."""
        await invoke("SubscribeAccounts")
        error = await self._take_in(await self._members(), invoke)
        if error is not None and not self._carried:
            raise error

    async def tend(self, invoke: Invoke) -> None:
        """Subscribe the accounts of books that have come since, and again those that could not be."""
        now = asyncio.get_running_loop().time()
        if now < self._next_try:
            return
        try:
            members = list(await self._members())
        except PortError as error:
            _log.warning("user hub: a book's account can't be asked for yet: %s", error)
            self._next_try = now + self._again_s
            return
        new = [member for member in members if not self.carries(member)]
        if not new:
            return
        if await self._take_in(new, invoke) is not None:
            self._next_try = now + self._again_s
        for member in new:
            if self.carries(member):
                member.tell(LinkState.LIVE)
            else:
                member.tell(LinkState.DOWN, self.trouble(member))

    def go_live(self) -> None:
        self._counts = True
        self._count(self)
        for member in self._carried.values():
            member.reports.renewed(self._untold_s)

    def silence(self, now: float) -> Silence | None:
        told = (member.reports.untold(now - self._untold_s) for member in self._heard())
        since = min((ts for ts in told if ts is not None), default=None)
        return (
            None if since is None else Silence("a fill that it ought to have told is known by query", since)
        )

    def receive(self, target: str, arguments: Raw) -> None:
        reader = self._readers.get(target)
        if reader is None:
            return
        try:
            reader(arguments)
        except WireError as error:
            self._anomalies.note(target, error, bytes(arguments)[:200])

    async def _take_in(self, members: Iterable[Member], invoke: Invoke) -> InvocationFailed | None:
        """Subscribe each account; the last failure. Records of an account may come before all is answered."""
        failure = None
        for member in members:
            account = member.account_id
            assert account is not None, "only adopted books are served"
            self._carried[account] = member
            if self._counts:
                member.reports.renewed(self._untold_s)
            try:
                for method in ("SubscribeOrders", "SubscribePositions", "SubscribeTrades"):
                    await invoke(method, account)
            except InvocationFailed as error:
                failure = error
                self._failed[account] = str(error)
                del self._carried[account]
        return failure

    def _heard(self) -> list[Member]:
        return [member for member in self._carried.values() if not member.ended.done()]

    def _of(self, target: str, account: int) -> AccountReports | None:
        """Who hears of an account; what belongs to none of ours is counted and goes nowhere."""
        member = self._carried.get(account)
        if member is not None:
            return None if member.ended.done() else member.reports
        self._anomalies.note(f"{target} of an account that is not ours", "left out", account)
        return None

    def _accounts(self, arguments: Raw) -> None:
        for _, row in read_user(arguments, WireAccount):
            # The hub tells of every account of the login: others are none of our business.
            if (member := self._carried.get(row.id)) is not None:
                member.reports.account(row)

    def _orders(self, arguments: Raw) -> None:
        for _, row in read_user(arguments, WireOrder):
            if (reports := self._of("GatewayUserOrder", row.account_id)) is not None:
                reports.deliver(row, row.symbol_id)

    def _positions(self, arguments: Raw) -> None:
        for action, row in read_user(arguments, WirePosition):
            if (reports := self._of("GatewayUserPosition", row.account_id)) is not None:
                if action == _DELETED:
                    row.size = 0
                reports.deliver(row)

    def _trades(self, arguments: Raw) -> None:
        for _, row in read_user(arguments, WireTrade):
            if (reports := self._of("GatewayUserTrade", row.account_id)) is not None:
                reports.deliver(row)
