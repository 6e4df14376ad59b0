"""Pseudonyms: numbers that tell the same person apart without telling who it is."""

from hashlib import blake2b

import polars as pl

from screening.refusals import Refused


def pseudonyms(ids: pl.Series, key: bytes) -> pl.Series:
    """One positive 63-bit number per person id: a keyed digest, so only the key links two extracts.

    Refuses, rather than merge two people, where two ids would share a number.
    """
    numbers = pl.Series("person", [_pseudonym(person, key) for person in ids.to_list()], dtype=pl.Int64)
    if numbers.n_unique() != numbers.len():
        raise Refused(
            "pseudonyms_collide", "two people would share a pseudonym; take the extract with another key"
        )
    return numbers


def _pseudonym(person: int, key: bytes) -> int:
    digest = blake2b(person.to_bytes(8, "big"), key=key, digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
