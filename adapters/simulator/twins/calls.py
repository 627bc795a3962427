"""Faults of calls: what happens between a client's request, over HTTP or a socket, and the answer to it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from adapters.simulator.exchange.clock import Schedule
from adapters.simulator.fault_plan.armed import Armed, ArmedFaults
from adapters.simulator.fault_plan.plan import ANY, Catalogue, FaultOptions, Option, Seam
from adapters.simulator.twins.trouble import NoAnswer, Trouble, TroubleKind

T = TypeVar("T")
Handle = Callable[[], Awaitable[Any]]

BODIES = {
    "html": "<html><body>upstream timed out</body></html>",
    "empty": "",
    "null": "null",
    "deep": "[" * 100_000 + "]" * 100_000,
}
"""What stands in place of an answer; "cut" is half of it."""


@dataclass(slots=True)
class FaultyCall:
    """One call that a fault acts on."""

    options: FaultOptions
    schedule: Schedule
    handle: Handle
    """Lets the twin answer as if nothing was wrong, or with the next fault."""
    say: Callable[[Trouble], Any]
    """Puts trouble into the venue's words."""
    spoil: Callable[[Any, str], Any]
    """Puts something else in place of an answer."""

    async def wait(self) -> None:
        await self.schedule.wait(self.options.number("seconds"))


CallFault = Callable[[FaultyCall], Awaitable[Any]]
_DONE = Option(False, "the venue does what is asked all the same")


def add_calls(catalogue: Catalogue, calls: Sequence[str]) -> None:
    """Add the faults of calls of a wire that has these."""
    first = "place" if "place" in calls else next(iter(calls), ANY)

    def kind(
        name: str, about: str, example: str, usual: str = first, **options: Option
    ) -> Callable[[CallFault], CallFault]:
        call = Option(usual, "which call", (ANY, *calls))
        shown = example.replace("call=place", f"call={first}")
        return catalogue.add(name, Seam.CALL, about, shown, call=call, **options)

    @kind(
        "lost-request",
        "The request never reaches the venue: the connection is cut.",
        "lost-request:call=place",
    )
    async def _lost_request(_context: FaultyCall) -> Any:
        return NoAnswer.CUT

    @kind("lost-reply", "The venue does what is asked, and the connection is cut.", "lost-reply:call=place")
    async def _lost_reply(context: FaultyCall) -> Any:
        await context.handle()
        return NoAnswer.CUT

    @kind("hang", "The client is left waiting for its answer.", "hang:call=place,done=yes", done=_DONE)
    async def _hang(context: FaultyCall) -> Any:
        if context.options.yes("done"):
            await context.handle()
        return NoAnswer.HANG

    @kind(
        "late-reply",
        "The venue acts at once; its answer comes so many seconds later.",
        "late-reply:call=place,seconds=2",
        seconds=Option(2.0, "of venue time"),
    )
    async def _late_reply(context: FaultyCall) -> Any:
        answer = await context.handle()
        await context.wait()
        return answer

    @kind(
        "late-request",
        "The request travels so many seconds: the venue acts when the client may have given up.",
        "late-request:call=place,seconds=10",
        seconds=Option(10.0, "of venue time"),
    )
    async def _late_request(context: FaultyCall) -> Any:
        await context.wait()
        return await context.handle()

    @kind(
        "error",
        "The venue answers with a server error.",
        "error:call=place,status=502,done=yes",
        status=Option(503, "HTTP status"),
        done=_DONE,
    )
    async def _error(context: FaultyCall) -> Any:
        if context.options.yes("done"):
            await context.handle()
        text = "the server could not complete the request"
        return context.say(Trouble(TroubleKind.ERROR, text, context.options.count("status")))

    @kind(
        "refuse",
        "The venue does nothing and says no.",
        "refuse:call=place,times=3",
        text=Option("refused by the venue", "what it says"),
    )
    async def _refuse(context: FaultyCall) -> Any:
        return context.say(Trouble(TroubleKind.REFUSED, context.options.text("text")))

    @kind(
        "rate-limit",
        "The venue does nothing: too many requests.",
        "rate-limit:call=any,times=5,seconds=3",
        ANY,
        seconds=Option(1.0, "its Retry-After header; 0 leaves it out"),
        status=Option(429, "HTTP status"),
    )
    async def _rate_limit(context: FaultyCall) -> Any:
        seconds = int(-(-context.options.number("seconds") // 1))
        status = context.options.count("status")
        return context.say(Trouble(TroubleKind.LIMITED, "too many requests", status, seconds))

    @kind(
        "garbled-reply",
        "The venue does what is asked, but its answer can't be read.",
        "garbled-reply:call=place,how=html",
        how=Option(
            "cut", "cut short, a web page, empty, no object, or nested 100,000 deep", ("cut", *BODIES)
        ),
    )
    async def _garbled_reply(context: FaultyCall) -> Any:
        return context.spoil(await context.handle(), context.options.text("how"))


class TwinCalls:
    """Lets faults act on calls."""

    def __init__(self, armed: ArmedFaults) -> None:
        self._armed = armed

    async def run(
        self,
        call: str,
        handle: Callable[[], Awaitable[T]],
        say: Callable[[Trouble], T],
        spoil: Callable[[T, str], T],
    ) -> T | NoAnswer:
        """What a client gets for a call: the answer of `handle`, or what faults make of it."""
        acting = self._armed.acting(Seam.CALL, call, None, call=call) if call else ()
        answer: T | NoAnswer = await self._through(list(acting), handle, say, spoil)
        return answer

    async def _through(
        self,
        acting: list[Armed],
        handle: Handle,
        say: Callable[[Trouble], Any],
        spoil: Callable[[Any, str], Any],
    ) -> Any:
        if not acting:
            return await handle()
        first, *others = acting
        inner: Handle = lambda: self._through(others, handle, say, spoil)  # noqa: E731
        context = FaultyCall(first.fault.options, self._armed.schedule, inner, say, spoil)
        return await first.kind.act(context)


def spoiled(text: str, how: str) -> str:
    """What is sent in place of a text."""
    return BODIES.get(how, text[: len(text) // 2])
