"""The file of a deep model, looked at without torch: safetensors, whose numbers can only be numbers
(docs/models.md#files).

Bytes of a header's length, the header as JSON, and then float32s. Everything that is in it has to be what the
shape of the model asks for, and there is nothing else.
"""

from __future__ import annotations

from itertools import pairwise
from math import prod

import msgspec
from msgspec import Struct

from engine.model.errors import FatalError

KEY = "tstream"
"""Of the header's metadata: the shape as JSON."""
MOST_HEADER_BYTES = 1 << 20
MOST_WINDOW, MOST_HIDDEN, MOST_WIDTH, MOST_INSTRUMENTS, MOST_QUANTILES = 64, 64, 10_000, 100, 19

Sizes = tuple[int, ...]


class DeepShape(Struct, frozen=True, forbid_unknown_fields=True):
    """What a network is made for; the sizes of all its tensors follow from it."""

    width: int
    """Features of a close."""
    window: int
    """Closes that it looks at, the newest among them."""
    hidden: int
    heads: int
    quantiles: tuple[float, ...]
    """Of the result in R, rising, each above 0 and below 1."""
    instruments: tuple[str, ...]
    """That it tells apart."""

    @property
    def objection(self) -> str:
        """What can't be in it; empty where nothing is wrong."""
        within = (
            1 <= self.width <= MOST_WIDTH
            and 1 <= self.window <= MOST_WINDOW
            and 1 <= self.hidden <= MOST_HIDDEN
            and 1 <= self.heads <= self.hidden
            and 1 <= len(self.quantiles) <= MOST_QUANTILES
            and len(self.instruments) <= MOST_INSTRUMENTS
        )
        if not within or self.hidden % self.heads:
            return "its sizes can't be"
        if not all(low < high for low, high in pairwise((0.0, *self.quantiles, 1.0))):
            return "its quantiles do not rise from 0 to 1"
        return ""

    def tensors(self) -> dict[str, Sizes]:
        """The sizes of each, by name."""
        width, own = self.width, self.hidden
        found: dict[str, Sizes] = {
            "mean": (width,),
            "deviation": (width,),
            "embed.scale": (width, own),
            "embed.shift": (width, own),
            "embed.unknown": (width, own),
            "variable.in": (width, own, own),
            "variable.in.bias": (width, 1, own),
            "variable.out": (width, own, 2 * own),
            "variable.out.bias": (width, 1, 2 * own),
            "variable.norm": (width, 1, own),
            "variable.norm.bias": (width, 1, own),
            "select.in": (2 * width, own),
            "select.in.bias": (own,),
            "select.out": (own, 2 * width),
            "select.out.bias": (2 * width,),
            "select.norm": (own,),
            "select.norm.bias": (own,),
            "instrument": (len(self.instruments) + 1, own),
            "start.memory": (own, own),
            "start.cell": (own, own),
            "lstm.in": (4 * own, own),
            "lstm.memory": (4 * own, own),
            "lstm.in.bias": (4 * own,),
            "lstm.memory.bias": (4 * own,),
            "enrich.context": (own, own),
            "attend.query": (own, own),
            "attend.key": (own, own),
            "attend.value": (own, own // self.heads),
            "attend.out": (own // self.heads, own),
            "head": (own, 1 + len(self.quantiles)),
            "head.bias": (1 + len(self.quantiles),),
        }
        for name in ("static", "enrich", "final"):
            found |= {
                f"{name}.in": (own, own),
                f"{name}.in.bias": (own,),
                f"{name}.out": (own, 2 * own),
                f"{name}.out.bias": (2 * own,),
                f"{name}.norm": (own,),
                f"{name}.norm.bias": (own,),
            }
        for name in ("lstm.gate", "attend.gate", "last.gate"):
            found |= {
                name: (own, 2 * own),
                f"{name}.bias": (2 * own,),
                f"{name}.norm": (own,),
                f"{name}.norm.bias": (own,),
            }
        return found


class _Tensor(Struct, frozen=True):
    dtype: str
    shape: tuple[int, ...]
    data_offsets: tuple[int, int]


def shape_of(data: bytes) -> DeepShape:
    """The shape of the network in a file, after a look at all of its header. Raises FatalError with what is
    wrong in a few words.
    """
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > min(MOST_HEADER_BYTES, len(data) - 8):
        raise FatalError("it is no safetensors file")
    try:
        header = msgspec.json.decode(data[8 : 8 + length], type=dict[str, msgspec.Raw])
        told = msgspec.json.decode(header.pop("__metadata__", b"{}"), type=dict[str, str])
        shape = msgspec.json.decode(told.get(KEY, ""), type=DeepShape)
        tensors = {name: msgspec.json.decode(raw, type=_Tensor) for name, raw in header.items()}
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise FatalError("its header is none of a deep model") from None
    if shape.objection:
        raise FatalError(shape.objection)
    wanted = shape.tensors()
    if tensors.keys() != wanted.keys():
        raise FatalError("it holds other tensors than a deep model has")
    end = 0
    for name, one in sorted(tensors.items(), key=lambda pair: pair[1].data_offsets):
        begin, behind = one.data_offsets
        fits = one.dtype == "F32" and one.shape == wanted[name]
        if not fits or (begin, behind) != (end, end + 4 * prod(one.shape)):
            raise FatalError(f"its tensor {name} is not what a deep model has there")
        end = behind
    if end != len(data) - 8 - length:
        raise FatalError("its numbers are not as many as its header says")
    return shape
