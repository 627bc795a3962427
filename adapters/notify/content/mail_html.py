"""A message as the HTML of a mail. Every text is escaped; the form needs no picture and no style sheet."""

from __future__ import annotations

import html

from adapters.notify.content.message import Message
from engine.model.notices import Severity

_COLOURS = {
    Severity.INFO: "#5f6b7a",
    Severity.GOOD: "#1d7f49",
    Severity.WARNING: "#9a6b00",
    Severity.CRITICAL: "#b3261e",
}


def subject(message: Message) -> str:
    """The mail's subject: one line, as cleaned texts are."""
    return f"tstream: {message.headline}"


def mail_html(message: Message, when: str) -> str:
    """A whole document. Read without its tags it still has one fact a line."""
    color = _COLOURS[message.severity]
    body = [f'<h2 style="margin:0 0 12px;color:{color};font-size:18px">{_escape(message.headline)}</h2>']
    body += [f'<p style="margin:0 0 6px">{_escape(line)}</p>' for line in message.lines]
    for section in message.sections:
        if section.title:
            body.append(f'<h3 style="margin:16px 0 4px;font-size:15px">{_escape(section.title)}</h3>')
        facts = "".join(
            f'<p style="margin:0;padding:3px 0;border-bottom:1px solid #e4e7eb">'
            f'<span style="color:#5f6b7a">{_escape(field.name)}:</span> <b>{_escape(field.value)}</b></p>'
            for field in section.fields
        )
        body.append(f'<div style="max-width:520px">{facts}</div>')
    if when:
        body.append(f'<p style="margin:16px 0 0;color:#5f6b7a;font-size:12px">{_escape(when)}</p>')
    content = "\n".join(body)
    return (
        '<!doctype html>\n<html><head><meta charset="utf-8"></head>\n'
        '<body style="margin:0;padding:16px;font-family:sans-serif;font-size:14px;color:#1f2933">\n'
        f"{content}\n</body></html>"
    )


def _escape(text: str) -> str:
    return html.escape(text, quote=True)
