"""What an attached client and the engine say to each other: frames of msgpack on the control socket.

A frame is its length in four bytes, the highest first, then so many bytes. No frame is as long as 16 MB, so a
connection that begins with a zero byte speaks frames, and one that begins with anything else lines of JSON
(adapters.control.protocol). Both ends have to be built of the same messages: `SCHEMA` tells.

The client begins with Hello, before which a bridge may say for whom it speaks (Bridged). The engine answers
Welcome or NotWelcome, then sends pictures, notices, log lines and the charts that are looked at. Nothing is
sent that waits for a client who does not read: it gets the newest when it reads again.
"""

from __future__ import annotations

import asyncio
import hashlib
import sys
from enum import Enum, StrEnum
from importlib.metadata import version
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct

from engine.model import chart, commands, depth, equity, notices, questions, view
from engine.model.chart import ChartView, CurveView, OlderBars, ZoneView
from engine.model.commands import AnyCommand
from engine.model.depth import DepthView, TapeView
from engine.model.equity import EquityHistory
from engine.model.market import Bar, Timeframe
from engine.model.notices import LogLine, Notice
from engine.model.questions import Question, Reply

T = TypeVar("T")

Word = Annotated[str, Meta(max_length=100)]
"""As long as a text may be that a client sends."""

PROTOCOL = 1
VERSION = version("tstream")

HEAD = 4
"""Bytes that tell a frame's length."""
MOST_SENT = 1 << 16
"""Bytes of the longest frame that a client may send."""
MOST_HEARD = (1 << 24) - 1
"""Bytes of the longest frame that the engine may send."""
MOST_CHARTS = 8
"""A client looks at so many charts, so many books and so many tapes at most."""
MOST_LOOKED_UP = 64
WINDOW = 4
"""So many pictures may be under way to a client that it has not said to have seen."""
LATE_S = 2.0
"""A command that has been on its way for longer is not carried out: whoever gave it did not see what is
now.
"""


class Role(StrEnum):
    VIEWER = "viewer"
    """Sees everything and commands nothing."""
    TRADER = "trader"


# --- what a client says ------------------------------------------------------------------------------------


class Bridged(Struct, frozen=True, tag="bridged"):
    """Said once, before Hello, by what carries somebody else's bytes (adapters.control.bridge)."""

    origin: Word
    """From where that one comes: "ssh from 10.0.0.5"."""
    most: Role
    """What it may be at most."""


class Hello(Struct, frozen=True, tag="hello"):
    protocol: int
    schema: Word
    version: Word
    client: Word
    """Chance, the same for as long as the client lives: its commands are known by it across connections."""
    name: Word
    """What it calls itself: "anna@laptop"."""
    role: Role
    fps: float
    """It takes so many pictures a second at most."""
    run: Word = ""
    """The engine's run that it saw last; of the same it has everything up to these numbers:"""
    notice: int = -(1 << 62)
    line: int = 0


class Looking(Struct, frozen=True, tag="looking"):
    """What it looks at from now on."""

    charts: tuple[tuple[Word, Timeframe], ...]
    depths: tuple[Word, ...] = ()
    """Order books, by instrument."""
    tapes: tuple[tuple[Word, Timeframe], ...] = ()


class OlderWanted(Struct, frozen=True, tag="older"):
    instrument: Word
    timeframe: Timeframe


class EquityWanted(Struct, frozen=True, tag="equity"):
    book: Word


class CommandAsked(Struct, frozen=True, tag="ask"):
    """A command. The same `id` again asks what came of it, and does nothing again."""

    id: Word
    command: AnyCommand
    picture: int
    """The newest picture that it had when it sent this,"""
    since_ms: Annotated[float, Meta(ge=0)]
    """so long after it came,"""
    waited_ms: Annotated[float, Meta(ge=0)]
    """and so long after a person gave the command."""


class LookingUp(Struct, frozen=True, tag="lookup"):
    """What came of commands whose answers did not come before the line broke."""

    ids: tuple[Word, ...]


class QuestionAsked(Struct, frozen=True, tag="question"):
    """Something that changes nothing."""

    id: Word
    question: Question


class PictureTaken(Struct, frozen=True, tag="seen"):
    """It has this picture, and room for one more."""

    picture: int


FromClient = (
    Bridged
    | Hello
    | Looking
    | OlderWanted
    | EquityWanted
    | CommandAsked
    | LookingUp
    | QuestionAsked
    | PictureTaken
)


# --- what the engine says ----------------------------------------------------------------------------------


class Welcome(Struct, frozen=True, tag="welcome"):
    version: str
    run: str
    """Chance, the same for as long as the engine runs: numbers count within it."""
    role: Role


class NotWelcome(Struct, frozen=True, tag="not_welcome"):
    why: str
    for_good: bool = True
    """Trying again leads nowhere."""


class PictureSent(Struct, frozen=True, tag="picture"):
    """A View without its notices, as plain values."""

    number: int
    """Its version."""
    base: int
    """The picture that `body` is a patch of (adapters.control.changes); 0 where it is the whole one."""
    body: Any


class NoticesSent(Struct, frozen=True, tag="notices"):
    notices: tuple[Notice, ...]
    """Oldest first."""


class LinesSent(Struct, frozen=True, tag="lines"):
    lines: tuple[LogLine, ...]
    """Oldest first; some may be left out before them, where more came than is sent at once."""


class ChartSent(Struct, frozen=True, tag="chart"):
    """The whole chart; None where the engine has none."""

    instrument: str
    timeframe: Timeframe
    chart: ChartView | None


class ChartTail(Struct, frozen=True, tag="tail"):
    """What is new in a chart that was sent before."""

    instrument: str
    timeframe: Timeframe
    first: int
    """So many of its oldest bars are gone,"""
    bars: tuple[Bar, ...]
    """and these have closed."""
    forming: Bar | None
    older: OlderBars
    zones: tuple[ZoneView, ...] | None = None
    """None where they are as before."""
    curves: tuple[CurveView, ...] | None = None


class EquitySent(Struct, frozen=True, tag="equity_of"):
    """None where the engine has none, or is too busy."""

    book: str
    history: EquityHistory | None


class DepthSent(Struct, frozen=True, tag="depth"):
    """An order book as it stands."""

    depth: DepthView


class TapeSent(Struct, frozen=True, tag="tape"):
    """A tape, with those prints alone that are newer than the ones sent before."""

    tape: TapeView
    anew: bool = False
    """It does not go on where that ended: these are all its prints."""


class CommandFate(StrEnum):
    """How a command ended, of those that have no notice."""

    REFUSED = "refused"
    """Certainly not carried out."""
    UNKNOWN = "unknown"
    """It was taken, and nothing was said of it in time."""
    NEVER_HEARD = "never heard"
    """Nothing of it has come here in this run."""


class AnswerSent(Struct, frozen=True, tag="answer"):
    id: str
    notice: Notice | None = None
    fate: CommandFate | None = None
    why: str = ""


class QuestionAnswered(Struct, frozen=True, tag="reply"):
    id: str
    reply: Reply | None = None
    why: str = ""
    """Why there is none."""


class GoodBye(Struct, frozen=True, tag="good_bye"):
    """The engine hangs up on purpose."""

    why: str


FromEngine = (
    Welcome
    | NotWelcome
    | PictureSent
    | NoticesSent
    | LinesSent
    | ChartSent
    | ChartTail
    | DepthSent
    | TapeSent
    | EquitySent
    | AnswerSent
    | QuestionAnswered
    | GoodBye
)


def _schema() -> str:
    """What both ends have to agree about: the fields of every value that goes over the line. Modules are
    found by what they import, so that none can be forgotten.
    """
    told, modules = [], [chart, commands, depth, equity, notices, questions, view, sys.modules[__name__]]
    for module in modules:  # grows meanwhile
        for name, one in sorted(vars(module).items()):
            if not isinstance(one, type) or not issubclass(one, (Struct, Enum)):
                continue
            home = sys.modules[one.__module__]
            if home is not module:
                if one.__module__.startswith("engine.model.") and home not in modules:
                    modules.append(home)
            elif issubclass(one, Struct):
                told.append(f"{module.__name__}.{name} {one.__annotations__} {one.__struct_config__.tag}")
            else:
                told.append(f"{module.__name__}.{name} {[member.value for member in one]}")
    return hashlib.sha256("\n".join(sorted(told)).encode()).hexdigest()[:16]


SCHEMA = _schema()

_encoder = msgspec.msgpack.Encoder()


def frame(message: FromClient | FromEngine) -> bytes:
    """A message with its length in front."""
    body = _encoder.encode(message)
    return len(body).to_bytes(HEAD) + body


class FrameError(Exception):
    """What came is no frame of these, or too long."""


async def read_frame(
    reader: asyncio.StreamReader, decoder: msgspec.msgpack.Decoder[T], most: int, begun: bytes = b""
) -> tuple[T, int]:
    """The next message and the bytes it took; `begun` was read already. Raises FrameError,
    ConnectionError.
    """
    try:
        head = begun + await reader.readexactly(HEAD - len(begun))
        size = int.from_bytes(head)
        if not 0 < size <= most:
            raise FrameError(f"a frame of {size} bytes, {most} are the most")
        return decoder.decode(await reader.readexactly(size)), HEAD + size
    except asyncio.IncompleteReadError:
        raise ConnectionError("it hung up") from None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise FrameError(f"{error}") from None
