"""docs/api.md and the dashboard say what the code is."""

from __future__ import annotations

import json
import re

from adapters.control.metrics import FIGURES, PROCESS_NAMES
from adapters.control.rest.openapi import document
from adapters.control.rest.page import markdown
from adapters.control.rest.problem import Code
from adapters.control.rest.routes import routes
from adapters.control.rest.server import CONNECTIONS
from tests.docs.pages import DOCS, ROOT, text


def test_the_page_is_written_from_the_routes() -> None:
    assert text(DOCS / "api.md") == markdown(), "run make docs"


def test_every_route_code_and_metric_stands_there() -> None:
    page = text(DOCS / "api.md")
    for route in routes():
        assert f"#### {route.method} {route.path}\n" in page
    for code in Code:
        assert f"| {code.status} | `{code.code}` |" in page
    for figure in FIGURES:
        assert f"| `{figure.name}` |" in page
    assert f"{CONNECTIONS} connections" in " ".join(page.split())


def test_the_description_names_every_route_once_and_every_path_of_the_guide() -> None:
    described = document("1.2.3")
    found = {(method.upper(), path) for path, one in described["paths"].items() for method in one}
    table = [(route.method, route.path) for route in routes()]
    assert found == set(table)
    assert len(table) == len(set(table))
    ids = [one["operationId"] for path in described["paths"].values() for one in path.values()]
    assert len(ids) == len(set(ids))
    assert found >= {
        ("POST", "/system/start"),
        ("POST", "/system/stop"),
        ("GET", "/system/status"),
        ("POST", "/trading/order"),
        ("DELETE", "/trading/order/{order_id}"),
        ("GET", "/positions"),
        ("POST", "/positions/close"),
        ("POST", "/data/subscribe"),
        ("GET", "/data/{symbol}/ticker"),
        ("GET", "/data/{symbol}/klines"),
    }


def test_the_dashboard_asks_for_metrics_that_there_are() -> None:
    board = json.loads((ROOT / "docs" / "grafana-dashboard.json").read_text(encoding="utf-8"))
    asked = [target["expr"] for panel in board["panels"] for target in panel.get("targets", ())]
    named = {name for expr in asked for name in re.findall(r"\b(?:tstream|process)_\w+", expr)}
    assert len(named) > 12
    assert named <= {figure.name for figure in FIGURES} | set(PROCESS_NAMES)
    labels = {label for figure in FIGURES for label in figure.labels} | {"job", "instance"}
    grouped = {
        label
        for expr in asked
        for found in re.findall(r"\bby \(([^)]*)\)", expr)
        for label in re.findall(r"\w+", found)
    }
    shown = {
        label
        for panel in board["panels"]
        for t in panel.get("targets", ())
        for label in re.findall(r"{{(\w+)}}", t.get("legendFormat", ""))
    }
    assert grouped | shown <= labels
