"""Bearer tokens: verified once, believed for a while, never longer than they are valid."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from joserfc.jwk import ECKey, KeySet
from litestar.exceptions import NotAuthorizedException

from screening.refusals import Refused
from screening.service.auth import DiscoveredKeys, OwnKey, Verifier
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


# -- the keys that an issuer publishes ----------------------------------------------------------------


class Issuer(DiscoveredKeys):
    """An issuer without a network between: counts how often it is asked, and may be away."""

    def __init__(self):
        super().__init__("https://issuer.test")
        self.published = KeySet([ECKey.generate_key("P-256", auto_kid=True)])
        self.asked, self.away = 0, False

    def an_hour_passes(self):
        self._fetched -= 3600
        self._asked -= 3600

    async def _fetch(self):
        self.asked += 1
        await asyncio.sleep(0.01)
        if self.away:
            raise Refused("issuer_unreachable", "away", status=503)
        return self.published


async def test_keys_that_the_issuer_withdrew_are_not_believed_for_ever():
    issuer = Issuer()
    withdrawn = await issuer.current(refresh=False)
    issuer.published = KeySet([ECKey.generate_key("P-256", auto_kid=True)])
    assert await issuer.current(refresh=False) is withdrawn, "for a while"
    issuer.an_hour_passes()
    assert await issuer.current(refresh=False) is issuer.published


async def test_old_keys_are_not_believed_though_the_issuer_is_away():
    issuer = Issuer()
    await issuer.current(refresh=False)
    issuer.away = True
    issuer.an_hour_passes()
    with pytest.raises(Refused, match="away"):
        await issuer.current(refresh=False)


async def test_many_callers_at_once_ask_the_issuer_once():
    issuer = Issuer()
    await asyncio.gather(*(issuer.current(refresh=False) for _ in range(5)))
    await asyncio.gather(*(issuer.current(refresh=True) for _ in range(5)))
    assert issuer.asked == 1


async def test_an_issuer_that_is_away_is_not_asked_with_every_call():
    issuer = Issuer()
    issuer.away = True
    for _ in range(3):
        with pytest.raises(Refused):
            await issuer.current(refresh=False)
    assert issuer.asked == 1
