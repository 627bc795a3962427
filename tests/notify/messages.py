"""Arbitrary messages, with the kind of text that does harm where it is not treated as data."""

from __future__ import annotations

from hypothesis import strategies as st

from adapters.notify.content.message import Event, Field, Message, Section
from adapters.notify.content.sanitize import clean
from engine.model.notices import Severity
from engine.model.orders import AccountKind

HOSTILE = (
    "<b>&amp; <script>alert(1)</script> <!channel> <@U123> <https://evil.example|click>",
    "*bold* _it_ ~s~ `code` ||spoiler|| [label](https://evil.example) # head > quote",
    "@everyone https://evil.example /flatten",
    "</b></i>&lt;b&gt; &#60; \u202e\x1b]0;x\x07 'quoted' \"twice\"",
    "🚨" * 300,
)

texts = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=200), st.text(min_size=400, max_size=700)).map(
    clean
)
facts = st.builds(Field, texts.filter(bool), texts.filter(bool))
sections = st.builds(Section, texts, st.lists(facts, min_size=1, max_size=30).map(tuple))
messages = st.builds(
    Message,
    event=st.sampled_from(Event),
    severity=st.sampled_from(Severity),
    title=texts.filter(bool),
    ts=st.integers(0, 2**62),
    kind=st.none() | st.sampled_from(AccountKind),
    mark=st.sampled_from(["", "🚨", "✅"]),
    lines=st.lists(texts.filter(bool), max_size=40).map(tuple),
    sections=st.lists(sections, max_size=6).map(tuple),
    count=st.integers(1, 99),
)
