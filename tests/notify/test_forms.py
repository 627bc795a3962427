"""The same message in every channel's form: within its limits, and with every text shown as it is."""

from __future__ import annotations

import html
import re
from email import message_from_string
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.notify.channels import slack
from adapters.notify.channels.discord import discord_bodies
from adapters.notify.channels.mail import mail_html, subject
from adapters.notify.channels.slack import slack_body
from adapters.notify.channels.telegram import LIMIT, telegram_html, without_tags
from adapters.notify.content.chunks import utf16_units
from adapters.notify.content.message import (
    Field,
    Message,
    MessageSection,
    NewsEvent,
    plain_lines,
    plain_text,
    section,
)
from adapters.notify.content.sanitize import sanitize
from engine.model.notices import Severity
from engine.model.orders import AccountKind
from tests.notify.scenes import news

WHEN = "14 Oct 09:42:17 CDT · practice venue"

HOSTILE = (
    "<b>&amp; <script>alert(1)</script> <!channel> <@U123> <https://evil.example|click>",
    "*bold* _it_ ~s~ `code` ||spoiler|| [label](https://evil.example) # head > quote",
    "@everyone https://evil.example /flatten",
    "</b></i>&lt;b&gt; &#60; \u202e\x1b]0;x\x07 'quoted' \"twice\"",
    "🚨" * 300,
)

long_texts = st.builds(lambda part: (part * 175)[:700], st.text(min_size=4, max_size=16))
texts = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=40), long_texts).map(sanitize)
facts = st.builds(Field, texts.filter(bool), texts.filter(bool))
sections = st.builds(MessageSection, texts, st.lists(facts, min_size=1, max_size=30).map(tuple))
messages = st.builds(
    Message,
    event=st.sampled_from(NewsEvent),
    severity=st.sampled_from(Severity),
    title=texts.filter(bool),
    ts=st.integers(0, 2**62),
    kind=st.none() | st.sampled_from(AccountKind),
    mark=st.sampled_from(["", "🚨", "✅"]),
    lines=st.lists(texts.filter(bool), max_size=40).map(tuple),
    sections=st.lists(sections, max_size=6).map(tuple),
    count=st.integers(1, 99),
)


class Balance(HTMLParser):
    """Fails where a tag is left open, closed twice, or not one of ours."""

    def __init__(self, allowed: set[str]) -> None:
        super().__init__(convert_charrefs=True)
        self.allowed = allowed
        self.open: list[str] = []
        self.shown: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in self.allowed
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.shown.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError("a text became a comment")


def balanced(text: str, allowed: set[str]) -> str:
    parser = Balance(allowed)
    parser.feed(text)
    parser.close()
    assert parser.open == []
    return "".join(parser.shown)


def squeezed(text: str) -> str:
    return "".join(text.split())


def telegram_blocks_fit_and_every_tag_closes_within_its_block(message: Message) -> None:
    blocks = telegram_html(message, WHEN)
    assert blocks
    shown = ""
    for block in blocks:
        assert 0 < utf16_units(block) <= LIMIT
        shown += balanced(block, {"b", "i"})
    assert squeezed(shown) == squeezed(plain_text(message, WHEN))


def telegram_without_tags_is_the_plain_text(message: Message) -> None:
    shown = "\n".join(without_tags(block) for block in telegram_html(message, WHEN))
    assert squeezed(shown) == squeezed(plain_text(message, WHEN))


def discord_keeps_to_its_limits(message: Message) -> None:
    for body in discord_bodies(message, WHEN):
        assert body["allowed_mentions"] == {"parse": []}
        embeds = body["embeds"]
        assert 1 <= len(embeds) <= 10
        assert sum(map(characters, embeds)) <= 6000
        for embed in embeds:
            assert len(embed.get("title", "")) <= 256
            assert len(embed.get("description", "")) <= 4096
            assert len(embed.get("fields", [])) <= 25
            for field in embed.get("fields", []):
                assert 0 < len(field["name"]) <= 256
                assert 0 < len(field["value"]) <= 1024


def characters(embed: dict[str, Any]) -> int:
    total = len(embed.get("title", "")) + len(embed.get("description", ""))
    total += len(embed.get("footer", {}).get("text", ""))
    return total + sum(len(f["name"]) + len(f["value"]) for f in embed.get("fields", []))


def discord_shows_every_fact_unless_it_is_cut(message: Message) -> None:
    bodies = discord_bodies(message, WHEN)
    shown = [field for body in bodies for embed in body["embeds"] for field in embed.get("fields", [])]
    told = [field for part in message.sections for field in part.fields]
    assert len(shown) == len(told)
    for field, fact in zip(shown, told, strict=True):
        bare = re.sub(r"\\(.)", r"\1", field["value"])
        assert bare == fact.value or fact.value.startswith(bare.removesuffix("…"))


@pytest.mark.parametrize("text", HOSTILE)
def test_discord_leaves_no_markup_live(text: str) -> None:
    body = discord_bodies(news(sanitize(text), lines=(sanitize(text),)), WHEN)[0]
    for shown in (body["embeds"][0]["title"], body["embeds"][0]["description"]):
        assert not re.search(r"(?<!\\)(?:\\\\)*[*_~`|>#\[\]()<]", shown)


def slack_escapes_what_it_reads_links_from_and_formats_nothing(message: Message) -> None:
    body = slack_body(message, WHEN)
    assert body["link_names"] == 0
    attachments = body["attachments"]
    assert 1 <= len(attachments) <= slack.ATTACHMENTS
    for attachment in attachments:
        assert attachment["mrkdwn_in"] == []
        assert len(attachment.get("fields", [])) <= slack.FIELDS
        for shown in strings(attachment):
            assert "<" not in shown
            assert ">" not in shown
            assert not re.search(r"&(?!amp;|lt;|gt;)", shown)


def strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for part in value.values() for text in strings(part)]
    return [text for part in value for text in strings(part)] if isinstance(value, list) else []


def the_html_of_a_mail_is_whole_and_shows_every_text(message: Message) -> None:
    page = mail_html(message, WHEN)
    content = page.partition("<body")[2].partition(">")[2].partition("</body>")[0]
    shown = balanced(content, {"h2", "h3", "p", "span", "b", "div"})
    assert squeezed(shown) == squeezed(plain_text(message, WHEN))


def a_subject_is_one_header_line(message: Message) -> None:
    parsed = message_from_string(f"Subject: {subject(message)}\n\nbody")
    assert parsed.get_payload() == "body"
    assert "\n" not in subject(message)


@given(messages)
def test_every_channel_shows_each_message_whole_and_within_its_limits(message: Message) -> None:
    telegram_blocks_fit_and_every_tag_closes_within_its_block(message)
    telegram_without_tags_is_the_plain_text(message)
    discord_keeps_to_its_limits(message)
    discord_shows_every_fact_unless_it_is_cut(message)
    slack_escapes_what_it_reads_links_from_and_formats_nothing(message)
    the_html_of_a_mail_is_whole_and_shows_every_text(message)
    a_subject_is_one_header_line(message)


def test_the_badge_stands_in_front_everywhere() -> None:
    message = news("LONG 2 MNQ closed: +58.52 USD", kind=AccountKind.PAPER, mark="✅", count=37)
    line = "✅ [PAPER] LONG 2 MNQ closed: +58.52 USD ×37"
    assert message.headline == line
    assert next(plain_lines(message, WHEN)) == line
    assert telegram_html(message, WHEN)[0].startswith(f"<b>{line}</b>")
    assert slack_body(message, WHEN)["attachments"][0]["title"] == line
    assert subject(message) == f"tstream: {line}"
    assert line in html.unescape(mail_html(message, WHEN))
    title = discord_bodies(message, WHEN)[0]["embeds"][0]["title"]
    assert re.sub(r"\\(.)", r"\1", title) == line


def test_colours_tell_the_severity() -> None:
    told = [news(severity=severity) for severity in Severity]
    embeds = [discord_bodies(message, WHEN)[0]["embeds"][0]["color"] for message in told]
    attachments = [slack_body(message, WHEN)["attachments"][0]["color"] for message in told]
    assert len(set(embeds)) == len(set(attachments)) == len(Severity)
    assert attachments == [f"#{color:06x}" for color in embeds]


def test_a_plain_message_reads_well() -> None:
    message = news(
        "LONG 2 MNQ @ 21000.25",
        lines=("bought 2 MNQ @ 21000.25 (entry)",),
        sections=section("Position", ("Stop", "20990.25"), ("Nothing", None), ("Size", 2)),
    )
    assert plain_text(message, WHEN).splitlines() == [
        "LONG 2 MNQ @ 21000.25",
        "bought 2 MNQ @ 21000.25 (entry)",
        "",
        "Position",
        "Stop: 20990.25",
        "Size: 2",
        "",
        WHEN,
    ]
