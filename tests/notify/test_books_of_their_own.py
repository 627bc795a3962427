"""Books may have news of their own: what a JSON bot says of its notify_on."""

from __future__ import annotations

import pytest

from adapters.common.secret import Secret
from adapters.notify.config import MailConfig, NotifyConfig, Rules, TelegramConfig, WebhookConfig
from adapters.notify.content.message import Message, NewsEvent
from adapters.notify.dispatch.outbox import Outbox
from engine.model.notices import Severity
from tstream.botfiles.model import ChannelPart, NotificationsPart
from tstream.botfiles.news import told

ENTRY, EXIT, ERROR, RISK, STATUS = (
    NewsEvent.TRADE_ENTRY,
    NewsEvent.TRADE_EXIT,
    NewsEvent.ERROR,
    NewsEvent.RISK,
    NewsEvent.STATUS,
)
CONFIG = NotifyConfig(
    telegram=TelegramConfig(token=Secret("1:x"), chats=(1,)),
    mail=MailConfig(server="localhost", sender="a@b", recipients=("c@d",)),
    slack=WebhookConfig(url=Secret("https://example.com/x"), rules=Rules(events=frozenset((ENTRY,)))),
)


def wants(rules: Rules, event: NewsEvent, book: str | None) -> bool:
    box = Outbox(rules, lambda message: message.title, capacity=10, repeat_s=0)
    return box.wants(Message(event=event, severity=Severity.WARNING, title="x", ts=0, book=book))


def rules(said: NotificationsPart) -> tuple[Rules, Rules, Rules]:
    found = told(CONFIG, {"one": said})
    assert found.telegram is not None
    assert found.mail is not None
    assert found.slack is not None
    return found.telegram.rules, found.mail.rules, found.slack.rules


@pytest.mark.parametrize(
    ("event", "book", "by_telegram", "by_mail", "by_slack"),
    [
        (ENTRY, "one", True, False, True),
        (EXIT, "one", False, False, False),
        (ERROR, "one", True, False, False),
        (RISK, "one", True, False, False),  # a limit that acts is what goes wrong
        (STATUS, "one", False, False, False),
        (EXIT, "other", True, True, False),
        (STATUS, None, True, True, False),
    ],
)
def test_a_bot_is_told_of_where_and_as_it_says(
    event: NewsEvent, book: str | None, by_telegram: bool, by_mail: bool, by_slack: bool
) -> None:
    said = NotificationsPart(telegram=ChannelPart(enabled=True, notify_on=(ENTRY, ERROR)))
    telegram, mail, slack = rules(said)
    found = [wants(one, event, book) for one in (telegram, mail, slack)]
    assert found == [by_telegram, by_mail, by_slack]


def test_one_that_wants_nothing_told_is_told_of_nowhere() -> None:
    said = NotificationsPart(enabled=False, telegram=ChannelPart(enabled=True))
    assert not any(wants(one, ENTRY, "one") for one in rules(said))
