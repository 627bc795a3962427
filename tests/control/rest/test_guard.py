"""Who comes in: without a token, or with a wrong, an expired or a lesser one, nothing passes."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from adapters.common.redaction import REDACT
from adapters.control.rest import guard
from adapters.control.rest.routes import Route, routes
from adapters.control.rest.server import MOST_BYTES
from adapters.control.tokens import Scope, TokenFile
from engine.model.notices import Severity
from tests.control.fake import a_view
from tests.control.rest.serving import NOW, OWN, Obedient, Served, served
from tests.support.waits import until

RAW = ("/openapi.json", "/metrics", "/ws")


def path_of(route: Route) -> str:
    return route.path.replace("{symbol}", "MNQ").replace("{order_id}", "3-17")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "FIRST_PAUSE_S", 0.0)


async def refusal(api: Served, method: str, path: str, scope: str | None, **headers: str) -> tuple[int, str]:
    reply = await api.ask(method, path, scope, json={}, **headers)
    return reply.status, (await reply.json())["error"]


async def test_nothing_passes_without_a_token_that_counts(tmp_path: Path) -> None:
    handle = Obedient(a_view())
    async with served(handle, tmp_path) as api:
        file = TokenFile(tmp_path / "api-tokens.json")
        _, expired = file.create("old", [Scope.ADMIN], NOW - 100, NOW - 1)
        _, revoked = file.create("gone", [Scope.ADMIN], NOW)
        file.revoke("gone")
        wanted = [(route.method, path_of(route)) for route in routes()] + [("GET", path) for path in RAW]
        for method, path in wanted:
            for token in ("wrong", expired, revoked, OWN[:-1], f"{OWN} ", "ts_00000000_x", "é"):
                if token == f"{OWN} ":
                    continue  # a header's value has no blanks at its end
                found = await refusal(api, method, path, token)
                assert found == (401, "token_needed"), (method, path, token)
            if path != "/system/status":
                assert await refusal(api, method, path, None) == (401, "token_needed"), path
        assert await refusal(api, "GET", "/nowhere", None) == (401, "token_needed")
    assert handle.sent == []


async def test_a_token_does_what_its_scope_allows_and_no_more(tmp_path: Path) -> None:
    handle = Obedient(a_view())
    order = list(Scope)
    async with served(handle, tmp_path) as api:
        for route in routes():
            for scope in Scope:
                if order.index(scope) < order.index(route.scope):
                    assert await refusal(api, route.method, path_of(route), scope) == (403, "scope"), (
                        route.path
                    )
        assert handle.sent == []
        assert (await api.ask("POST", "/system/stop", "admin")).status == 200
        assert (await api.ask("POST", "/system/stop", OWN)).status == 200
        assert [one.source for one in handle.sent] == ["api admin", "api API_TOKEN"]


async def test_on_this_machine_a_stranger_learns_that_it_is_alive_and_nothing_else(tmp_path: Path) -> None:
    async with served(Obedient(a_view()), tmp_path) as api:
        reply = await api.ask("GET", "/system/status", None)
        assert await reply.json() == {"alive": True, "version": "1.2.3"}
        assert "mode" in await api.get("/system/status")
        by_proxy = {"X-Forwarded-For": "203.0.113.9"}
        assert await refusal(api, "GET", "/system/status", None, **by_proxy) == (401, "token_needed")


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({"Host": "evil.example"}, (421, "host")),
        ({"Host": "evil.example:8000"}, (421, "host")),
        ({"Host": ""}, (421, "host")),
        ({"Host": "[::1"}, (421, "host")),
        ({"Origin": "https://evil.example"}, (403, "origin")),
        ({"Origin": "null"}, (403, "origin")),
    ],
)
async def test_pages_of_other_places_get_nothing(
    tmp_path: Path, headers: dict[str, str], found: tuple[int, str]
) -> None:
    handle = Obedient(a_view())
    async with served(handle, tmp_path) as api:
        for method, path in (("GET", "/system/status"), ("POST", "/system/stop"), ("GET", "/ws")):
            assert await refusal(api, method, path, "admin", **headers) == found
    assert handle.sent == []


async def test_names_of_its_own_are_answered_to(tmp_path: Path) -> None:
    async with served(Obedient(a_view()), tmp_path, names=("Desk.example",)) as api:
        for host in ("desk.example", "DESK.example:443", "localhost:1", "127.0.0.1", "[::1]:8000"):
            assert (await api.ask("GET", "/positions", "read", Host=host)).status == 200
        at = {"Host": "desk.example", "Origin": "http://desk.example"}
        assert (await api.ask("GET", "/positions", "read", **at)).status == 200


async def test_a_token_in_an_address_is_refused_whatever_it_is_worth(tmp_path: Path) -> None:
    async with served(Obedient(a_view()), tmp_path) as api:
        for name in ("token", "access_token", "api_key", "API_TOKEN"):
            reply = await api.ask("GET", f"/positions?{name}={OWN}", "read")
            assert reply.status == 400
            assert "does not belong into an address" in (await reply.json())["message"]
            assert OWN not in await reply.text()


async def test_wrong_tokens_are_answered_later_each_time_and_told_to_people(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    real = asyncio.sleep

    async def sleep(seconds: float) -> None:
        if seconds >= 0.1:
            pauses.append(seconds)
        await real(0 if seconds >= 0.1 else seconds)

    async with served(Obedient(a_view()), tmp_path) as api:
        monkeypatch.setattr(guard, "FIRST_PAUSE_S", 0.1)
        monkeypatch.setattr("adapters.control.rest.guard.asyncio.sleep", sleep)
        for _ in range(8):
            assert await refusal(api, "GET", "/positions", "wrong") == (401, "token_needed")
        monkeypatch.undo()
        assert [one for one in pauses if one in (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0)][:8] == [
            *(0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0)
        ]
        assert (await api.ask("GET", "/positions", "read")).status == 200  # a right one waits for nothing
        news = [text for severity, text in api.told if severity is Severity.WARNING]
        assert news[0] == "a wrong token came to the API from 127.0.0.1"
        assert sum("wrong token" in text for text in news) == 1  # a flood is told once
    lines = [json.loads(line) for line in (tmp_path / "access.log").read_text().splitlines()]
    assert sum(line["event"] == "refused" for line in lines) == 8
    assert "wrong" not in json.dumps([line for line in lines if line["event"] == "attached"])


async def test_a_crowd_of_wrong_tokens_is_turned_away_at_once_and_the_right_ones_come_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "FIRST_PAUSE_S", 0.5)
    monkeypatch.setattr(guard, "LONGEST_PAUSE_S", 0.5)
    async with served(Obedient(a_view()), tmp_path) as api:
        crowd = [asyncio.create_task(api.ask("GET", "/positions", "wrong")) for _ in range(60)]
        await until(lambda: sum(task.done() for task in crowd) == 60 - guard.WAITING)
        # one of 32 random bytes is no guess, and waits for nothing; one that a person has chosen may be
        assert (await api.ask("GET", "/positions", "read")).status == 200
        assert (await api.ask("GET", "/positions", OWN)).status == 429
        replies = await asyncio.gather(*crowd)
        assert (await api.ask("GET", "/positions", OWN)).status == 200
        found = sorted(reply.status for reply in replies)
        assert found == [401] * guard.WAITING + [429] * (60 - guard.WAITING)
        assert all(reply.headers["Retry-After"] for reply in replies if reply.status == 429)


async def test_too_many_requests_of_a_token_wait_and_others_go_on(tmp_path: Path) -> None:
    async with served(Obedient(a_view()), tmp_path, per_minute=60) as api:
        replies = [await api.ask("GET", "/positions", "read") for _ in range(12)]
        assert [reply.status for reply in replies].count(429) in (1, 2)
        assert replies[-1].headers["Retry-After"] == "1"
        assert (await api.ask("GET", "/positions", "trade")).status == 200


async def test_commands_have_a_pace_of_their_own(tmp_path: Path) -> None:
    handle = Obedient(a_view())
    async with served(handle, tmp_path, orders_per_minute=12) as api:
        found = [(await api.ask("POST", "/system/stop", "admin")).status for _ in range(4)]
        assert found == [200, 200, 429, 429]
        assert (await api.ask("GET", "/positions", "admin")).status == 200
    assert len(handle.sent) == 2


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/positions/close", b"{}" + b" " * MOST_BYTES, 413),
        ("POST", "/positions/close", b"[" * 60_000, 400),
        ("POST", "/positions/close", b'{"all":' * 5_000, 400),
        ("POST", "/positions/close", b"\xff\xfe", 400),
        ("POST", "/positions/close", b"", 400),
        ("POST", "/positions/close", b'{"all": true, "x": 1}', 400),
        ("POST", "/positions/close", b'{"all": 1}', 400),
        ("GET", "/positions?limit=1", b"", 400),
        ("GET", "/trades?limit=1&limit=2", b"", 400),
        ("GET", "/trades?limit=0", b"", 400),
        ("GET", "/trades?limit=x", b"", 400),
        ("PUT", "/positions", b"", 405),
        ("TRACE", "/positions", b"", 405),
        ("GET", "/nowhere", b"", 404),
        ("GET", "/data/%5B%5D/ticker", b"", 404),
        ("DELETE", "/trading/order/" + "x" * 61, b"", 404),
    ],
)
async def test_nonsense_is_answered_in_one_form(
    tmp_path: Path, method: str, path: str, body: bytes, status: int
) -> None:
    handle = Obedient(a_view())
    async with served(handle, tmp_path) as api:
        headers = {"Authorization": f"Bearer {OWN}", "Content-Type": "application/json"}
        url = f"{api.server.url}{path}"
        async with api.session.request(method, url, data=body or None, headers=headers) as reply:
            told = await reply.json()
            assert (reply.status, sorted(told)) == (status, ["error", "message", "remedy"])
        assert (await api.ask("GET", "/positions", "read")).status == 200
    assert handle.sent == []


async def test_a_body_that_is_no_json_is_not_read_as_one(tmp_path: Path) -> None:
    handle = Obedient(a_view())
    async with served(handle, tmp_path) as api:
        url, headers = f"{api.server.url}/positions/close", {"Authorization": f"Bearer {OWN}"}
        async with api.session.post(url, data={"all": "true"}, headers=headers) as reply:
            assert reply.status == 415
    assert handle.sent == []


async def test_lines_that_are_no_http_harm_nobody(tmp_path: Path) -> None:
    async with served(Obedient(a_view()), tmp_path) as api:
        host, port = "127.0.0.1", int(api.server.url.rpartition(":")[2])
        for sent in (
            b"\x00" * 100,
            b"GET /\r\n\r\n",
            b"A" * 20_000,
            b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        ):
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(sent)
            writer.write_eof()
            with suppress(ConnectionError):
                await asyncio.wait_for(reader.read(), 10)
            writer.close()
        assert (await api.ask("GET", "/positions", "read")).status == 200
        with socket.create_connection((host, port)):
            assert (await api.ask("GET", "/positions", "read")).status == 200


async def test_what_strangers_write_stands_in_no_log_and_grows_nothing(tmp_path: Path) -> None:
    async with served(Obedient(a_view()), tmp_path) as api:
        _, text = TokenFile(tmp_path / "api-tokens.json").create("script", [Scope.READ], NOW)
        for number in range(30):
            for path in (f"/positions/{text}/{number}", f"/{text}"):
                assert (await api.ask("GET", path, "wrong")).status == 401
        assert len(api.server.api.counts) == 1
    assert text not in (tmp_path / "access.log").read_text()
    assert REDACT(f"a log with {text} in it") == "a log with [redacted] in it"


async def test_beyond_this_machine_it_speaks_tls(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    begin = datetime(2020, 1, 1, tzinfo=UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=20_000))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    cert, secret = tmp_path / "cert.pem", tmp_path / "key.pem"
    cert.write_bytes(made.public_bytes(Encoding.PEM))
    secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    files = {"certificate": str(cert), "certificate_key": str(secret)}
    async with served(Obedient(a_view()), tmp_path, **files) as api:
        trusted = ssl.create_default_context(cafile=str(cert))
        url = f"https://localhost:{api.server.url.rpartition(':')[2]}/positions"
        headers = {"Authorization": f"Bearer {OWN}"}
        async with api.session.get(url, headers=headers, ssl=trusted) as reply:
            assert reply.status == 200
        with pytest.raises(ClientError):
            await api.session.get(url.replace("https", "http"), headers=headers)
