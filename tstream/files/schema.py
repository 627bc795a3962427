"""The JSON Schema of the files, made of what they are written from: `make docs` puts it into docs/."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import msgspec

from tstream.files.model import FILES


def files_schema() -> dict[str, Any]:
    """JSON Schema, draft 2020-12: a property for each file, which its file is a document of."""
    _, parts = msgspec.json.schema_components(FILES.values(), ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Files of a run of tstream",
        "type": "object",
        "properties": {name: {"$ref": f"#/$defs/{kind.__name__}"} for name, kind in FILES.items()},
        "$defs": {name: _with_numbers(part) for name, part in parts.items()},
    }


def text() -> str:
    """As it stands in docs/."""
    return json.dumps(files_schema(), indent=2, ensure_ascii=False) + "\n"


def _with_numbers(value: Any) -> Any:
    """Decimals are written as numbers here."""
    if isinstance(value, list):
        return [_with_numbers(one) for one in value]
    if not isinstance(value, dict):
        return value
    if value.get("format") == "decimal":
        return {"type": "number"}
    return {name: _with_numbers(one) for name, one in value.items()}


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(text(), encoding="utf-8")
