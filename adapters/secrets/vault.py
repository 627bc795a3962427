"""HashiCorp Vault: one secret of a KV engine of version 2, whose data are names and values.

Logs in with a token, or by AppRole, and asks by HTTP with nothing but the standard library. A write says
which version it was made from, so that two writers never undo each other.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from typing import IO, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit
from urllib.request import (
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    build_opener,
)

import msgspec
from msgspec import Struct

from adapters.common.redaction import scrub
from adapters.common.secret import LOOPBACK, Secret, travels_readable
from adapters.secrets.bounds import MOST, checked, some, told
from engine.model.errors import FatalError, PortError, RefusedError, RetryableError

_ANSWER_S = 8.0
_LONGEST = 1 << 20
_MARGIN_S = 5.0
"""A token that ends within this is not used any more."""


class VaultLogin(NamedTuple):
    """A token, or both parts of an AppRole."""

    token: Secret
    role_id: Secret
    secret_id: Secret


class VaultPlace(NamedTuple):
    """Where the secret is."""

    url: str
    mount: str = "secret"
    path: str = "tstream"
    namespace: str = ""
    ca: Path | None = None
    """Certificates of who signed the server's, in PEM; None trusts those of the system."""
    role_mount: str = "approle"


class _Auth(Struct):
    client_token: str
    lease_duration: int = 0


class _LoggedIn(Struct):
    auth: _Auth


class _Metadata(Struct, frozen=True):
    version: int = 0


class _Data(Struct, frozen=True):
    data: dict[str, object] | None = None
    metadata: _Metadata = _Metadata()


class _Answer(Struct):
    data: _Data = _Data()


class _Stays(HTTPRedirectHandler):
    """No redirection is followed: a token goes to the named address only."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        return None


class _StatusError(Exception):
    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


class Vault:
    """One secret. Read when it is asked for; nothing but a token by AppRole is kept between."""

    kind = "vault"

    def __init__(self, place: VaultPlace, login: VaultLogin) -> None:
        """Raises FatalError for an address to which a token would travel readable."""
        if travels_readable(place.url):
            raise FatalError(f"{place.url}: a token would travel readable: begin it with https://")
        self._place = place
        self._login = login
        self._token: tuple[Secret, float] | None = None
        """By AppRole, and until when, monotonic seconds."""
        self._made: OpenerDirector | None = None

    @property
    def where(self) -> str:
        return f"Vault at {self._place.url}, {self._place.mount}/{self._place.path}"

    def read(self, names: Iterable[str]) -> dict[str, str]:
        return some(self._content()[0], names)

    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self._content()[0]))

    def set(self, name: str, value: str) -> None:
        content, version = self._content()
        content[name] = checked(name, value)
        if len(content) > MOST:
            raise RefusedError(f"{self.where} holds {MOST} secrets at most")
        self._write(content, version)

    def remove(self, name: str) -> None:
        content, version = self._content()
        if content.pop(name, None) is not None:
            self._write(content, version)

    # --- the secret --------------------------------------------------------------------------------------

    def _content(self) -> tuple[dict[str, str], int]:
        """What it holds, and its version; 0 where there never was one."""
        try:
            body = self._ask("GET", self._data_path)
        except _StatusError as error:
            if error.status != 404:
                raise self._meaning(error) from None
            body = error.body  # of a version that was deleted its number is told
        try:
            answer = msgspec.json.decode(body, type=_Answer)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise FatalError(f"{self.where} does not answer as a KV engine of version 2 does") from None
        return told(answer.data.data or {}, self.where), answer.data.metadata.version

    def _write(self, content: dict[str, str], version: int) -> None:
        body = msgspec.json.encode({"data": content, "options": {"cas": version}})
        try:
            self._ask("POST", self._data_path, body)
        except _StatusError as error:
            if error.status == 400 and b"check-and-set" in error.body:
                raise RetryableError(f"{self.where} was changed by somebody else: try again") from None
            raise self._meaning(error) from None

    @property
    def _data_path(self) -> str:
        return f"{quote(self._place.mount.strip('/'))}/data/{quote(self._place.path.strip('/'))}"

    def _meaning(self, error: _StatusError) -> PortError:
        """Of an answer that is none: Vault's own words may hold anything, and are left out."""
        match error.status:
            case 403:
                return FatalError(
                    f"{self.where}: permission denied; is the token valid, and may it read there?"
                )
            case 400 | 404 | 405:
                return FatalError(f"{self.where}: not found, or no KV engine of version 2 ({error.status})")
            case status if 300 <= status < 400:
                return FatalError(f"{self.where} sends elsewhere ({status}): name the active server")
            case status:
                return RetryableError(f"{self.where} can't answer now ({status}); is it sealed?")

    # --- the wire ----------------------------------------------------------------------------------------

    def _ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """Ask as somebody. A token by AppRole that is not taken any more is asked for anew, once."""
        known = self._token is not None
        try:
            return self._send(method, path, body, self._logged_in())
        except _StatusError as error:
            if error.status != 403 or not known:
                raise
            self._token = None
            return self._send(method, path, body, self._logged_in())

    def _logged_in(self) -> Secret:
        login = self._login
        if login.token:
            return login.token
        if not (login.role_id and login.secret_id):
            raise FatalError(f"{self.where}: set VAULT_TOKEN, or VAULT_ROLE_ID and VAULT_SECRET_ID")
        if self._token is None or time.monotonic() >= self._token[1]:
            asked = {"role_id": login.role_id.reveal(), "secret_id": login.secret_id.reveal()}
            path = f"auth/{quote(self._place.role_mount.strip('/'))}/login"
            try:
                body = self._send("POST", path, msgspec.json.encode(asked), None)
                auth = msgspec.json.decode(body, type=_LoggedIn).auth
            except _StatusError as error:
                if error.status in (400, 403):
                    raise FatalError(f"{self.where}: the AppRole is not taken") from None
                raise self._meaning(error) from None
            except msgspec.DecodeError:
                raise FatalError(f"{self.where} does not answer a login by AppRole as Vault does") from None
            ends = auth.lease_duration or 3600
            self._token = Secret(auth.client_token), time.monotonic() + max(0.0, ends - _MARGIN_S)
        return self._token[0]

    def _send(self, method: str, path: str, body: bytes | None, token: Secret | None) -> bytes:
        """Raises _StatusError for an answer that is none, RetryableError, FatalError."""
        place = self._place
        headers = {"X-Vault-Request": "true"} | ({"Content-Type": "application/json"} if body else {})
        if token is not None:
            headers["X-Vault-Token"] = token.reveal()
        if place.namespace:
            headers["X-Vault-Namespace"] = place.namespace
        try:
            request = Request(f"{place.url}/v1/{path}", body, headers, method=method)
            with self._opener().open(request, timeout=_ANSWER_S) as answer:
                got: bytes = answer.read(_LONGEST + 1)
        except HTTPError as error:
            with error:
                raise _StatusError(error.code, error.read(_LONGEST)) from None
        except URLError as error:
            raise self._unreached(error.reason) from None
        except (OSError, HTTPException) as error:
            raise self._unreached(error) from None
        except ValueError:  # a token with a line end in it, which would be quoted
            raise FatalError(f"{self.where}: the address or the token can't be sent") from None
        if len(got) > _LONGEST:
            raise FatalError(f"{self.where} answers with more than 1 MiB")
        return got

    def _unreached(self, reason: object) -> PortError:
        if isinstance(reason, ssl.SSLCertVerificationError):
            return FatalError(f"{self.where}: its certificate is not trusted: {scrub(reason.verify_message)}")
        why = "no answer in time" if isinstance(reason, TimeoutError) else type(reason).__name__
        return RetryableError(f"{self.where} can't be reached ({why})")

    def _opener(self) -> OpenerDirector:
        if self._made is None:
            try:
                trust = ssl.create_default_context(cafile=self._place.ca)
            except OSError as error:
                raise FatalError(f"can't read the certificates {self._place.ca}: {error.strerror}") from None
            near = urlsplit(self._place.url).hostname in LOOPBACK
            handlers = [_Stays(), HTTPSHandler(context=trust), *([ProxyHandler({})] if near else [])]
            self._made = build_opener(*handlers)
        return self._made
