"""Writes docs/json-bot.schema.json, for editors that check JSON as it is typed.

Run as `python -m tstream.botfiles.schema FILE` (make docs).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tstream.botfiles.logic import ENTRIES, EXITS
from tstream.botfiles.model import BotFile

_LOGIC = {"entry_logic": ENTRIES, "exit_logic": EXITS}


def schema() -> dict[str, Any]:
    """JSON Schema, draft 2020-12."""
    found = _plain(BotFile.model_json_schema())
    found["properties"]["$schema"] = {"type": "string"}
    strategy = found["$defs"]["StrategyPart"]["properties"]
    for name, known in _LOGIC.items():
        strategy[name]["examples"] = [{"name": one, "params": {}} for one in known]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}


def text() -> str:
    """As it stands in docs/."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


_BOUNDS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum"}


def _plain(value: Any) -> Any:
    """Without what is for our own messages only. Numbers are numbers, and no text that looks like one."""
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    found = {name: _plain(inner) for name, inner in value.items() if name not in ("allowed", "title")}
    choices = found.get("anyOf", [])
    numbers = [one for one in choices if one.get("type") == "number"]
    if numbers and (left := [one for one in choices if one.get("type") != "string"]):
        del found["anyOf"]
        found |= left[0] if len(left) == 1 else {"anyOf": left}
    for name, ours in _BOUNDS.items():
        if name in found:
            found[ours] = float(found.pop(name))
    if found.get("type") == "number" and isinstance(found.get("default"), str):
        found["default"] = float(found["default"])
    return found


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(text(), encoding="utf-8")
