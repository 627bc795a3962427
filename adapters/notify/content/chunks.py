"""Cuts texts to the lengths that services take, each counting in its own way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

Size = Callable[[str], int]


def utf16_units(text: str) -> int:
    """Length as Telegram counts it: characters beyond the first plane are two."""
    return len(text) + sum(c > "\uffff" for c in text)


def pieces(text: str, most: int, size: Size = len) -> Iterator[str]:
    """The text in pieces of at most `most`, cut at spaces where there are any; one empty piece for "".

    A single character larger than `most` is a piece of its own.
    """
    while size(text) > most:
        end = _longest_prefix(text, most, size)
        space = text.rfind(" ", end // 2, end + 1)
        cut = space if space > 0 else end
        yield text[:cut]
        text = text[cut:].removeprefix(" ")
    yield text


def packed(lines: Iterable[str], most: int, size: Size = len) -> Iterator[str]:
    """Lines joined by newlines into blocks of at most `most`; no line may be longer than that alone."""
    block: list[str] = []
    used = 0
    for line in lines:
        needed = size(line) + (1 if block else 0)
        if block and used + needed > most:
            yield "\n".join(block)
            block, used, needed = [], 0, size(line)
        block.append(line)
        used += needed
    if block:
        yield "\n".join(block)


def cut(text: str, most: int, size: Size = len) -> str:
    """The text, or as much of it as fits with an ellipsis behind."""
    if size(text) <= most:
        return text
    return text[: _longest_prefix(text, most - 1, size)] + "…"


def _longest_prefix(text: str, most: int, size: Size) -> int:
    """How many characters fit, at least one. `size` grows with every character."""
    low, high = 1, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if size(text[:middle]) <= most:
            low = middle
        else:
            high = middle - 1
    return low
