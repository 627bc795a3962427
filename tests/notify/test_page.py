"""docs/notifications.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import SecretStr

import adapters.notify
from adapters.common.secret import Secret
from adapters.notify.channels import bot_api, discord, slack
from adapters.notify.config import MailConfig, NotifyConfig, Rules, TelegramCommandsConfig
from adapters.notify.content.message import NewsEvent
from adapters.notify.content.outages import FIRST_NS, OUTAGE_NS
from adapters.notify.content.trades import SETTLE_NS
from adapters.notify.dispatch.outbox import DIGEST_FROM
from adapters.notify.telegram_commands.replies import HELP
from engine.model.market import NANOS
from tests.docs.pages import tables
from tstream.convert.notify import notify_config
from tstream.settings.notify import NotifySettings

PAGE = (Path(__file__).parents[2] / "docs" / "notifications.md").read_text(encoding="utf-8")


def rows(first: str) -> list[str]:
    """The first cells of the table whose header begins with a word."""
    table = PAGE.partition(f"\n| {first} |")[2].partition("\n\n")[0]
    return re.findall(r"^\| (`.+?) \|", table, re.MULTILINE)


def test_every_event_has_its_row_and_no_other() -> None:
    assert rows("event") == [f"`{event}`" for event in NewsEvent]


def test_what_a_channel_says_is_listed_in_the_words_of_the_code() -> None:
    (table,) = tables(PAGE.partition("What a channel says of itself")[2].partition("## ")[0])
    folder = Path(adapters.notify.__file__).parent
    code = " ".join(" ".join(path.read_text(encoding="utf-8").split()) for path in folder.rglob("*.py"))
    assert [says for says, *_ in table if says not in code] == []
    assert all(all(row) for row in table)


def test_every_command_has_its_row() -> None:
    documented = set(re.findall(r"`/(\w+)", " ".join(rows("command"))))
    helped = set(re.findall(r"^/(\w+)", HELP, re.MULTILINE))
    assert documented == helped | {"yes"}


def test_the_figures_are_those_of_the_code() -> None:
    config = NotifyConfig()
    commands = TelegramCommandsConfig(token=Secret(""), chats=frozenset(), users=frozenset())
    mail = MailConfig(server="", sender="", recipients=())
    assert DIGEST_FROM == 7
    assert SETTLE_NS == 2 * NANOS
    for words in (
        f"`repeat_seconds` ({config.repeat_s:.0f})",
        f"`queue` ({config.queue})",
        f"`escalate_seconds` ({config.escalate_s:.0f})",
        f"`flush_seconds` ({config.flush_s:.0f})",
        f"{Rules().per_minute} messages a minute for each channel, {mail.rules.per_minute} for mail",
        f"down for {OUTAGE_NS // NANOS} seconds or more ({FIRST_NS // NANOS} at the start)",
        f"good for {commands.code_s} seconds",
        f"older than {commands.max_age_s} seconds",
    ):
        assert words in " ".join(PAGE.split())


def test_the_table_of_channels_is_what_the_settings_make_of_them() -> None:
    settings = NotifySettings(
        telegram_token=SecretStr("1:a"),
        telegram_chats=(1,),
        slack_url=SecretStr("https://slack.example/x"),
        discord_url=SecretStr("https://discord.example/x"),
        mail_server="localhost",
        mail_from="a@example.com",
        mail_to=("a@example.com",),
        others={"phone": SecretStr("ntfy://x")},
    )
    config = notify_config(settings, "UTC")
    channels = {
        "Telegram": (config.telegram, "", bot_api._PAUSE_S),
        "Slack": (config.slack, f"{slack._PACE_S:g} s", slack._PAUSE_S),
        "Discord": (config.discord, "as its headers say", discord._PAUSE_S),
        "mail": (config.mail, "", None),
        "others": (config.others[0], "", None),
    }
    expected = []
    for name, (channel, pause, refused) in channels.items():
        assert channel is not None
        rules = channel.rules
        untold = ", ".join(f"`{event}`" for event in NewsEvent if event not in rules.events)
        waits = "" if refused is None else f"as long as it asks for, else {refused:g} s"
        figures = (f"`{rules.severity}`", untold, str(rules.per_minute), str(rules.burst), pause, waits)
        expected.append([name, *figures])
    table, *_ = tables(PAGE.partition("## How much, how fast")[2].partition("## ")[0])
    assert table == expected
