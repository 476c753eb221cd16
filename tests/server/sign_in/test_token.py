"""The token endpoint over HTTP, on the demo network, and what its tokens open."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from joserfc import jwt
from tests.server.conftest import Network, free_port, serving
from tests.server.sign_in.granted import Granted
from tests.support.granting import BACK

from pat_auth.issuer.service import Service
from pat_auth.keys import KeysInFile, key_set
from pat_auth.tokens import FollowingVerifier, Verifier

MANAGER = "manager@cbo-a.example"
NAMES = "{ cases(first: 1) { totalCount edges { node { survivor { identity { __typename ... on Withheld { reason } } } } } } }"


@pytest.fixture(scope="module")
def service(network: Network) -> Iterator[Service]:
    """What the server's issuer is made of, once more: it holds nothing of its own."""
    settings = network.settings
    keys = KeysInFile(settings.key_folder)
    verifier = FollowingVerifier(
        keys, lambda known: Verifier(known, issuer=settings.issuer, audience=settings.audience)
    )
    made = Service.of(settings, keys, verifier)
    yield made
    made.connections.close()


@pytest.fixture
def granted(network: Network, service: Service, client: httpx.Client) -> Granted:
    return Granted(network, service, client)


def test_a_manager_signs_in_and_asks(granted: Granted) -> None:
    token = granted.tokens(MANAGER, "openid cases identity")["access_token"]

    answer = granted.ask(token, NAMES).json()

    assert answer["data"]["cases"]["totalCount"] == granted.network.counted()["cbo-a"]
    (edge,) = answer["data"]["cases"]["edges"]
    assert edge["node"]["survivor"]["identity"]["__typename"] == "SurvivorIdentity"


def test_from_the_authorization_endpoint_to_the_api_for_whoever_has_signed_in_and_allowed_it(
    granted: Granted, network: Network
) -> None:
    secret = granted.sign_in(MANAGER, allows=("openid", "cases"))
    question = granted.question("openid cases", state="s", prompt="none")

    sent_back = granted.http.get(
        "/oauth/authorize", params=question, headers={"cookie": f"pat-sign-in={secret}"}
    )

    assert sent_back.status_code == 303
    said = dict(parse_qsl(urlsplit(sent_back.headers["location"]).query))
    assert sent_back.headers["location"].startswith(BACK + "?")
    assert (said["state"], said["iss"]) == ("s", network.settings.issuer)
    token = granted.exchange(said["code"]).json()["access_token"]
    assert granted.ask(token, NAMES).json()["data"]["cases"]["totalCount"] == network.counted()["cbo-a"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        (b"", 400),
        (b"client_id=%00", 400),
        (b"client_id=%ff", 400),
        (b"client_id=%C3%A9", 400),
        (b"response_type=%C3%A9", 400),
        (b'response_type=code&redirect_uri="', 400),
        (b"client_id=%F0%9D%92%B3&client_id=x", 400),
        (b"&".join(b"a%d=1" % number for number in range(40)), 400),
        (b"max_age=" + b"9" * 4000, 400),
        (b"state=" + b"9" * 5000, 413),
    ],
)
def test_a_question_that_cannot_be_read_gets_a_page_that_says_so(
    client: httpx.Client, query: bytes, status: int
) -> None:
    answer = client.get(httpx.URL("/oauth/authorize", query=query))

    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")


def test_what_the_client_was_not_given_is_withheld_whoever_is_signed_in(granted: Granted) -> None:
    token = granted.tokens(MANAGER, "cases")["access_token"]

    (edge,) = granted.ask(token, NAMES).json()["data"]["cases"]["edges"]
    assert edge["node"]["survivor"]["identity"] == {"__typename": "Withheld", "reason": "CLIENT"}


def test_the_demo_too_hands_out_tokens_for_five_minutes(granted: Granted) -> None:
    tokens = granted.tokens(MANAGER)

    keys = key_set(granted.http.get("/.well-known/jwks.json").json())
    claims = jwt.decode(tokens["access_token"], keys, algorithms=["ES256"]).claims
    assert claims["exp"] - claims["iat"] == tokens["expires_in"] == 300
    assert claims["iss"] == granted.network.settings.issuer


def test_a_code_that_comes_again_shuts_the_session_out_of_the_api(granted: Granted) -> None:
    code = granted.code(MANAGER)
    token = granted.exchange(code).json()["access_token"]
    assert granted.ask(token, "{ me { name } }").status_code == 200

    assert granted.exchange(code).json()["error"] == "invalid_grant"

    assert granted.ask(token, "{ me { name } }").status_code == 401


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"", "application/x-www-form-urlencoded", 400),
        (b"grant_type=%00", "application/x-www-form-urlencoded", 400),
        (b"grant_type=%ff", "application/x-www-form-urlencoded", 400),
        (b"grant_type=%C3%A9", "application/x-www-form-urlencoded", 400),
        (b'grant_type="', "application/x-www-form-urlencoded", 400),
        (b"grant_type=authorization_code&code=%ED%A0%80", "application/x-www-form-urlencoded", 400),
        (b"&".join(b"a%d=1" % number for number in range(40)), "application/x-www-form-urlencoded", 400),
        (b"code=" + b"9" * 5000, "application/x-www-form-urlencoded", 400),
        (b"code=" + b"9" * 20_000, "application/x-www-form-urlencoded", 413),
        (b"code=" + b"9" * 1_000_000, "application/x-www-form-urlencoded", 413),
        (b"grant_type=x", "application/x-www-form-urlencoded; charset=utf-16", 415),
        (b'{"grant_type": "authorization_code"}', "application/json", 415),
        (b"--x--", "multipart/form-data; boundary=x", 415),
    ],
)
def test_what_cannot_be_read_is_refused_in_json(
    client: httpx.Client, body: bytes, kind: str, status: int
) -> None:
    answer = client.post("/oauth/token", content=body, headers={"content-type": kind})

    assert answer.status_code == status
    assert answer.json()["error"] in ("invalid_request", "unsupported_grant_type")
    assert answer.headers["cache-control"] == "no-store"


def test_a_compressed_form_is_refused(client: httpx.Client) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded", "content-encoding": "gzip"}
    assert client.post("/oauth/token", content=b"x", headers=headers).status_code == 415


def test_tokens_are_posted_for(client: httpx.Client) -> None:
    assert client.get("/oauth/token").status_code == 405
    assert client.put("/oauth/token").status_code == 405


def test_whoever_goes_away_before_the_form_has_come_is_missed_by_nobody(client: httpx.Client) -> None:
    host, port = client.base_url.host, client.base_url.port
    assert port
    with socket.create_connection((host, port)) as connection:
        connection.sendall(
            b"POST /oauth/token HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n"
            b"content-type: application/x-www-form-urlencoded\r\n\r\ncode="
        )

    assert client.get("/healthz").status_code == 200


def test_without_its_database_the_issuer_says_that_it_is_busy(network: Network) -> None:
    port = free_port()
    settings = replace(
        network.settings, database_url=f"postgresql://127.0.0.1:{free_port()}/network", pool_wait_seconds=0.2
    )
    with serving(settings, port) as url:
        form = {
            "grant_type": "authorization_code",
            "client_id": "00000000-0000-4000-8000-000000000000",
            "code": "x",
        }
        answer = httpx.post(f"{url}/oauth/token", data=form)

    assert answer.status_code == 503
    assert answer.json()["error"] == "temporarily_unavailable"
