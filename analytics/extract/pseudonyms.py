"""Pseudonyms: numbers that tell the same person apart without telling who it is.

A keyed permutation of the numbers of 32 bits (a Feistel network of eight rounds whose round function is
keyed BLAKE2b): two people never share a pseudonym, whole columns are renamed at once, and four bytes
hold it. Only who has the key can link two extracts, or find a person again.
"""

from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b

import numpy as np
import polars as pl

from screening.refusals import Refused

_HALF = 16
_ROUNDS = 8
_PER_DIGEST = 32  # 64 bytes of digest make 32 numbers of 16 bits
_MOST = 1 << 2 * _HALF


def pseudonyms(ids: pl.Series, key: bytes) -> pl.Series:
    """One number of 32 bits per person id, different for different ids. Refuses ids that need more bits."""
    if ids.len() and int(ids.max()) >= _MOST:  # type: ignore[arg-type]
        raise Refused("ids_too_large", f"person ids from {_MOST} on have no pseudonym of 32 bits")
    numbers = ids.cast(pl.UInt32).to_numpy()
    left, right = numbers >> _HALF, numbers & (1 << _HALF) - 1
    for table in _tables(key):
        left, right = right, left ^ table[right]
    return pl.Series("person", (left << _HALF) | right, dtype=pl.UInt32)


@lru_cache(maxsize=4)
def _tables(key: bytes) -> Sequence[np.ndarray[tuple[int], np.dtype[np.uint32]]]:
    """The round functions: every number of 16 bits -> another, hard to foresee without the key."""
    return [
        np.frombuffer(
            b"".join(_digest(key, turn, block) for block in range((1 << _HALF) // _PER_DIGEST)), dtype=">u2"
        ).astype(np.uint32)
        for turn in range(_ROUNDS)
    ]


def _digest(key: bytes, turn: int, block: int) -> bytes:
    return blake2b(turn.to_bytes(1, "big") + block.to_bytes(2, "big"), key=key, digest_size=64).digest()
