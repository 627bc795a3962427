"""The command line of orders by hand: what `tstream order` takes, and its help."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Annotated

import typer

from tstream import arguments as args
from tstream import options

_EPILOG = """
[b]Examples[/b]

  tstream order place buy MNQ --qty 2 --stop-ticks 40 --target-ticks 80 --dry-run
  tstream order place sell MNQ --risk 100 --limit 20100 --stop 20110 --target 20080 --minutes 30
  tstream order place buy ES --qty 1 --stop-entry 6010 --stop 6005 --target 6015 --target 6025
  tstream order place buy BTCUSDT --qty 0.01 --stop 92000 --target 96000
  tstream order place buy MNQ --sized --stop-ticks 40 --target-ticks 80 --all-books --dry-run
  tstream order modify 3-17 --stop 19985
  tstream order modify 3-17 --add-target 20025 --trail-ticks 30
  tstream order add 3-17 --qty 1
  tstream order reverse MNQ --stop-ticks 40 --target-ticks 80
  tstream order cancel 3-17
  tstream order close MNQ --qty 1
"""

order_app = typer.Typer(
    help="Place, move, add to, reverse and take back orders by hand: each with its stop, through the same "
    "gate and limits as every other.",
    epilog=_EPILOG,
    rich_markup_mode="rich",
    no_args_is_help=True,
)


class SideOption(StrEnum):
    BUY = "buy"
    SELL = "sell"


_MOST = Decimal(10) ** 9


def _number(text: str) -> Decimal:
    try:
        found = Decimal(text)
    except InvalidOperation:
        raise ValueError(f'"{text}" is no number: write 19980.25') from None
    if not found.is_finite() or abs(found) > _MOST or found.as_tuple().exponent < -18:  # type: ignore[operator]
        raise ValueError(f'"{text}" is no number that can be meant')
    return found


def _price(flag: str, words: str) -> object:
    return typer.Option(flag, parser=_number, metavar="PRICE", help=words)


def _quantity(words: str) -> object:
    return typer.Option("--qty", parser=_number, metavar="QTY", help=words)


Order = Annotated[
    str, typer.Argument(metavar="ORDER", help="As place answered it, its --id, or any of its client ids.")
]
Targets = Annotated[
    list[Decimal] | None, _price("--target", "Where it is closed in profit; twice for half and half.")
]
Books = Annotated[
    list[str] | None,
    typer.Option("--book", metavar="NAME", help="Which book; several times for several."),
]
AllBooks = Annotated[bool, typer.Option("--all-books", help="In every book: one of each, each by its gate.")]
Minutes = Annotated[
    int | None, typer.Option("--minutes", min=1, max=1440, help="How long it rests; else for the day.")
]
Risk = Annotated[
    Decimal | None,
    typer.Option(
        "--risk",
        parser=_number,
        metavar="USD",
        help="Or as much as may lose so much at its stop, costs included.",
    ),
]
StopTicks = Annotated[
    int | None, typer.Option("--stop-ticks", min=1, metavar="N", help="Or so far from the entry.")
]
TargetTicks = Annotated[
    list[int] | None, typer.Option("--target-ticks", min=1, metavar="N", help="Or so far from the entry.")
]
OneBook = Annotated[
    str | None, typer.Option("--book", metavar="NAME", help="Which book; needed where there are several.")
]
Named = Annotated[
    str | None,
    typer.Option("--id", metavar="NAME", help="Of the command: the same again does nothing twice."),
]
Override = Annotated[
    list[str] | None,
    typer.Option("--override", metavar="WORD", help="hours, news, pause or reward-to-risk; several times."),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Only say what would come of it, and what is at risk.")
]
Json = Annotated[bool, typer.Option("--json", help="The answer as JSON, for scripts.")]


@order_app.command(epilog=_EPILOG)
def place(
    side: Annotated[SideOption, typer.Argument(help="buy or sell.")],
    contract: Annotated[str, typer.Argument(parser=options.symbol, metavar="CONTRACT")],
    qty: Annotated[Decimal | None, _quantity("How much: contracts, shares, coins.")] = None,
    risk: Risk = None,
    sized: Annotated[
        bool, typer.Option("--sized", help="Or as many as the book's own sizing makes of the stop.")
    ] = False,
    limit: Annotated[Decimal | None, _price("--limit", "Rest there; without it, at market.")] = None,
    stop_entry: Annotated[
        Decimal | None, _price("--stop-entry", "Enter once the market has come to this price.")
    ] = None,
    stop: Annotated[Decimal | None, _price("--stop", "The protective stop.")] = None,
    stop_ticks: StopTicks = None,
    target: Targets = None,
    target_ticks: TargetTicks = None,
    minutes: Minutes = None,
    override: Override = None,
    book: Books = None,
    all_books: AllBooks = False,
    name: Named = None,
    dry_run: DryRun = False,
    yes: args.Yes = False,
    as_json: Json = False,
) -> None:
    """Open a trade, at market, as a limit or as a stop, with its stop and its targets."""
    from tstream.commands import manual as commands

    raise typer.Exit(
        commands.place(
            side.value,
            contract,
            qty=qty,
            risk=risk,
            sized=sized,
            limit=limit,
            stop_entry=stop_entry,
            stop=stop,
            stop_ticks=stop_ticks,
            targets=target or (),
            target_ticks=target_ticks or (),
            minutes=minutes,
            override=override or (),
            books=book or (),
            all_books=all_books,
            name=name,
            dry_run=dry_run,
            sure=yes,
            as_json=as_json,
        )
    )


@order_app.command()
def modify(
    order: Order,
    price: Annotated[Decimal | None, _price("--price", "Where a resting entry goes.")] = None,
    stop: Annotated[Decimal | None, _price("--stop", "Where the protective stop goes.")] = None,
    target: Targets = None,
    add_target: Annotated[
        Decimal | None, _price("--add-target", "One more target, for a part of what is held.")
    ] = None,
    drop_target: Annotated[
        list[Decimal] | None, _price("--drop-target", "Take the target at this price off; several times.")
    ] = None,
    trail_ticks: Annotated[
        int | None,
        typer.Option(
            "--trail-ticks", min=0, metavar="N", help="Its stop follows so far behind; 0 ends that."
        ),
    ] = None,
    override: Override = None,
    book: args.Book = None,
    name: Named = None,
    dry_run: DryRun = False,
    yes: args.Yes = False,
    as_json: Json = False,
) -> None:
    """Move the resting entry, the stop or the targets, where they stand."""
    from tstream.commands import manual as commands

    raise typer.Exit(
        commands.modify(
            order,
            price=price,
            stop=stop,
            targets=target or (),
            add_target=add_target,
            drop_targets=drop_target or (),
            trail_ticks=trail_ticks,
            override=override or (),
            book=book,
            name=name,
            dry_run=dry_run,
            sure=yes,
            as_json=as_json,
        )
    )


@order_app.command()
def add(
    order: Order,
    qty: Annotated[Decimal | None, _quantity("How much more.")] = None,
    risk: Risk = None,
    limit: Annotated[Decimal | None, _price("--limit", "Rest at this price; without it, at market.")] = None,
    minutes: Minutes = None,
    override: Override = None,
    book: args.Book = None,
    name: Named = None,
    dry_run: DryRun = False,
    yes: args.Yes = False,
    as_json: Json = False,
) -> None:
    """Add to a trade that is held, at market or at a limit, under the stop and last target that it has."""
    from tstream.commands import manual as commands

    raise typer.Exit(
        commands.add(
            order,
            qty=qty,
            risk=risk,
            limit=limit,
            minutes=minutes,
            override=override or (),
            book=book,
            name=name,
            dry_run=dry_run,
            sure=yes,
            as_json=as_json,
        )
    )


@order_app.command()
def reverse(
    contract: Annotated[str, typer.Argument(parser=options.symbol, metavar="CONTRACT")],
    qty: Annotated[
        Decimal | None, _quantity("How much of the new side; without it, as much as is held.")
    ] = None,
    risk: Risk = None,
    stop: Annotated[Decimal | None, _price("--stop", "The new side's protective stop.")] = None,
    stop_ticks: StopTicks = None,
    target: Targets = None,
    target_ticks: TargetTicks = None,
    override: Override = None,
    book: OneBook = None,
    name: Named = None,
    dry_run: DryRun = False,
    yes: args.Yes = False,
    as_json: Json = False,
) -> None:
    """Close what is held and, once that is proven, enter the other side with its stop."""
    from tstream.commands import manual as commands

    raise typer.Exit(
        commands.reverse(
            contract,
            qty=qty,
            risk=risk,
            stop=stop,
            stop_ticks=stop_ticks,
            targets=target or (),
            target_ticks=target_ticks or (),
            override=override or (),
            book=book,
            name=name,
            dry_run=dry_run,
            sure=yes,
            as_json=as_json,
        )
    )


@order_app.command()
def cancel(order: Order, book: args.Book = None, name: Named = None, as_json: Json = False) -> None:
    """Take back what of the entry still rests; what is held keeps its stop."""
    from tstream.commands import manual as commands

    raise typer.Exit(commands.cancel(order, book=book, name=name, as_json=as_json))


@order_app.command()
def close(
    contract: Annotated[str, typer.Argument(parser=options.symbol, metavar="CONTRACT")],
    qty: Annotated[Decimal | None, _quantity("How much; without it, half.")] = None,
    book: Books = None,
    all_books: AllBooks = False,
    name: Named = None,
    dry_run: DryRun = False,
    yes: args.Yes = False,
    as_json: Json = False,
) -> None:
    """Close a part of what is held at market; the rest keeps its stops."""
    from tstream.commands import manual as commands

    raise typer.Exit(
        commands.close(
            contract,
            qty=qty,
            books=book or (),
            all_books=all_books,
            name=name,
            dry_run=dry_run,
            sure=yes,
            as_json=as_json,
        )
    )


@order_app.command("list")
def list_(book: args.Book = None, as_json: Json = False) -> None:
    """Show the orders by hand that stand: entries, stops and targets."""
    from tstream.commands import manual as commands

    raise typer.Exit(commands.list_orders(book, as_json=as_json))
