"""Handlers that command the engine. Each command goes once; what is not heard of is told as unknown."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterable
from contextlib import suppress
from decimal import Decimal

import msgspec
from msgspec import structs

from adapters.control.rest.idempotency import command_id, hashed
from adapters.control.rest.looking import known_contract
from adapters.control.rest.problem import ApiProblem, Code
from adapters.control.rest.service import ApiCall, ApiService, Caller, WireAnswer, done, unknown
from adapters.control.rest.shapes import (
    ChangeRequest,
    CloseRequest,
    CommandReply,
    OrderReply,
    OrderRequest,
    PlainNumber,
    ReverseRequest,
    StartRequest,
    StopRequest,
    plain,
)
from engine.model.commands import (
    AGAIN,
    ONLY_TRIED,
    AddManual,
    CancelManual,
    ChangeManual,
    Flatten,
    Halt,
    ManualCommand,
    Pause,
    PlaceManual,
    ReduceManual,
    Resume,
    ReverseManual,
    RunCommand,
    Shutdown,
)
from engine.model.errors import RetryableError
from engine.model.notices import Notice
from engine.model.view import ContractView

_LONGEST_S = 60.0
"""An answer that has not come by then is looked up when the key comes again."""
_ENCODER = msgspec.json.Encoder()


async def start(call: ApiCall) -> CommandReply:
    body: StartRequest = call.body
    return await _command(call, Resume(id=_new_id(), source=call.caller.source, halted=body.halted))


async def stop(call: ApiCall) -> CommandReply:
    body: StopRequest = call.body
    kinds: dict[str, type[Pause | Halt | Flatten | Shutdown]] = {
        "pause": Pause,
        "halt": Halt,
        "flatten": Flatten,
        "shutdown": Shutdown,
    }
    return await _command(call, kinds[body.how](id=_new_id(), source=call.caller.source))


async def close_positions(call: ApiCall) -> CommandReply:
    body: CloseRequest = call.body
    if (body.symbol is None) is not body.all:
        raise ApiProblem(
            Code.REFUSED, "say what to close", "give a symbol, or all: true for every position, and not both"
        )
    who = call.caller.source
    if body.qty is None and not body.dry_run:
        command = Flatten(id=_new_id(), source=who, instrument=body.symbol, book=body.book)
        return await _command(call, command)
    if body.symbol is None or body.qty is None:
        raise ApiProblem(Code.REFUSED, "say what to close", "a part has a symbol and a qty")
    contract = known_contract(await call.api.view(), body.symbol)
    part = ReduceManual(
        id=_new_id(),
        source=who,
        instrument=body.symbol,
        book=body.book,
        qty=_lots(body.qty, contract),
        dry_run=body.dry_run,
    )
    return await _command(call, part)


async def reverse_position(call: ApiCall) -> CommandReply:
    body: ReverseRequest = call.body
    contract = known_contract(await call.api.view(), body.symbol)
    command = ReverseManual(
        id=_new_id(),
        source=call.caller.source,
        instrument=contract.instrument,
        book=body.book,
        qty=_lots(body.qty, contract),
        risk_usd=plain(body.risk_usd),
        stop=plain(body.stop),
        stop_ticks=body.stop_ticks,
        targets=_prices(body.targets),
        target_ticks=body.target_ticks,
        override=body.override,
        dry_run=body.dry_run,
    )
    return await _command(call, command)


async def change_order(call: ApiCall) -> CommandReply:
    body: ChangeRequest = call.body
    who, order = call.caller.source, call.path["order_id"]
    if body.add_qty is not None:
        symbols = [o.instrument for o in (await call.api.view()).orders if order in (o.plan, o.client_id)]
        if not symbols:
            raise ApiProblem(
                Code.REFUSED, f"no trade with orders is called {order}", "look at /trading/orders"
            )
        contract = known_contract(await call.api.view(), symbols[0])
        more = AddManual(
            id=_new_id(),
            source=who,
            order=order,
            qty=_lots(body.add_qty, contract),
            price=plain(body.price),
            override=body.override,
            dry_run=body.dry_run,
        )
        return await _command(call, more)
    command = ChangeManual(
        id=_new_id(),
        source=who,
        order=order,
        price=plain(body.price),
        stop=plain(body.stop),
        targets=_prices(body.targets),
        add_target=plain(body.add_target),
        drop_targets=_prices(body.drop_targets),
        trail_ticks=body.trail_ticks,
        override=body.override,
        dry_run=body.dry_run,
    )
    return await _command(call, command)


def _prices(given: Iterable[PlainNumber]) -> tuple[Decimal, ...]:
    return tuple(price for one in given if (price := plain(one)) is not None)


async def cancel_order(call: ApiCall) -> CommandReply:
    command = CancelManual(id=_new_id(), source=call.caller.source, order=call.path["order_id"])
    return await _command(call, command)


async def _command(call: ApiCall, command: RunCommand | ManualCommand) -> CommandReply:
    notice = done(await call.api.ask(call.caller, command))
    return CommandReply(id=command.id, message=notice.text, verdicts=notice.verdicts)


def _new_id() -> str:
    return f"api-{secrets.token_hex(16)}"


# --- placing, once --------------------------------------------------------------------------------------


class Placing:
    """Orders under way, by the id of their command: the same key meanwhile gets the same answer."""

    def __init__(self) -> None:
        self._under_way: dict[str, tuple[str, asyncio.Task[WireAnswer]]] = {}

    async def place(self, call: ApiCall) -> WireAnswer:
        body: OrderRequest = call.body
        command = command_id(call.caller.token.id, call.key)
        contract = known_contract(await call.api.view(), body.symbol)
        order = _order(command, call.caller.source, body, contract)
        request = hashed(_ENCODER.encode(structs.replace(order, source="")))
        known = self._under_way.get(command)
        if known is None:
            work = asyncio.create_task(self._once(call.api, call.caller, order, request))
            known = self._under_way[command] = request, work
            work.add_done_callback(lambda task: self._forget(command, task))
        same, work = known
        if same != request:
            raise _other_use()
        try:
            async with asyncio.timeout(call.api.config.answer_s):
                return await asyncio.shield(work)
        except TimeoutError:
            raise unknown() from None

    def _forget(self, command: str, work: asyncio.Task[WireAnswer]) -> None:
        self._under_way.pop(command, None)
        if not work.cancelled():
            work.exception()  # who asked has been answered; nobody else waits for it

    async def _once(self, api: ApiService, who: Caller, order: PlaceManual, request: str) -> WireAnswer:
        """Ask the engine, if that has never been done for this key. Raises ApiProblem."""
        command = order.id
        try:
            used = await api.keys.take(command, request, api.clock())
        except RetryableError as error:
            raise ApiProblem(
                Code.NOT_NOW,
                f"the key can't be written down: {error}",
                "make room on the disk; nothing was sent",
            ) from None
        if used is not None and used.request != request:
            raise _other_use()
        if used is not None and used.status is not None:
            api.access.called(who.visitor, "the same Idempotency-Key again", f"{used.status} again")
            return WireAnswer(used.status, used.body, replayed=True)
        # A look-up places nothing: the engine answers as it did the first time, or tells a dry run.
        asked = structs.replace(order, dry_run=order.dry_run or used is not None)
        try:
            notice = await api.heard(api.handle.ask(asked), _LONGEST_S)
        except ApiProblem as problem:
            api.access.commanded(who.visitor, asked, f"{problem.code.code}: {problem}")
            if problem.code is Code.NOT_NOW and used is None:
                with suppress(RetryableError):  # it stays used then, and trades nothing either
                    await api.keys.free(command)  # certainly not done: the key may be used again
            raise
        api.access.commanded(who.visitor, asked, notice.text)
        answer = _answer(order, notice, looked_up=used is not None)
        try:
            await api.keys.answer(command, answer.status, answer.body)
        except RetryableError:
            return answer  # it is asked again by its key: the engine knows the id
        return answer


def _lots(qty: PlainNumber | None, contract: ContractView) -> int | None:
    """A quantity as the engine counts it. Raises ApiProblem."""
    if qty is None:
        return None
    lots, rest = divmod(Decimal(qty), contract.lot_size)
    if rest:
        step = f"{contract.lot_size.normalize():f}"
        raise ApiProblem(Code.REFUSED, f"{contract.instrument} is traded in steps of {step}", "mind the step")
    return int(lots)


def _order(command: str, source: str, body: OrderRequest, contract: ContractView) -> PlaceManual:
    """As the engine knows it."""
    return PlaceManual(
        id=command,
        source=source,
        instrument=contract.instrument,
        side=body.side,
        book=body.book,
        books=body.books,
        qty=_lots(body.qty, contract),
        risk_usd=plain(body.risk_usd),
        sized=body.sized,
        entry=body.type,
        price=plain(body.price),
        stop=plain(body.stop),
        stop_ticks=body.stop_ticks,
        targets=_prices(body.targets),
        target_ticks=body.target_ticks,
        minutes=body.minutes,
        override=body.override,
        dry_run=body.dry_run,
    )


def _answer(order: PlaceManual, notice: Notice, *, looked_up: bool) -> WireAnswer:
    before = notice.text.removeprefix(AGAIN)
    unheard = before == notice.text or before.startswith(ONLY_TRIED)  # tried by an earlier look-up
    if looked_up and not order.dry_run and unheard:
        lost = ApiProblem(
            Code.REFUSED,
            "this key was handed to the engine before, which has no such command among its newest: "
            "nothing is placed for it any more",
            "look at /trading/orders and /positions; to place it, send it with a new Idempotency-Key",
        )
        return WireAnswer(lost.code.status, _ENCODER.encode(lost.reply))
    try:
        told = done(notice)
    except ApiProblem as problem:
        return WireAnswer(problem.code.status, _ENCODER.encode(problem.reply))
    reply = OrderReply(order_id=order.id, message=told.text, dry_run=order.dry_run, verdicts=told.verdicts)
    return WireAnswer(200, _ENCODER.encode(reply))


def _other_use() -> ApiProblem:
    return ApiProblem(
        Code.KEY_USED,
        "this Idempotency-Key was used for another order",
        "make a new key for each new order, and repeat it only with the very same body",
    )
