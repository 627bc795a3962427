"""The same Idempotency-Key never trades twice: at the same time, after an answer, a restart, a long time."""

from __future__ import annotations

import asyncio
import sqlite3
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from adapters.control.rest.idempotency import command_id
from engine.model.commands import AGAIN, ONLY_TRIED, AnyCommand, PlaceManual
from engine.model.errors import RefusedError, RetryableError, UnknownOutcomeError
from engine.model.notices import Notice, NoticeKind
from tests.control.fake import a_view
from tests.control.rest.serving import Obedient, Served, served
from tests.support.engine_over_sockets import PRICE, placed, venue_side
from tests.support.waits import until

ORDER = {"symbol": "MNQ", "side": "buy", "qty": 1, "stop_ticks": 40, "target_ticks": [80]}


class Remembering(Obedient):
    """Knows ids as the engine does: the same again does nothing again."""

    def __init__(self) -> None:
        super().__init__(a_view())
        self.trades: list[PlaceManual] = []
        self.known: dict[str, str] = {}
        self.silent = False
        """It takes commands and never answers."""
        self.lost = False
        """It never gets them."""

    def ask(self, command: AnyCommand) -> Future[Notice]:
        if not self.silent:
            return super().ask(command)
        self.sent.append(command)
        if not self.lost:
            self.obey(command)
        return Future()

    def obey(self, command: AnyCommand) -> Notice:
        if not isinstance(command, PlaceManual):
            return super().obey(command)
        if command.id in self.known:
            text = AGAIN + self.known[command.id]
        else:
            text = self.known[command.id] = f"{ONLY_TRIED}1" if command.dry_run else f"placed {command.qty}"
            if not command.dry_run:
                self.trades.append(command)
        return self.tell(NoticeKind.COMMAND, text, command_id=command.id, done=True)


async def place(api: Served, key: str | None, scope: str = "trade", **other: Any) -> tuple[int, Any, bool]:
    headers = {} if key is None else {"Idempotency-Key": key}
    reply = await api.ask("POST", "/trading/order", scope, json=ORDER | other, **headers)
    return reply.status, await reply.json(), "Idempotency-Replayed" in reply.headers


async def test_the_same_key_is_answered_the_same_and_trades_once(tmp_path: Path) -> None:
    handle = Remembering()
    async with served(handle, tmp_path) as api:
        status, first, replayed = await place(api, "k-1")
        assert (status, replayed) == (200, False)
        assert first["message"] == "placed 1"
        assert await place(api, "k-1") == (200, first, True)
        status, told, _ = await place(api, "k-1", qty=2)
        assert (status, told["error"]) == (409, "key_used")
        assert (await place(api, "k-1", scope="admin"))[2] is False  # another token has keys of its own
        assert (await place(api, "k-2"))[2] is False
        for wrong in (None, "", "a b", "x" * 101, "%00"):
            assert (await place(api, wrong))[0] == 400
    assert len(handle.trades) == 3
    assert handle.trades[0].id == first["order_id"]


async def test_the_same_key_at_the_same_time_trades_once(tmp_path: Path) -> None:
    handle = Remembering()
    async with served(handle, tmp_path) as api:
        answers = await asyncio.gather(*(place(api, "k") for _ in range(40)))
        others = await asyncio.gather(*(place(api, "k", qty=3) for _ in range(5)))
    assert {status for status, _, _ in answers} == {200}
    assert len({body["order_id"] for _, body, _ in answers}) == 1
    assert {(status, body["error"]) for status, body, _ in others} == {(409, "key_used")}
    assert len(handle.trades) == 1


async def test_a_key_is_kept_over_restarts_and_longer_than_the_engine_remembers(tmp_path: Path) -> None:
    handle = Remembering()
    async with served(handle, tmp_path) as api:
        _, first, _ = await place(api, "k", "a-token-of-all-scopes")
    handle.known.clear()  # a thousand others came since
    async with served(handle, tmp_path) as api:
        assert await place(api, "k", "a-token-of-all-scopes") == (200, first, True)
    assert len(handle.trades) == 1


async def test_what_was_never_heard_is_looked_up_and_never_sent_again(tmp_path: Path) -> None:
    handle = Remembering()
    own = "a-token-of-all-scopes"
    async with served(handle, tmp_path, answer_s=0.2) as api:
        handle.silent = True
        status, told, _ = await place(api, "heard", own)
        assert (status, told["error"]) == (504, "unknown")
        assert (await place(api, "heard", own))[0] == 504  # it is still under way
        handle.lost = True
        assert (await place(api, "lost", own))[0] == 504
    handle.silent = handle.lost = False
    async with served(handle, tmp_path) as api:
        status, body, _ = await place(api, "heard", own)
        assert (status, body["message"]) == (200, f"{AGAIN}placed 1")
        status, body, _ = await place(api, "lost", own)
        assert (status, body["error"]) == (409, "refused")
        assert "new Idempotency-Key" in body["remedy"]
        assert (await place(api, "lost", own))[::2] == (409, True)
    assert len(handle.trades) == 1


async def test_a_look_up_that_could_not_be_written_down_is_no_order_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = Remembering()
    handle.silent = handle.lost = True
    async with served(handle, tmp_path, answer_s=0.1) as api:
        assert (await place(api, "lost", "a-token-of-all-scopes"))[0] == 504
    handle.silent = handle.lost = False
    async with served(handle, tmp_path) as api:

        async def full(*what: object) -> None:
            raise RetryableError("the disk is full")

        monkeypatch.setattr(api.server.api.keys, "answer", full)
        for _ in range(3):
            status, body, _ = await place(api, "lost", "a-token-of-all-scopes")
            assert (status, body["error"]) == (409, "refused")
    assert handle.trades == []


async def test_what_was_certainly_not_done_may_be_sent_again(tmp_path: Path) -> None:
    handle = Remembering()
    async with served(handle, tmp_path) as api:
        handle.error = RefusedError("the engine has stopped")
        assert (await place(api, "k"))[0] == 503
        handle.error = UnknownOutcomeError("nothing was said")
        assert (await place(api, "other"))[0] == 504
        handle.error = None
        assert (await place(api, "k"))[0] == 200
        assert (await place(api, "other"))[0] == 409
    assert len(handle.trades) == 1


async def test_where_the_key_can_t_be_written_down_nothing_is_sent(tmp_path: Path) -> None:
    handle = Remembering()
    (tmp_path / "api-keys.db").write_bytes(b"this is no database" * 100)
    async with served(handle, tmp_path) as api:
        status, told, _ = await place(api, "k")
        assert (status, told["error"]) == (503, "not_now")
    assert handle.sent == []


def test_the_id_of_a_command_is_of_token_and_key_and_short_enough_for_the_journal() -> None:
    ids = {command_id(token, key) for token in ("a", "a\0b") for key in ("c", "b\0c", "")}
    assert len(ids) == 6
    assert all(len(one) <= 40 for one in ids)


async def test_the_real_engine_trades_once_for_a_key_across_a_crash(tmp_path: Path) -> None:
    own = "a-token-of-all-scopes"
    async with venue_side(tmp_path) as f:
        async with f.engine() as run, served(run.engine, tmp_path) as api:
            f.market(PRICE)
            await until(lambda: "MNQ" in run.core.market.quotes)
            book = run.core.books["practice"]
            await until(lambda: book.recovered and not run.core.entries.against(book, "MNQ"))
            status, first, _ = await place(api, "once", own)
            assert status == 200, first
            await until(lambda: run.qty() == 1 and sum(qty for qty, _ in run.stops()) == 1)
            await run.stored()
            await run.crash()
        for lost in (False, True):
            if lost:
                (tmp_path / "api-keys.db").unlink()  # the journal alone knows
            async with f.engine() as again, served(again.engine, tmp_path) as api:
                status, told, replayed = await place(api, "once", own)
                assert (status, replayed, told["order_id"]) == (200, not lost, first["order_id"])
                assert placed(again) == 0
                assert again.qty() == 1
        assert [position["size"] for position in await f.positions()] == [1]


def test_the_file_of_keys_is_for_its_owner_only(tmp_path: Path) -> None:
    async def use() -> None:
        async with served(Remembering(), tmp_path) as api:
            await place(api, "k")

    asyncio.run(use())
    file = tmp_path / "api-keys.db"
    assert file.stat().st_mode & 0o077 == 0
    with sqlite3.connect(file) as db:
        assert db.execute("SELECT count(*) FROM used WHERE status = 200").fetchone() == (1,)
