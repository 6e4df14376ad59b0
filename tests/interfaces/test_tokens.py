"""Bearer tokens: verified once, believed for a while, never longer than they are valid."""

from datetime import UTC, datetime, timedelta

import pytest
from litestar.exceptions import NotAuthorizedException

from screening.service.auth import OwnKey, Verifier
from screening.vocabulary import Role


class CountedKeys(OwnKey):
    """The issuer's keys, and how often they were asked for."""

    asked = 0

    async def current(self, *, refresh):
        self.asked += 1
        return await super().current(refresh=refresh)


@pytest.fixture
def keys():
    return CountedKeys()


@pytest.fixture
def verifier(keys):
    return Verifier(keys, issuer="issuer", audience="screening")


def seconds_from_now(seconds):
    return (datetime.now(UTC) + timedelta(seconds=seconds)).timestamp()  # noqa: TID251  tokens end at an instant


def token(keys, **claims):
    said = {
        "iss": "issuer",
        "aud": "screening",
        "sub": "lis",
        "exp": seconds_from_now(600),
        "roles": ["laboratory"],
    }
    return keys.mint(said | claims)


async def test_the_same_token_again_is_not_verified_again(keys, verifier):
    sent = token(keys)
    first, second = await verifier.verify(sent), await verifier.verify(sent)
    assert first == second
    assert (first.subject, first.roles, keys.asked) == ("lis", frozenset({Role.LABORATORY}), 1)


async def test_a_token_is_believed_no_longer_than_it_is_valid(keys, verifier):
    sent = token(keys, exp=seconds_from_now(-5))  # over, but within the leeway for clocks that differ
    await verifier.verify(sent)
    await verifier.verify(sent)
    assert keys.asked == 2


@pytest.mark.parametrize("claims", [{"exp": 1}, {"aud": "others"}, {"iss": "others"}, {"nonce": "1"}])
async def test_a_token_that_is_refused_is_refused_again(keys, verifier, claims):
    sent = token(keys, **claims)
    for _ in range(2):
        with pytest.raises(NotAuthorizedException):
            await verifier.verify(sent)


async def test_a_forged_token_is_refused_though_the_true_one_is_believed(keys, verifier):
    sent = token(keys)
    await verifier.verify(sent)
    head, _, signature = sent.split(".")
    _, other_claims, _ = token(keys, roles=["administrator"]).split(".")
    with pytest.raises(NotAuthorizedException):
        await verifier.verify(f"{head}.{other_claims}.{signature}")
