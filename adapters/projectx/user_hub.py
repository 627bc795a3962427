"""The user hub: one connection for all accounts of a login, and how each book stands on it."""

from __future__ import annotations

import asyncio

from adapters.projectx.access import Access
from adapters.projectx.account import choose_account
from adapters.projectx.link import Link, Stream
from adapters.projectx.user_stream import Member, UserStream
from adapters.projectx.wire import WireAccount
from engine.model.errors import FatalError, RetryableError
from engine.model.events import LinkState


class UserHub:
    """Connected while any book is served. What ends one of them ends it alone."""

    def __init__(self, venue: Access) -> None:
        self._venue = venue
        self._members: list[Member] = []
        self._task: asyncio.Task[None] | None = None
        self._stream: UserStream | None = None
        """The one that counts."""

    async def serve(self, member: Member) -> None:
        """Adopt a book's account and report what becomes of it, until cancelled.

        Raises FatalError when login, contracts or this account need a person.
        """
        self._members.append(member)
        member.tell(LinkState.CONNECTING)
        if self._task is None:
            venue = self._venue
            link = Link("user", venue.config.user_hub_url, venue, self._make_stream, self._report)
            self._task = asyncio.create_task(link.run(), name="projectx-user-hub")
            self._task.add_done_callback(self._over)
        try:
            await member.ended
        except asyncio.CancelledError:
            member.tell(LinkState.DOWN, "stopped")
            raise
        finally:
            self._members.remove(member)
            if not self._members and (task := self._task) is not None:
                self._task = self._stream = None
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    def _over(self, task: asyncio.Task[None]) -> None:
        """The connection can't be had without a person, or by a bug of ours."""
        if task.cancelled() or (error := task.exception()) is None:
            return
        self._task = None
        for member in self._members:
            member.end(error)

    async def _make_stream(self) -> Stream:
        await self._venue.contracts.ensure()
        await self._adopt()
        if not self._adopted():
            raise RetryableError("no account to listen to")
        return UserStream(self._late, self._count, self._venue.anomalies, self._venue.config.timing)

    def _adopted(self) -> list[Member]:
        return [one for one in self._members if one.account_id is not None and not one.ended.done()]

    def _count(self, stream: UserStream) -> None:
        self._stream = stream

    async def _late(self) -> list[Member]:
        """All books to serve; accounts of new ones are adopted first. Raises RetryableError."""
        await self._adopt()
        return self._adopted()

    async def _adopt(self) -> None:
        """Find the accounts of the books that have none. Raises RetryableError."""
        new = [one for one in self._members if one.account_id is None and not one.ended.done()]
        if not new:
            return
        active = await self._venue.accounts(active=True)
        inactive: list[WireAccount] | None = None
        for member in new:
            try:
                try:
                    row = choose_account(active, member.wanted)
                except FatalError:
                    if inactive is None:
                        inactive = await self._venue.accounts(active=False)
                    row = choose_account(inactive, member.wanted)
                for other in self._members:
                    if other.account_id == row.id:
                        raise FatalError(
                            f"the account {row.name} is the one of the book {other.book} already"
                        )
                member.adopt(row)
                member.account_id = row.id
            except FatalError as error:
                member.tell(LinkState.DOWN, str(error))
                member.end(error)

    def _report(self, state: LinkState, detail: str, _since: int) -> None:
        """Each book hears how the connection stands, and where its account is not carried, that instead."""
        stream = self._stream
        for member in tuple(self._members):
            if state is LinkState.LIVE and (stream is None or not stream.carries(member)):
                member.tell(LinkState.DOWN, "" if stream is None else stream.trouble(member))
            elif not member.ended.done():
                member.tell(state, detail, again=state is LinkState.LIVE)
