"""Writes docs/api.md from the table of routes.

Run as `python -m adapters.control.rest.page FILE` (make docs).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from adapters.control.metrics import FIGURES, PROCESS_NAMES
from adapters.control.rest import guard, live
from adapters.control.rest.config import ApiConfig
from adapters.control.rest.openapi import docs_of, inlined
from adapters.control.rest.problem import Code
from adapters.control.rest.routes import Route, parameters, problems, routes
from adapters.control.rest.server import CONNECTIONS, MOST_BYTES
from adapters.control.tokens import SHORTEST, Scope

_DEFAULTS = ApiConfig(tokens=Path(), keys=Path(), version="")

_HEAD = f"""# REST API, WebSocket and metrics

<!-- Written by `make docs` from the table of routes; a test compares the two. -->

Scripts look at a running engine and command it over HTTP. Everything here goes through the same door as the
cockpit and the command line: the same commands, the same gate, the same limits. Reading never disturbs the
engine: handlers read the picture that the cockpit sees, in a thread of their own.

The API is off until it is wanted:

```toml
[api]
enabled = true
```

or `tstream engine --api` (`--no-api` switches it off for one run). It then listens at
`http://{_DEFAULTS.host}:{_DEFAULTS.port}`, this machine alone. Beyond it TLS is needed: `api.host`,
`api.certificate` and `api.certificate_key`; or a proxy in front that encrypts, with `api.names`
([configuration.md](configuration.md#api)).

```console
$ tstream token create grafana --scope read
$ tstream token create script --scope trade --days 90
$ curl -H "Authorization: Bearer $TOKEN" http://localhost:{_DEFAULTS.port}/positions
$ curl http://localhost:{_DEFAULTS.port}/system/status
$ curl -X POST http://localhost:{_DEFAULTS.port}/trading/order -H "Authorization: Bearer $TOKEN" \\
    -H "Idempotency-Key: $(uuidgen)" -H "Content-Type: application/json" \\
    -d '{{"symbol": "MNQ", "side": "buy", "qty": 1, "stop_ticks": 40, "target_ticks": [80]}}'
```

## Tokens

A token is shown once, when it is made; what is kept is its SHA-256, in `api-tokens.json` beside the
settings. `tstream token list` shows them, `tstream token revoke NAME` ends one: within a second, in a running
engine too, its open WebSockets within five. `API_TOKEN` (or `TSTREAM_API_TOKEN`) in `.env` or the
environment is one of all
scopes, if it has at least {SHORTEST} characters.

| scope | may |
|---|---|
{{scopes}}
- A token goes into the header `Authorization: Bearer TOKEN`, never into an address.
- A token may send {_DEFAULTS.per_minute} requests and {_DEFAULTS.orders_per_minute} commands a minute
  (`api.per_minute`, `api.orders_per_minute`), a sixth of that at once.
- A wrong or expired token is answered late: after {guard.FIRST_PAUSE_S:g} s, then twice as long each time, up
  to {guard.LONGEST_PAUSE_S:g} s; it stands in the access log and is news to the channels.
- Without a token only `GET /system/status` answers, on this machine, with `alive` and `version`.
- The header Host must name this machine, `api.host` or one of `api.names`; a request that a web page of
  another place has sent (Origin) is refused.

## Placing an order once

`POST /trading/order` needs a header `Idempotency-Key`, new for each order. The key makes the id of the
command, and what it was used for is written down before the engine is asked. The same key with the same body
is answered as it was the first time (header `Idempotency-Replayed: true`), in this run or after a restart,
and trades nothing again; with another body it is refused (`key_used`). Where nobody knows what came of it the
answer is 504 `unknown`: send the same key again to look it up; nothing is ever sent a second time.

## Errors

Whatever is not done is told in one form, `{{{{"error": CODE, "message": WORDS, "remedy": WHAT TO DO}}}}`:

| status | error | it means |
|---|---|---|
{{errors}}
A body has at most {MOST_BYTES // 1024} KiB, and {CONNECTIONS} connections may stand at a time.

## Routes

`GET /openapi.json` has all of this for programs (OpenAPI 3.1), with the fields of every reply. Prices and
amounts are text in replies, so that no program rounds them; in requests a number or text. Times are
nanoseconds UTC of the engine's clock where the name says nothing else; quantities are whole lots.
"""

_LIVE = f"""
## WebSocket

`ws://localhost:{_DEFAULTS.port}/ws`, with the same header and the scope `read`. The first message is a
snapshot; then, at most {1 / live.PERIOD_S:g} times a second, what has changed. A client that does not read is
skipped and gets a new snapshot; after {live.STALLED_S:.0f} s it is hung up on. What a client may send is
`{{"subscribe": ["MNQ"]}}`: whose prices it wants from now on.

"""

_METRICS = """
## Metrics

`GET /metrics` is what Prometheus reads, with a token of the scope `read`:

```yaml
scrape_configs:
  - job_name: tstream
    authorization: { credentials_file: /etc/prometheus/tstream.token }
    static_configs: [{ targets: ["localhost:8000"] }]
```

[grafana-dashboard.json](grafana-dashboard.json) is a dashboard of them: Grafana, Dashboards, Import. Amounts
are in the book's currency, which the label `currency` names.

| metric | kind | labels | what it is |
|---|---|---|---|
"""


def markdown() -> str:
    """The whole page."""
    scopes = "".join(f"| `{scope}` | {words} |\n" for scope, words in _scopes())
    errors = "".join(f"| {code.status} | `{code.code}` | {code.meaning} |\n" for code in Code)
    head = _HEAD.replace("{scopes}", scopes).replace("{errors}", errors).replace("{{", "{").replace("}}", "}")
    parts = [head]
    tag = ""
    for route in sorted(routes(), key=lambda one: _TAGS.index(one.tag)):
        if route.tag != tag:
            tag = route.tag
            parts.append(f"\n### {tag}\n")
        parts.append(_route(route))
    parts += [_LIVE, *_fields(live.LiveUpdate)]
    figures = "".join(
        f"| `{one.name}` | {one.kind} | {', '.join(one.labels)} | {one.words} |\n" for one in FIGURES
    )
    process = ", ".join(f"`{name}`" for name in PROCESS_NAMES)
    return "".join(parts) + _METRICS + figures + f"\nOf the process itself, on Linux: {process}.\n"


_TAGS = ("System", "Trading", "Positions", "Market data", "Results")


def _scopes() -> Iterator[tuple[str, str]]:
    words = {
        Scope.READ: "look: prices, positions, orders, figures, metrics, the WebSocket",
        Scope.TRADE: "also place and cancel orders, close positions",
        Scope.ADMIN: "also start, stop and halt trading, end the engine, read the settings",
    }
    return ((scope.value, words[scope]) for scope in Scope)


def _route(route: Route) -> str:
    lines = [f"\n#### {route.method} {route.path}\n\n", f"Scope `{route.scope}`. {route.words}\n"]
    if route.keyed:
        lines.append("Header `Idempotency-Key`: 1 to 100 letters, digits, `.`, `_`, `:` or `-`.\n")
    for name, kind in parameters(route.path).items():
        about = msgspec.json.schema(kind).get("description", "")
        lines.append(f"`{name}`: {about}\n")
    for title, kind in (("parameter", route.query), ("field", route.body)):
        if kind is not None and kind.__struct_fields__:
            lines.append("\n")
            lines += _fields(kind, title)
    told = [f"`{code.code}`" for code in problems(route) if code in _OWN]
    reply = ", ".join(f"`{name}`" for name in route.reply.__struct_fields__)
    lines.append(f"\nReplies with {reply}.")
    lines.append(f" May refuse with {', '.join(told)}.\n" if told else "\n")
    return "".join(lines)


_OWN = {Code.NOT_FOUND, Code.REFUSED, Code.KEY_USED, Code.UNKNOWN}


def _fields(kind: type[Struct], title: str = "field") -> list[str]:
    schema, words = inlined(kind), docs_of(kind)
    rows = [f"| {title} | what may stand there | default | what it is |\n|---|---|---|---|\n"]
    for name, one in schema["properties"].items():
        default = "" if name in schema["required"] else f"`{json.dumps(one.get('default'))}`"
        about = words.get(name) or one.get("description", "")
        rows.append(f"| `{name}` | {_kind(one)} | {default} | {' '.join(str(about).split())} |\n")
    return rows


def _kind(one: dict[str, Any]) -> str:
    if "anyOf" in one:
        return " or ".join(_kind(part) for part in one["anyOf"] if part.get("type") != "null")
    if "enum" in one:
        return ", ".join(f"`{value}`" for value in one["enum"])
    kind = one.get("type", "anything")
    if kind == "array":
        most = f" of at most {one['maxItems']}" if "maxItems" in one else ""
        return f"list{most}: {_kind(one['items'])}" if isinstance(one.get("items"), dict) else "list"
    if isinstance(kind, list):
        return f"{kind[0]} above 0, or the same as text"
    if "minimum" in one and "maximum" in one:
        return f"{kind} from {one['minimum']} to {one['maximum']}"
    if kind == "string" and one.get("pattern", "").startswith("^("):
        inside = one["pattern"].removeprefix("^(").removesuffix(")$")
        return ", ".join(f"`{word}`" for word in inside.split("|"))
    if kind == "string" and one.get("format") == "decimal":
        return "number as text"
    words = {"string": "text", "boolean": "`true` or `false`", "object": "an object"}
    return words.get(kind, str(kind))


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(markdown(), encoding="utf-8")
