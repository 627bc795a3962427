"""tstream web without a browser: who is let in, what a page gets, a program that lives as long as its tab."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import ClientSession, WSServerHandshakeError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from adapters.common.secret import Secret
from adapters.control.attach_protocol import Role
from adapters.control.web import checks, child
from adapters.control.web.config import WebConfig
from adapters.control.web.logins import LASTS_S, WINDOW_S, Logins
from adapters.control.web.messages import KeyLag, read_page
from adapters.control.web.page_files import SERVED
from adapters.control.web.tab import HangUp
from engine.model.errors import FatalError
from tests.control.web_page import config, serving
from tests.support.waits import until

ROOT = Path(__file__).resolve().parents[2]
WEB = ROOT / "adapters" / "control" / "web"
PASSWORD, LOOKING = "correct horse battery", "only looking here"


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


# --- a tab -------------------------------------------------------------------------------------------------


async def test_a_tab_types_shows_and_resizes_and_its_program_ends_with_it() -> None:
    async with serving(config()) as browser:
        async with browser.tab((100, 30)) as page:
            text = await page.shows("size 100 30")
            assert "xterm-256color" in text
            pid = int(re.findall(r"ready (\d+)", text)[0])
            assert page.said[0] == {"begun": True}
            await page.type("f")
            await page.shows("typed b'f'")
            await page.type("é↑")
            await page.shows(f"typed {'é↑'.encode()!r}")
            await page.send(size=[80, 24])
            await page.shows("size 80 24")
            await page.send(ping=7)
            while {"pong": 7.0} not in page.said:
                await page.read()
            assert browser.server.tabs == 1
        await until(lambda: not alive(pid))
        await until(lambda: browser.server.tabs == 0)


async def test_two_tabs_have_programs_of_their_own_and_a_third_is_one_too_many() -> None:
    async with serving(config(sessions=2)) as browser, browser.tab() as first, browser.tab() as second:
        pids = {re.findall(r"ready (\d+)", await page.shows("size"))[0] for page in (first, second)}
        assert len(pids) == 2
        await first.type("a")
        await first.shows("typed b'a'")
        assert "typed" not in second.text
        async with browser.tab() as third:
            assert await third.hung_up() == HangUp.FULL
        await second.type("b")
        await second.shows("typed b'b'")


async def test_a_program_that_ends_says_so_and_the_server_ends_all() -> None:
    async with serving(config()) as browser:
        async with browser.tab() as page:
            await page.shows("size")
            await page.type("q")
            assert await page.hung_up() == HangUp.ENDED
            assert page.said[-1] == {"why": "It has ended with code 3."}
        async with browser.tab() as page:
            pid = int(re.findall(r"ready (\d+)", await page.shows("size"))[0])
            _, code = await asyncio.gather(browser.server.stop(), page.hung_up())
            assert code == HangUp.GOING
            assert not alive(pid)


async def test_a_program_that_ignores_the_hang_up_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "END_S", 0.2)
    deaf = ("/bin/sh", "-c", "trap '' HUP; echo ready $$; while :; do sleep 1; done")
    async with serving(config(command=deaf)) as browser:
        async with browser.tab() as page:
            pid = int(re.findall(r"ready (\d+)", await page.shows("ready"))[0])
        await until(lambda: not alive(pid))


async def test_without_an_engine_the_page_is_told_what_to_do() -> None:
    words = "No engine is running here. Start one on this machine: tstream engine"
    async with serving(config(trouble=lambda: words)) as browser, browser.tab() as page:
        assert await page.hung_up() == HangUp.NO_USE
        assert page.said == [{"why": words}]


async def test_a_program_that_cannot_be_started_is_told() -> None:
    async with serving(config(command=("/no/such/program",))) as browser, browser.tab() as page:
        assert await page.hung_up() == HangUp.ENDED
        assert "code" in page.said[-1]["why"]


async def test_keys_that_come_late_are_dropped_and_told() -> None:
    async with serving(config()) as browser, browser.tab() as page:
        await page.shows("size")
        await page.type("a")
        await page.shows("typed b'a'")
        await page.type("F", ago_s=2.5)
        await page.send(keys="F")
        await page.type("b", ago_s=0.5)
        await page.shows("typed b'b'")
        assert "b'F'" not in page.text
        await page.send(ping=1)
        while not any("dropped" in said for said in page.said):
            await page.read()
        assert next(said["dropped"] for said in page.said if "dropped" in said) == 2


@pytest.mark.parametrize(
    "sent",
    [
        "", "[]", "flatten", '{"size":[0,0]}', '{"size":[120,40,1]}', '{"size":[1e9,40]}', '{"run":"sh"}',
        '{"keys":"' + "x" * 4_001 + '","at":1}', '{"keys":' + "[" * 3_000, '{"ping":NaN}', "x" * 17_000,
    ],
    ids=lambda sent: sent[:20],
)  # fmt: skip
async def test_what_no_page_says_ends_the_tab(sent: str) -> None:
    async with serving(config()) as browser, browser.tab() as page:
        await page.shows("size")
        await page.socket.send_str(sent)
        assert await page.hung_up() in (HangUp.WRONG, 1009)


async def test_a_page_that_does_not_read_holds_up_its_own_program_and_nobody_else() -> None:
    flood = ("/bin/sh", "-c", "echo ready $$; yes 'a flood of painting that nobody reads'")
    async with serving(config(command=flood)) as browser, browser.tab() as stalled:
        pid = int(re.findall(rb"ready (\d+)", await stalled.raw(b"flood"))[0])
        async with browser.tab() as other:
            await other.raw(b"flood")
        assert alive(pid)


@given(st.text('{}[]":,.-0123456789 sizekeyatping', max_size=60))
def test_what_a_page_says_is_read_or_refused(text: str) -> None:
    said = read_page(text)
    assert said is None or said.size is None or all(2 <= side <= 500 for side in said.size)


def test_lag_is_measured_against_the_quickest_of_the_last_minute() -> None:
    lag = KeyLag()
    assert lag.late_s(5_000_000, 10.0) == 0.0  # another clock altogether
    assert lag.late_s(5_001_000, 11.1) == pytest.approx(0.1)
    assert lag.late_s(5_002_000, 15.0) == pytest.approx(3.0)
    assert lag.late_s(5_090_000, 103.0) == 0.0, "what was quicker is more than a minute ago"


# --- who is let in -----------------------------------------------------------------------------------------


async def test_another_host_and_another_page_are_refused() -> None:
    async with serving(config(names=("box.lan",))) as browser:
        for host, status in {
            "evil.example": 403,
            "box.lan": 200,
            "localhost:9": 200,
            "192.168.1.5": 200,
        }.items():
            assert (await browser.get("/", Host=host))[0] == status, host
        for origin in (
            "http://evil.example",
            "null",
            browser.origin + "x",
            browser.origin.replace("http", "https"),
        ):
            with pytest.raises(WSServerHandshakeError) as refused:
                async with browser.tab(Origin=origin):
                    pass
            assert refused.value.status == 403
        async with ClientSession() as session:
            with pytest.raises(WSServerHandshakeError):
                await session.ws_connect(browser.origin + "/terminal")  # no page at all
        assert browser.server.tabs == 0


async def test_on_loopback_another_user_needs_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    uid = os.getuid()
    async with serving(config()) as browser:
        assert (await browser.get("/"))[0] == 200
        monkeypatch.setattr(os, "getuid", lambda: uid + 1)
        monkeypatch.setattr(checks, "owner_of", lambda peer, own: uid + 2)
        status, _, text = await browser.get("/")
        assert (status, "web.password" in text) == (403, True)


async def test_the_owner_of_a_connection_is_who_opened_it() -> None:
    server = await asyncio.start_server(lambda _r, w: w.close(), "127.0.0.1", 0)
    own = server.sockets[0].getsockname()
    _, writer = await asyncio.open_connection(*own)
    peer = writer.get_extra_info("sockname")
    assert checks.owner_of(peer, own) == os.getuid()
    assert checks.owner_of((peer[0], 1), own) is None
    writer.close()
    server.close()
    assert checks._as_listed(("::1", 8080)) == "00000000000000000000000001000000:1F90"


async def test_a_password_lets_in_and_each_has_its_own_cockpit() -> None:
    wanted = config(password=Secret(PASSWORD), viewer_password=Secret(LOOKING))
    async with serving(wanted) as browser:
        status, headers, text = await browser.get("/")
        assert (status, 'type="password"' in text) == (200, True)
        assert "script-src 'self'" in headers["Content-Security-Policy"]
        async with browser.tab() as page:
            assert await page.hung_up() == HangUp.LOGIN
        status, text = await browser.post("/login", {"password": "wrong"})
        assert (status, "not the password" in text) == (401, True)
        assert (await browser.post("/login", {"password": PASSWORD}, Origin="http://evil.example"))[0] == 403
        assert (await browser.post("/login", {}, **{"Content-Type": "multipart/form-data"}))[0] == 415
        assert (await browser.post("/login", {"password": "x" * 9_000}))[0] == 413
        assert (await browser.post("/login", {"password": PASSWORD}))[0] == 303
        (cookie,) = browser.session.cookie_jar
        assert (cookie["httponly"], cookie["samesite"]) == (True, "Strict")
        async with browser.tab() as page:
            await page.shows("size")
        assert (await browser.post("/logout", {}))[0] == 303
        async with browser.tab() as page:
            assert await page.hung_up() == HangUp.LOGIN


async def test_whoever_may_only_look_gets_another_command() -> None:
    echo = ("/bin/sh", "-c", "echo which: $0; sleep 60")
    wanted = config(
        password=Secret(PASSWORD), viewer_password=Secret(LOOKING),
        command=(*echo, "trades"), viewer_command=(*echo, "looks"),
    )  # fmt: skip
    for password, what in ((PASSWORD, "trades"), (LOOKING, "looks")):
        async with serving(wanted) as browser:
            await browser.post("/login", {"password": password})
            async with browser.tab() as page:
                await page.shows(f"which: {what}")


async def test_guessing_is_slow_and_locks_nobody_else_out() -> None:
    now = [1000.0]
    logins = Logins(Secret(PASSWORD), None, lambda: now[0])
    cookie = logins.try_password(PASSWORD, "10.0.0.1")
    assert cookie is not None
    assert logins.role_of(cookie) is Role.TRADER
    for n in range(40):
        if not logins.wait_s(f"10.0.1.{n // 5}"):
            assert logins.try_password(f"guess {n}", f"10.0.1.{n // 5}") is None
    assert logins.wait_s("10.0.1.0") == WINDOW_S
    assert logins.wait_s("10.0.9.9") == WINDOW_S, "many addresses guess as slowly as one"
    assert logins.wait_s("10.0.0.1") == 0.0, "whoever was let in before is not kept out"
    now[0] += WINDOW_S
    assert logins.wait_s("10.0.1.0") == 0.0
    now[0] += LASTS_S
    assert logins.role_of(cookie) is None
    assert logins.role_of("") is None


def certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(begin).not_valid_after(begin + timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    pem, private = folder / "cert.pem", folder / "key.pem"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return pem, private


async def test_beyond_loopback_it_is_encrypted(tmp_path: Path) -> None:
    pem, private = certificate(tmp_path)
    wanted = config(host="0.0.0.0", password=Secret(PASSWORD), certificate=pem, certificate_key=private)
    async with serving(wanted) as browser:
        browser.origin = f"https://127.0.0.1:{browser.server.port}"
        assert (await browser.post("/login", {"password": PASSWORD}))[0] == 303
        (cookie,) = browser.session.cookie_jar
        assert (cookie.key, cookie["secure"]) == ("__Host-tstream", True)
        _, headers, _ = await browser.get("/")
        assert headers["Strict-Transport-Security"]
        async with browser.tab() as page:
            await page.shows("size")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"host": "0.0.0.0"}, "TSTREAM_WEB_PASSWORD"),
        ({"host": "10.0.0.5", "password": Secret(PASSWORD)}, "web.certificate"),
        ({"password": Secret("short")}, "at least 12 characters"),
        ({"password": Secret(PASSWORD), "viewer_password": Secret(PASSWORD)}, "the same"),
        ({"certificate": Path("cert.pem")}, "go together"),
        ({"certificate": Path("/no/cert"), "certificate_key": Path("/no/key")}, "can't be used"),
    ],
)
def test_what_would_let_strangers_in_is_refused_with_its_remedy(
    changes: dict[str, object], told: str
) -> None:
    with pytest.raises(FatalError, match=told):
        config(**changes).check()


async def test_a_port_that_is_taken_is_told() -> None:
    async with serving(config()) as browser:
        with pytest.raises(FatalError, match="choose another with --port"):
            async with serving(config(port=browser.server.port)):
                pass


# --- the page ----------------------------------------------------------------------------------------------


async def test_the_page_asks_no_other_host_and_runs_no_other_script() -> None:
    async with serving(config()) as browser:
        status, headers, text = await browser.get("/")
        policy = headers["Content-Security-Policy"]
        assert status == 200
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        (nonce,) = re.findall(r"'nonce-([^']+)'", policy)
        assert f'nonce="{nonce}"' in text
        assert nonce not in (await browser.get("/"))[2], "another number for each answer"
        assert "{{" not in text
        for name, value in {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin"}.items():
            assert headers[name] == value
        for name in SERVED:
            status, headers, text = await browser.get(f"/{name}")
            assert status == 200
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert (await browser.get(f"/{name}", **{"If-None-Match": headers["ETag"]}))[0] == 304
            if name.startswith("page/"):
                assert not re.search(r"(?<!xmlns=\")https?://", text), f"{name} names another host"
        for path in (
            "/page/terminal.html",
            "/xterm/LICENSE",
            "/..%2f..%2fserver.py",
            "/page/../server.py",
            "/x",
        ):
            assert (await browser.get(path))[0] == 404, path


def test_what_others_wrote_is_as_they_published_it() -> None:
    folder = WEB / "xterm"
    lines = (folder / "SHA256SUMS").read_text(encoding="ascii").splitlines()
    told = {name: digest for digest, name in map(str.split, lines)}
    files = {file.name for file in folder.iterdir()} - {"SHA256SUMS", "README.md"}
    assert files == set(told)
    for name, digest in told.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest, name
    for name in ("LICENSE", "LICENSE.addon-fit"):
        assert "Permission is hereby granted, free of charge" in (folder / name).read_text(encoding="utf-8")


def test_a_config_repr_holds_no_password() -> None:
    assert PASSWORD not in repr(config(password=Secret(PASSWORD)))
    assert isinstance(config(), WebConfig)
