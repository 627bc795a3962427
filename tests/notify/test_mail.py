"""Mail by SMTP against a real server, and other services by apprise against a real one."""

from __future__ import annotations

import logging
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("apprise")
pytest.importorskip("aiosmtpd")

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from adapters.common.secret import Secret
from adapters.notify.channels.apprise import AppriseChannel
from adapters.notify.channels.channel import Channel
from adapters.notify.channels.mail import MailChannel
from adapters.notify.config import AppriseConfig, MailConfig
from adapters.notify.content.message import section
from engine.model.errors import FatalError, PortError, RefusedError, RetryableError, UnknownOutcomeError
from engine.model.orders import AccountKind
from tests.notify.scenes import news
from tests.notify.sinks import Reply, Sink
from tests.support.patience import patient

PASSWORD = "canary app passw/rd@"
WHEN = "09:42:17 CDT · practice venue"


@dataclass
class Mailbox:
    """Keeps what comes; answers MAIL, RCPT and DATA as told."""

    port: int
    mails: list[Any] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    logins: list[bytes] = field(default_factory=list)
    mail: str = ""
    rcpt: str = ""
    data: str = "250 taken"

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if not self.mail:
            envelope.mail_from = address
        return self.mail or "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if not self.rcpt:
            envelope.rcpt_tos.append(address)
        return self.rcpt or "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.mails.append(envelope)
        self.encrypted.append(session.ssl is not None)
        if self.data == "hang up":
            server.transport.close()
        return self.data

    def login(
        self, server: Any, session: Any, envelope: Any, mechanism: str, data: LoginPassword
    ) -> AuthResult:
        self.logins.append(data.login)
        return AuthResult(success=data.password == PASSWORD.encode(), handled=False)


@pytest.fixture
def box(unused_tcp_port: int) -> Iterator[Mailbox]:
    mailbox = Mailbox(unused_tcp_port)
    controller = Controller(mailbox, hostname="127.0.0.1", port=unused_tcp_port)
    controller.start()
    yield mailbox
    controller.stop()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not here to make a certificate")
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    wanted = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1"
    command = ["openssl", *wanted.split(), "-keyout", str(key), "-out", str(cert)]
    subprocess.run(command, check=True, capture_output=True)
    return cert, key


@pytest.fixture
def guarded(unused_tcp_port: int, certificate: tuple[Path, Path]) -> Iterator[Mailbox]:
    """A server that wants STARTTLS and a login, as mail providers do."""
    mailbox = Mailbox(unused_tcp_port)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    controller = Controller(
        mailbox,
        hostname="127.0.0.1",
        port=unused_tcp_port,
        tls_context=context,
        require_starttls=True,
        authenticator=mailbox.login,
        auth_required=True,
        auth_require_tls=True,
    )
    controller.start()
    yield mailbox
    controller.stop()


def plain_config(port: int, **change: Any) -> MailConfig:
    wanted = {
        "server": "127.0.0.1",
        "port": port,
        "security": "insecure",
        "sender": "tstream <bot@example.com>",
        "recipients": ("me@example.com",),
    }
    return MailConfig(**{**wanted, **change})


def guarded_config(port: int, **change: Any) -> MailConfig:
    secure = {
        "security": "starttls",
        "user": "bot@example.com",
        "password": Secret(PASSWORD),
        "verify": False,
    }
    return plain_config(port, **{**secure, **change})


async def send(channel: Channel, **change: Any) -> list[str]:
    message = news("LONG 2 MNQ closed: +58.52 USD", kind=AccountKind.PAPER, **change)
    return [(await channel.deliver(payload)).text for payload in channel.payloads(message, WHEN)]


async def error_of(channel: Channel) -> PortError:
    with pytest.raises(PortError) as caught:
        await send(channel)
    assert PASSWORD not in str(caught.value)
    return caught.value


def parsed(envelope: Any) -> EmailMessage:
    found = message_from_bytes(envelope.content, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


async def test_a_mail_has_text_first_and_html_behind(box: Mailbox) -> None:
    channel = MailChannel(plain_config(box.port))
    facts = section("Trade", ("Net", "+58.52 USD"), ("Why", "target <b>&"))
    assert await send(channel, sections=facts) == ["127.0.0.1 took it for me@example.com"]
    (envelope,) = box.mails
    assert (envelope.mail_from, envelope.rcpt_tos) == ("bot@example.com", ["me@example.com"])
    mail = parsed(envelope)
    assert mail["Subject"] == "tstream: [PAPER] LONG 2 MNQ closed: +58.52 USD"
    assert mail["From"] == "tstream <bot@example.com>"
    assert mail["Date"]
    assert mail["Message-ID"]
    text, page = mail.iter_parts()
    assert (text.get_content_type(), page.get_content_type()) == ("text/plain", "text/html")
    lines = text.get_content().splitlines()
    assert "Net: +58.52 USD" in lines
    assert "Why: target <b>&" in lines
    assert "target &lt;b&gt;&amp;" in page.get_content()


async def test_each_recipient_gets_a_mail_of_his_own(box: Mailbox) -> None:
    channel = MailChannel(plain_config(box.port, recipients=("a@example.com", "b@example.com")))
    assert len(await send(channel)) == 2
    assert [envelope.rcpt_tos for envelope in box.mails] == [["a@example.com"], ["b@example.com"]]


async def test_the_login_goes_over_an_encrypted_line(guarded: Mailbox) -> None:
    channel = MailChannel(guarded_config(guarded.port))
    assert await send(channel) == ["127.0.0.1 took it for me@example.com"]
    assert guarded.encrypted == [True]
    assert guarded.logins == [b"bot@example.com"]


async def test_a_wrong_password_is_definitive_and_the_remedy_is_told(
    guarded: Mailbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    told = await error_of(MailChannel(guarded_config(guarded.port, password=Secret("canary wrong"))))
    assert type(told) is FatalError
    assert "app password" in str(told)
    assert guarded.mails == []
    assert "canary" not in str(told)
    assert "canary" not in caplog.text
    assert "bot@example.com" not in caplog.text


async def test_a_server_that_wants_encryption_says_so(guarded: Mailbox) -> None:
    told = await error_of(MailChannel(plain_config(guarded.port)))
    assert type(told) is FatalError
    assert "encryption" in str(told)


async def test_a_certificate_that_nobody_vouches_for_is_not_trusted(guarded: Mailbox) -> None:
    told = await error_of(MailChannel(guarded_config(guarded.port, verify=True)))
    assert "certificate" in str(told).lower()
    assert guarded.logins == []


async def test_a_password_never_travels_readable() -> None:
    config = plain_config(25, server="mail.example.com", user="me", password=Secret(PASSWORD))
    told = await error_of(MailChannel(config))
    assert type(told) is FatalError
    assert "unencrypted" in str(told)


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ({"data": "451 try later"}, RetryableError),
        ({"data": "452 too many"}, RetryableError),
        ({"rcpt": "450 greylisted"}, RetryableError),
        ({"data": "552 too large"}, RefusedError),
        ({"rcpt": "550 no such user"}, FatalError),
        ({"mail": "553 not your address"}, FatalError),
        ({"data": "554 no"}, FatalError),
        ({"data": "hang up"}, UnknownOutcomeError),
    ],
)
async def test_f35_what_a_mail_servers_refusals_mean(
    box: Mailbox, answers: dict[str, str], error: type[PortError]
) -> None:
    for name, answer in answers.items():
        setattr(box, name, answer)
    assert type(await error_of(MailChannel(plain_config(box.port)))) is error


async def test_f35_no_mail_server_is_retryable(unused_tcp_port: int) -> None:
    told = await error_of(MailChannel(plain_config(unused_tcp_port)))
    assert type(told) is RetryableError
    assert "refused" in str(told)


async def test_another_service_gets_plain_text_by_apprise() -> None:
    async with Sink() as sink:
        sink.always = Reply(200, "ok")
        url = sink.url.replace("http://", "json://") + "/hook/canaryPath"
        channel = AppriseChannel(AppriseConfig(name="hook", url=Secret(url)))
        assert await send(channel, lines=("<b>not bold</b>",)) == ["accepted"]
        (got,) = sink.got
        assert got.path == "/hook/canaryPath"
        assert got.body["title"] == "[PAPER] LONG 2 MNQ closed: +58.52 USD"
        assert got.body["message"].startswith("<b>not bold</b>\n")


async def test_another_services_failure_is_retryable_and_tells_no_secret() -> None:
    async with Sink() as sink:
        sink.always = Reply(500, "no")
        url = sink.url.replace("http://", "json://canaryUser:canaryPass@") + "/hook/canaryPath"
        channel = AppriseChannel(AppriseConfig(name="hook", url=Secret(url)))
        told = await error_of(channel)
        assert type(told) is RetryableError
        assert "canary" not in str(told)
        assert "canary" not in repr(AppriseConfig(name="hook", url=Secret(url)))


async def test_a_url_that_apprise_does_not_know_is_definitive() -> None:
    told = await error_of(AppriseChannel(AppriseConfig(name="odd", url=Secret("nosuch://canaryPass@host"))))
    assert type(told) is FatalError
    assert "canary" not in str(told)


async def test_without_apprise_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "apprise", None)
    told = await error_of(MailChannel(plain_config(25)))
    assert type(told) is FatalError
    assert 'pip install -c constraints.txt -e ".[notify]"' in str(told), "the one beside it, no stranger's"


def test_apprise_is_not_loaded_before_it_is_needed() -> None:
    code = (
        "import sys, adapters.notify.service, tstream.commands.notify\n"
        "sys.exit(any(name in sys.modules for name in ('apprise', 'requests', 'smtplib')))"
    )
    subprocess.run([__import__("sys").executable, "-c", code], check=True, timeout=patient(60))
