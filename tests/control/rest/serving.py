"""A REST API on an engine that a test holds, over real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import ClientResponse, ClientSession

from adapters.common.secret import Secret
from adapters.control.access import AccessLog
from adapters.control.rest.config import ApiConfig
from adapters.control.rest.server import ApiServer
from adapters.control.tokens import Scope, TokenFile
from engine.model.commands import AnyCommand
from engine.model.market import NANOS
from engine.model.notices import Notice, NoticeKind, Severity
from engine.ports import EngineHandle
from tests.control.fake import FakeHandle

NOW = 1_900_000_000 * NANOS
OWN = "a-token-of-all-scopes"


class Obedient(FakeHandle):
    """Carries every command out."""

    def obey(self, command: AnyCommand) -> Notice:
        return self.tell(NoticeKind.COMMAND, f"did {command.id}", command_id=command.id, done=True)


@dataclass
class Served:
    """The API, a client, and what people were told."""

    server: ApiServer
    session: ClientSession
    tokens: dict[str, str]
    told: list[tuple[Severity, str]] = field(default_factory=list)

    async def ask(
        self, method: str, path: str, scope: str | None = "read", json: Any = None, **headers: str
    ) -> ClientResponse:
        """One request with the token of a scope, or with none; its answer, read whole."""
        given = dict(headers)
        if scope is not None:
            given["Authorization"] = f"Bearer {self.tokens.get(scope, scope)}"
        async with self.session.request(
            method, f"{self.server.url}{path}", json=json, headers=given
        ) as reply:
            await reply.read()
            return reply

    async def get(self, path: str, scope: str = "read") -> Any:
        """What a GET answers, which has to be good."""
        reply = await self.ask("GET", path, scope)
        assert reply.status == 200, (reply.status, await reply.text())
        return await reply.json()


@asynccontextmanager
async def served(handle: EngineHandle, folder: Path, **config: Any) -> AsyncIterator[Served]:
    """Serve until the block ends; the same folder again has the same tokens and keys."""
    file = TokenFile(folder / "api-tokens.json")
    there = {one.name for one in file.read()}
    made = {scope: file.create(scope, [scope], NOW)[1] for scope in Scope if scope not in there}
    wanted: dict[str, Any] = {
        "tokens": file.path,
        "keys": folder / "api-keys.db",
        "version": "1.2.3",
        "port": 0,
        "token": Secret(OWN),
        "per_minute": 100_000,
        "orders_per_minute": 100_000,
    }
    told: list[tuple[Severity, str]] = []
    with AccessLog(
        folder / "access.log", lambda: NOW, lambda severity, text: told.append((severity, text))
    ) as log:
        server = ApiServer(handle, ApiConfig(**(wanted | config)), log, lambda: NOW)
        await server.start()
        try:
            async with ClientSession() as session:
                tokens = {scope.value: text for scope, text in made.items()} or dict.fromkeys(Scope, OWN)
                yield Served(server, session, tokens, told)
        finally:
            await server.stop()
