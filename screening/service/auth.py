"""Who calls: OIDC bearer tokens, verified; never a password, never a session of our own."""

import asyncio
import time
from collections.abc import Mapping
from math import inf
from typing import Any, Protocol, cast
from urllib.parse import urlsplit

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet
from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException
from litestar.middleware.authentication import AbstractAuthenticationMiddleware, AuthenticationResult

from screening.refusals import Refused
from screening.storage.transaction import Actor
from screening.vocabulary import Role
from screening.web import require_role

# Asymmetric only: a key that verifies must not be able to sign.
ALGORITHMS = ["RS256", "PS256", "ES256", "ES384", "EdDSA"]
COOKIE = "screening"
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_READING = frozenset({"GET", "HEAD"})  # a page of somebody else's cannot make a browser's cookie write
_LEEWAY_SECONDS = 30
# The issuer is asked again no sooner, whatever comes of it: a token with a made-up key costs anybody nothing.
_REFRESH_SECONDS = 30
# A key that the issuer withdraws is believed this long at most, though the issuer cannot be asked by then.
_KEYS_LAST_SECONDS = 600
# A token found good is believed this long without verifying its signature again: a laboratory sends the same
# one with every result.
_BELIEVED_SECONDS = 60
_BELIEVED_TOKENS = 10_000
_ID_TOKEN_CLAIMS = frozenset({"nonce", "at_hash", "c_hash", "s_hash"})
_ROLES = {role.value: role for role in Role if role != Role.SYSTEM}


class Keys(Protocol):
    """Where the issuer's public keys come from."""

    async def current(self, *, refresh: bool) -> KeySet: ...


def refuse_unsound_issuer(issuer: str) -> None:
    """Refuses an issuer whose keys anybody on the way could replace; on this machine itself http will do."""
    try:
        parts = urlsplit(issuer)
        host = parts.hostname
    except ValueError:  # brackets around a host that are none
        parts, host = urlsplit(""), None
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)):
        raise Refused(
            "setting_invalid",
            f"OIDC_ISSUER={issuer!r}: expected an https:// URL (http:// only for an issuer on this machine)",
        )


class DiscoveredKeys:
    """The keys an OIDC issuer publishes: fetched, and again when they are old or a token names an unknown one."""

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer.rstrip("/")
        self._keys: KeySet | None = None
        self._fetched = self._asked = -inf
        self._asking = asyncio.Lock()

    async def current(self, *, refresh: bool) -> KeySet:
        """Refuses where there are none that may still be believed."""
        if refresh or self._too_old():
            async with self._asking:  # who waited here finds what the one before was told
                if (refresh or self._too_old()) and time.monotonic() - self._asked >= _REFRESH_SECONDS:
                    self._asked = time.monotonic()
                    self._keys = await self._fetch()
                    self._fetched = time.monotonic()
        if self._keys is None or self._too_old():
            told = f"OIDC issuer {self._issuer} did not give its keys; asked again in {_REFRESH_SECONDS} s"
            raise Refused("issuer_unreachable", told, status=503)
        return self._keys

    def _too_old(self) -> bool:
        return time.monotonic() - self._fetched > _KEYS_LAST_SECONDS

    async def _fetch(self) -> KeySet:
        try:
            async with httpx.AsyncClient(timeout=10) as client:
                about = (
                    await client.get(f"{self._issuer}/.well-known/openid-configuration")
                ).raise_for_status()
                keys = (await client.get(about.json()["jwks_uri"])).raise_for_status()
            return KeySet.import_key_set(keys.json())
        except (httpx.HTTPError, KeyError, ValueError, JoseError) as error:
            raise Refused("issuer_unreachable", f"OIDC issuer {self._issuer}: {error}", status=503) from error


class OwnKey:
    """The demo's own issuer: a key that lives as long as the process."""

    def __init__(self) -> None:
        self._key = ECKey.generate_key("P-256", auto_kid=True)

    async def current(self, *, refresh: bool) -> KeySet:  # noqa: ARG002  there is nothing to refresh
        return KeySet([self._key])

    def mint(self, claims: Mapping[str, Any]) -> str:
        return jwt.encode({"alg": "ES256", "kid": self._key.kid, "typ": "at+jwt"}, dict(claims), self._key)


class Verifier:
    """Turns a bearer token into an actor, or says why it is none."""

    def __init__(self, keys: Keys, *, issuer: str, audience: str) -> None:
        self._keys = keys
        self._claims = jwt.JWTClaimsRegistry(
            leeway=_LEEWAY_SECONDS,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            sub={"essential": True},
            exp={"essential": True},
        )
        self._believed: dict[str, tuple[Actor, float]] = {}  # token -> (who it speaks for, until when)

    async def verify(self, bearer: str) -> Actor:
        """Refuses what is expired, meant for others, signed by others or with another algorithm."""
        actor, until = self._believed.get(bearer, (None, 0.0))
        if actor is not None and time.time() < until:
            return actor
        token = await self._verified(bearer)
        actor = actor_of(token.claims)
        if len(self._believed) >= _BELIEVED_TOKENS:
            self._believed.clear()
        self._believed[bearer] = (actor, min(time.time() + _BELIEVED_SECONDS, float(token.claims["exp"])))
        return actor

    async def _verified(self, bearer: str) -> jwt.Token:
        try:
            token = jwt.decode(bearer, await self._keys.current(refresh=False), algorithms=ALGORITHMS)
        except (JoseError, ValueError):
            token = await self._with_new_keys(bearer)
        try:
            self._claims.validate(token.claims)
        except JoseError as error:
            raise NotAuthorizedException(f"the token is not valid here: {error}") from error
        if _is_id_token(token):
            raise NotAuthorizedException("an ID token was sent; expected an access token")
        return token

    async def _with_new_keys(self, bearer: str) -> jwt.Token:
        try:
            return jwt.decode(bearer, await self._keys.current(refresh=True), algorithms=ALGORITHMS)
        except (JoseError, ValueError) as error:
            raise NotAuthorizedException("the token cannot be verified: not signed by the issuer") from error


def _is_id_token(token: jwt.Token) -> bool:
    """By what issuers put into the tokens that tell a client who signed in, and into no others."""
    told = str(token.header.get("typ", "JWT")).lower()
    return (
        told not in ("jwt", "at+jwt")
        or not _ID_TOKEN_CLAIMS.isdisjoint(token.claims)
        or token.claims.get("typ") == "ID"
    )


def actor_of(claims: Mapping[str, Any]) -> Actor:
    """Roles that are none of ours are passed over; a laboratory is an organisation too."""
    roles = claims.get("roles") or str(claims.get("scope", "")).split()
    named = roles if isinstance(roles, list) else [roles]
    organisation = claims.get("laboratory") or claims.get("organisation")
    if organisation is not None and not isinstance(organisation, str):
        raise NotAuthorizedException("the token names an organisation that is no text")
    return Actor(
        subject=str(claims["sub"]),
        roles=frozenset(_ROLES[name] for name in map(str, named) if name in _ROLES),
        organisation=organisation,
        areas=_areas(claims["areas"]) if "areas" in claims else (),
    )


def _areas(told: object) -> tuple[str, ...]:
    """Refuses what is no list of codes: taken for no limit, it would open the whole nation."""
    named = cast("list[object]", told) if isinstance(told, list) else [told]
    if not named or not all(isinstance(one, str) and one.isdigit() for one in named):
        raise NotAuthorizedException("the token's areas are no list of county or municipality codes")
    return tuple(map(str, named))


class BearerAuthentication(AbstractAuthenticationMiddleware):
    """Every route needs a token of one of its roles, but those declared with `anyone()`."""

    async def authenticate_request(
        self, connection: ASGIConnection[Any, Any, Any, Any]
    ) -> AuthenticationResult:
        header = connection.headers.get("authorization", "")
        scheme, _, bearer = header.partition(" ")
        if not header and connection.scope.get("method") in _READING:
            bearer, scheme = connection.cookies.get(COOKIE, ""), "Bearer"
        if scheme.lower() != "bearer" or not bearer:
            raise NotAuthorizedException("no token; send `Authorization: Bearer …`")
        verifier: Verifier = connection.app.state.verifier
        actor = await verifier.verify(bearer.strip())
        require_role(actor, connection.route_handler)
        return AuthenticationResult(user=actor, auth=None)
