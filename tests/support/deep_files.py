"""Files of deep models, written byte by byte as safetensors has it: with them or without torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import prod
from struct import pack
from typing import Any

import msgspec

from adapters.models.deep.weights import KEY, DeepShape

SHAPE = DeepShape(2, 3, 4, 2, (0.1, 0.5, 0.9), ("MNQ",))
"""Of two features and three closes."""


def deep_file(shape: DeepShape = SHAPE, number: float = 0.0, **changed: Any) -> bytes:
    """Weights that are all one number; `changed` are entries of the header, None leaves one out."""
    header: dict[str, Any] = {"__metadata__": {KEY: msgspec.json.encode(shape).decode()}}
    end = 0
    for name, sizes in shape.tensors().items():
        header[name] = {"dtype": "F32", "shape": list(sizes), "data_offsets": [end, end + 4 * prod(sizes)]}
        end += 4 * prod(sizes)
    header = {name: one for name, one in (header | changed).items() if one is not None}
    return framed(header, pack("<f", number) * (end // 4))


def framed(header: Mapping[str, Any] | bytes, numbers: bytes) -> bytes:
    """The bytes of a file."""
    told = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(told).to_bytes(8, "little") + told + numbers
