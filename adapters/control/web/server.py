"""The web server of `tstream web`: a login, the page, and a websocket for each tab."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from aiohttp import web

from adapters.control.access import AccessLog, Door, Visitor
from adapters.control.attach_protocol import Role
from adapters.control.web import checks, page_files
from adapters.control.web.config import WebConfig
from adapters.control.web.logins import LASTS_S, Logins
from adapters.control.web.messages import MESSAGE_LIMIT
from adapters.control.web.tab import HangUp, Tab
from engine.model.errors import FatalError
from engine.model.notices import Severity

_FORM, _FORM_LIMIT = "application/x-www-form-urlencoded", 4 * 1024
_HEARTBEAT_S = 15.0
_CLOSE_S = 5.0
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class WebServer:
    """One for each `tstream web`."""

    def __init__(self, config: WebConfig, access: AccessLog | None = None) -> None:
        """`access` hears who comes, who is not let in, and what is news for people."""
        self.config = config
        self._access = access
        self._ssl = config.check()
        self._logins = Logins(config.password, config.viewer_password, time.monotonic)
        self._files = page_files.read_files()
        self._tabs: set[Tab] = set()
        self._runner: web.AppRunner | None = None
        self.port = config.port

    @property
    def url(self) -> str:
        """Where a browser on this machine finds it, once it listens."""
        host = f"[{self.config.host}]" if ":" in self.config.host else self.config.host
        return f"{'http' if self._ssl is None else 'https'}://{host}:{self.port}/"

    @property
    def tabs(self) -> int:
        """How many are open."""
        return len(self._tabs)

    async def start(self) -> None:
        """Listen. Raises FatalError where the port is taken or the address is not this machine's."""
        app = web.Application(middlewares=[self._checked], client_max_size=_FORM_LIMIT)
        app.add_routes(
            [
                web.get("/", self._page),
                web.post("/login", self._login),
                web.post("/logout", self._logout),
                web.get("/terminal", self._terminal),
                *(web.get(f"/{name}", self._file) for name in self._files),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_CLOSE_S)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self.config.host, self.config.port, ssl_context=self._ssl)
        try:
            await site.start()
        except OSError as error:
            await self._runner.cleanup()
            raise FatalError(
                f"can't listen on {self.config.host} port {self.config.port}: {error.strerror or error}; "
                "choose another with --port"
            ) from None
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Close every tab, end what runs in it, and listen no more."""
        await asyncio.gather(*(tab.close() for tab in self._tabs), return_exceptions=True)
        if self._runner is not None:
            await self._runner.cleanup()

    # --- every request ---------------------------------------------------------------------------------

    @web.middleware
    async def _checked(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        encrypted = self._ssl is not None
        try:
            if refusal := self._refused(request, encrypted=encrypted):
                self._refuse(request, refusal)
                response: web.StreamResponse = web.Response(status=403, text=f"tstream: {refusal}\n")
            else:
                response = await handler(request)
        except web.HTTPException as error:
            response = error
        if not response.prepared:
            page_files.add_headers(response, encrypted=encrypted)
        if isinstance(response, web.HTTPException):
            raise response
        return response

    def _refused(self, request: web.Request, *, encrypted: bool) -> str:
        """Why a request is not even looked at; empty where it is."""
        if checks.wrong_host(request.host, self.config.names):
            return "this is not the host that was asked for; web.names takes names under which it is reached"
        asks = request.method == "POST" or request.path == "/terminal"
        origin = request.headers.get("Origin")
        if asks and checks.wrong_origin(origin, request.host, encrypted=encrypted):
            return "another page asked"
        return "" if self.config.login else checks.others(request)

    def _role(self, request: web.Request) -> Role | None:
        """What whoever asks may do; None where a password is needed first."""
        if not self.config.login:
            role: Role | None = Role.TRADER
        else:
            role = self._logins.role_of(request.cookies.get(self._cookie, ""))
        return Role.VIEWER if role is not None and self.config.readonly else role

    @property
    def _cookie(self) -> str:
        return "__Host-tstream" if self._ssl is not None else "tstream"

    # --- what is served --------------------------------------------------------------------------------

    async def _page(self, request: web.Request) -> web.StreamResponse:
        if self._role(request) is None:
            return page_files.login_page()
        return page_files.terminal_page(login=self.config.login)

    async def _file(self, request: web.Request) -> web.StreamResponse:
        return page_files.answer_file(self._files[request.path.lstrip("/")], request)

    async def _login(self, request: web.Request) -> web.StreamResponse:
        address = request.remote or ""
        if wait := self._logins.wait_s(address):
            return page_files.login_page(f"Too many wrong passwords; again in {wait / 60:.0f} minutes.", 429)
        if request.content_type != _FORM:
            raise web.HTTPUnsupportedMediaType(text=f"tstream: a login is {_FORM}\n")
        form = await request.post()
        given = form.get("password")
        cookie = self._logins.try_password(given if isinstance(given, str) else "", address)
        if cookie is None:
            self._refuse(request, "wrong password", news=True)
            return page_files.login_page("That is not the password.", 401)
        if self._access is not None:
            self._access.called(_visitor(request, self._logins.role_of(cookie)), "login")
        response = web.Response(status=303, headers={"Location": "/"})
        response.set_cookie(
            self._cookie, cookie, max_age=int(LASTS_S), path="/", httponly=True, samesite="Strict",
            secure=self._ssl is not None,
        )  # fmt: skip
        return response

    async def _logout(self, request: web.Request) -> web.StreamResponse:
        self._logins.forget(request.cookies.get(self._cookie, ""))
        response = web.Response(status=303, headers={"Location": "/"})
        response.del_cookie(self._cookie, path="/", secure=self._ssl is not None, httponly=True)
        return response

    async def _terminal(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(max_msg_size=MESSAGE_LIMIT, heartbeat=_HEARTBEAT_S, timeout=_CLOSE_S)
        await socket.prepare(request)
        role = self._role(request)
        if role is None:
            await socket.close(code=HangUp.LOGIN)
            return socket
        if len(self._tabs) >= self.config.sessions:
            self._refuse(request, f"{len(self._tabs)} tabs are open")
            await socket.close(code=HangUp.FULL)
            return socket
        config = self.config
        command = config.command if role is Role.TRADER else config.viewer_command
        who = _visitor(request, role)
        environment = {**config.environment, config.origin_variable: who.origin}
        tab = Tab(socket, command, environment, config.trouble)
        self._tabs.add(tab)
        if self._access is not None:
            self._access.attached(who)
        try:
            with suppress(ConnectionError):  # the page went away: its loss only
                await tab.run()
        finally:
            self._tabs.discard(tab)
            if self._access is not None:
                self._access.left(who)
        return socket

    def _refuse(self, request: web.Request, why: str, *, news: bool = False) -> None:
        """Write down who was not let in, and tell people where somebody tries."""
        if self._access is None:
            return
        who = _visitor(request, None)
        self._access.refused(who, f"{request.method} {request.path[:100]}", why)
        if news:
            self._access.news(f"{why} {who.origin}", Severity.WARNING, f"{why} from {who.origin}", who)


def _visitor(request: web.Request, role: Role | None) -> Visitor:
    address = request.remote or "nowhere"
    peer = request.transport.get_extra_info("peername") if request.transport is not None else None
    port = f":{peer[1]}" if peer else ""
    return Visitor(
        door=Door.WEB, origin=f"a browser at {address}", address=f"{address}{port}", role=role or ""
    )
