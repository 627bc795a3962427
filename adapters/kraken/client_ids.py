"""Our client ids as the venue takes them: up to 18 characters as they are, longer ones as a UUID. Pure.

A UUID has 122 free bits: room for 22 characters of the 37 that ids are made of, so the way back is exact
and nothing has to be remembered (docs/protocols/kraken.md#client-ids).
"""

from __future__ import annotations

import uuid

from engine.model.errors import RefusedError

LONGEST_PLAIN = 18
_PREFIX = "ts-"
_ALPHABET = "-0123456789abcdefghijklmnopqrstuvwxyz"
_VALUES = {character: value for value, character in enumerate(_ALPHABET)}
_MOST_PACKED = 22
_LOW = (1 << 62) - 1
_MIDDLE = (1 << 12) - 1


def outward(client_id: str) -> str:
    """As it is sent. Raises RefusedError for one that the venue can't carry."""
    if 0 < len(client_id) <= LONGEST_PLAIN and client_id.isascii() and client_id.isprintable():
        return client_id
    rest = client_id.removeprefix(_PREFIX)
    if rest == client_id or len(rest) > _MOST_PACKED or not rest.strip("-") or set(rest) - set(_ALPHABET):
        raise RefusedError(f"a client id of {len(client_id)} characters can't be carried by the venue")
    number = 0
    for character in rest:
        number = number * len(_ALPHABET) + _VALUES[character]
    number = number * _MOST_PACKED + len(rest) - 1  # how long it was: leading dashes are zeros
    # 48 bits, version 8 (free use), 12 bits, variant, 62 bits
    packed = (number >> 74) << 80 | 8 << 76 | ((number >> 62) & _MIDDLE) << 64 | 0b10 << 62 | number & _LOW
    return str(uuid.UUID(int=packed))


def inward(text: str | None) -> str | None:
    """Our client id of what the venue tells; what is not ours comes as it is."""
    if text is None or len(text) not in (32, 36):
        return text or None
    try:
        found = uuid.UUID(text)
    except ValueError:
        return text
    if found.version != 8:
        return text
    whole = found.int
    number = (whole >> 80) << 74 | ((whole >> 64) & _MIDDLE) << 62 | whole & _LOW
    number, length = divmod(number, _MOST_PACKED)
    characters = []
    for _ in range(length + 1):
        number, value = divmod(number, len(_ALPHABET))
        characters.append(_ALPHABET[value])
    return text if number else _PREFIX + "".join(reversed(characters))
