"""Who may call what: every route, every role, every way of not being who one claims to be."""

import base64
import hashlib
import hmac
import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from litestar.exceptions import NotAuthorizedException

from invitations.kits.barcode import barcode
from screening.service.app import undeclared_routes
from screening.service.auth import COOKIE, OwnKey, Verifier
from screening.vocabulary import Role

ROLES = [role for role in Role if role != Role.SYSTEM]
PARTS = {
    "{person:int}": "1", "{kind:str}": "refer", "{barcode:str}": barcode(1), "{batch:int}": "1", "{case:int}": "1",
    "{message:int}": "1", "{report:str}": "1", "{indicator:str}": "participation", "{release:int}": "1",
    "{version:str}": "no-cervical-2018-07-01", "{other:str}": "no-cervical-2024-04-16-extended", "{name:str}": "no-cervical", "{programme:str}": "no-cervical", "{file:str}": "counties.csv",
}  # fmt: skip
QUERY = {"programme": "no-cervical"}


def routes(app):
    """(method, path, handler) of each route, but for the framework's description of them."""
    return [
        (method, route.path, handler)
        for route in app.routes
        for handler in route.route_handlers
        for method in sorted(handler.http_methods - {"OPTIONS"})
        if not route.path.startswith("/schema")
    ]


def filled(path):
    for name, value in PARTS.items():
        path = path.replace(name, value)
    assert "{" not in path, f"say in PARTS what {path} may be called with"
    return path


async def call(client, method, path, **more):
    if method == "GET":
        return await client.get(filled(path), params=QUERY, **more)
    return await client.request(
        method, filled(path), content=b"{}", headers={"Content-Type": "application/json"}, **more
    )


PAGES = {"/dashboard", "/dashboard/no-cervical"}  # a page refuses a caller it knows with a page


def refused(answer, status):
    path, media = answer.url.path, answer.headers["content-type"]
    if status == 403 and path in PAGES:
        return answer.status_code == status and media.startswith("text/html")
    expected = "application/fhir+json" if path.startswith("/fhir") else "application/problem+json"
    return (answer.status_code, media) == (status, expected)


async def test_exactly_the_declared_roles_get_through(platform):
    wrong = []
    for role in ROLES:
        async with platform.caller(role) as client:
            for method, path, handler in routes(platform.app):
                answer = await call(client, method, path)
                may = handler.opt.get("public") or role in handler.opt["roles"]
                through = answer.status_code not in (401, 403) and answer.status_code < 500
                if not (through if may else refused(answer, 403)):
                    wrong.append((method, path, role, answer.status_code, answer.text))
    assert wrong == []


async def test_no_token_makes_a_caller_the_system(platform):
    async with platform.caller(Role.SYSTEM) as caller:
        answers = [
            (path, await call(caller, method, path))
            for method, path, handler in routes(platform.app)
            if not handler.opt.get("public")
        ]
    assert [path for path, answer in answers if not refused(answer, 403)] == []


def test_a_route_that_does_not_say_who_may_call_it_is_found(platform_app_with_an_undeclared_route):
    assert undeclared_routes(platform_app_with_an_undeclared_route) == ["/open"]


@pytest.fixture
def platform_app_with_an_undeclared_route():
    from litestar import Litestar, get

    from screening.web import anyone

    @get("/open", sync_to_thread=False)
    def open_door() -> str:
        return "come in"

    @get("/said", sync_to_thread=False, **anyone())
    def said() -> str:
        return "come in"

    return Litestar([open_door, said])


def encoded(part):
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def forged(header, claims, key=None):
    """A token signed with a secret, or with nothing."""
    text = f"{encoded(header)}.{encoded(claims)}"
    signature = hmac.new(key, text.encode(), hashlib.sha256).digest() if key else b""
    return f"{text}.{encoded(signature)}"


def bad_tokens(platform):
    issuer, now = platform.issuer, int(time.time())  # noqa: TID251  tokens end by the real clock
    good = platform.claims(*ROLES)
    public = issuer._key.as_pem(private=False)
    kid = issuer._key.kid
    return {
        "none": None,
        "garbage": "not.a.token",
        "expired": platform.token(*ROLES, exp=now - 3600),
        "without an end": issuer.mint({name: value for name, value in good.items() if name != "exp"}),
        "not yet valid": platform.token(*ROLES, nbf=now + 3600),
        "of another issuer": platform.token(*ROLES, iss="https://other.test"),
        "for another audience": platform.token(*ROLES, aud="other"),
        "of nobody": issuer.mint({name: value for name, value in good.items() if name != "sub"}),
        "an ID token by its nonce": platform.token(*ROLES, nonce="n"),
        "an ID token by its hash": platform.token(*ROLES, at_hash="h"),
        "an ID token by its type": platform.token(*ROLES, typ="ID"),
        "signed by another key": OwnKey().mint(good),
        "signed by another key under the issuer's name": _minted_as(kid, good),
        "not signed": forged({"alg": "none", "typ": "at+jwt"}, good),
        "not signed, with the key's name": forged({"alg": "none", "kid": kid}, good),
        "signed with the public key as a secret": forged({"alg": "HS256", "kid": kid}, good, public),
        "with its claims changed": _with_other_claims(platform.token(Role.ANALYST), good),
    }  # fmt: skip


def _minted_as(kid, claims):
    other = OwnKey()
    other._key._dict_value = {**other._key.as_dict(private=True), "kid": kid}
    return other.mint(claims)


def _with_other_claims(token, claims):
    header, _, signature = token.split(".")
    return f"{header}.{encoded(claims)}.{signature}"


async def test_nobody_gets_in_by_a_token_that_is_not_the_issuers_for_us_and_now(platform):
    let_in = []
    async with platform.caller() as client:
        for name, token in bad_tokens(platform).items():
            client.headers.pop("Authorization", None)
            if token is not None:
                client.headers["Authorization"] = f"Bearer {token}"
            for method, path, handler in routes(platform.app):
                answer = await call(client, method, path)
                if not handler.opt.get("public") and not (
                    refused(answer, 401) and answer.headers["www-authenticate"] == "Bearer"
                ):
                    let_in.append((name, method, path, answer.status_code, answer.text))
    assert let_in == []


@pytest.mark.parametrize(
    "claims",
    [{"roles": 5}, {"roles": [{}]}, {"roles": {"laboratory": 1}}, {"roles": None, "scope": 7}, {"laboratory": ["AHUS"]}, {"laboratory": {"a": 1}}],
)  # fmt: skip
async def test_claims_of_an_odd_shape_give_no_role_and_break_nothing(platform, claims):
    async with platform.caller(Role.LABORATORY, **claims) as caller:
        assert (await caller.get("/quarantine")).status_code in (401, 403)


async def test_roles_may_be_told_as_scopes(platform):
    async with platform.caller(Role.ANALYST, roles=None, scope="openid laboratory") as caller:
        assert (await caller.get("/quarantine")).status_code == 200


async def test_a_page_may_be_read_by_cookie_and_nothing_changed_by_it(platform):
    async with platform.caller() as visitor:
        visitor.cookies.set(COOKIE, platform.token(Role.PROGRAMME_STAFF))
        assert (await visitor.get("/quarantine")).status_code == 200
        answer = await visitor.post(
            "/quarantine/1/close", json={"state": "discarded", "note": "from elsewhere"}
        )
        assert answer.status_code == 401


async def test_a_laboratory_without_a_name_sees_nothing_and_sends_nothing(platform):
    async with platform.caller(Role.LABORATORY, laboratory=None) as nameless:
        for method, path in (
            ("GET", "/quarantine"),
            ("GET", "/labs/messages/1"),
            ("POST", "/labs/results"),
            ("POST", "/labs/results/bulk"),
            ("POST", "/labs/messages"),
        ):
            answer = await nameless.request(method, path)
            assert (answer.status_code, answer.json()["type"]) == (403, "urn:screening:laboratory_missing")


async def test_a_laboratory_sees_its_own_cases_and_messages_and_staff_see_all(platform):
    async with (
        platform.caller(Role.LABORATORY) as ahus,
        platform.caller(Role.LABORATORY, laboratory="OUS") as ous,
    ):
        sent = (await ahus.post("/labs/results", content=b'{"message_id": "M1"}')).json()
        message = sent["facts"]["kept_as"]
        await platform.judged()
        assert [one["control_id"] for one in (await ahus.get("/quarantine")).json()] == ["M1"]
        assert (await ahus.get(f"/labs/messages/{message}")).json()["verdict"] == "AR"
        assert (await ous.get("/quarantine")).json() == []
        assert (await ous.get(f"/labs/messages/{message}")).status_code == 404
    async with platform.caller(Role.PROGRAMME_STAFF, laboratory=None, organisation="FHI") as staff:
        assert len((await staff.get("/quarantine")).json()) == 1


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    some.text(max_size=40)
    | some.lists(
        some.binary(max_size=40).map(lambda raw: base64.urlsafe_b64encode(raw).decode()),
        min_size=3,
        max_size=3,
    ).map(".".join)
)
async def test_no_text_in_place_of_a_token_breaks_the_verifier(bearer):
    verifier = Verifier(OwnKey(), issuer="i", audience="a")
    with pytest.raises(NotAuthorizedException):
        await verifier.verify(bearer)
