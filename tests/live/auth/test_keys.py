"""Keys change, clocks differ and issuers fail while a service runs."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness.auth_service import AuthService
from harness.fakes.issuer import KEYS_PATH, METADATA_PATH, FakeIssuer, bearer, rsa_key
from harness.problem import assert_problem
from harness.waiting import wait_until


def test_a_new_key_is_fetched_when_a_token_names_it(
    auth_project: Path, own_issuer: FakeIssuer
) -> None:
    """A rotation: the issuer signs with the new key at once, and withdraws the old one."""
    old, new = own_issuer.keys[0], rsa_key("new")
    with AuthService(auth_project, own_issuer, refresh_after=1, fetch_interval=0.1) as service:
        old_token = own_issuer.token(old)
        assert service.status(old_token) == 200
        own_issuer.keys[0] = new
        wait_until(lambda: service.status(own_issuer.token(new)) == 200)
        wait_until(lambda: service.status(old_token) == 401)


def test_unknown_keys_cost_the_issuer_one_request(
    auth_project: Path, own_issuer: FakeIssuer
) -> None:
    """However many tokens name them; within the interval, here the real one of 30 seconds."""
    with AuthService(auth_project, own_issuer) as service:
        token = own_issuer.token()
        assert service.status(token) == 200
        forger = rsa_key("x")
        forged = [own_issuer.token(forger, {"kid": f"unknown-{n}"}) for n in range(100)]
        with ThreadPoolExecutor(8) as executor:
            assert set(executor.map(service.status, forged)) == {401}
        assert service.status(token) == 200
    assert own_issuer.requests[METADATA_PATH] == 1
    assert own_issuer.requests[KEYS_PATH] == 1


def test_known_keys_work_while_the_issuer_is_down(
    auth_project: Path, own_issuer: FakeIssuer
) -> None:
    """The service is degraded meanwhile, and recovers automatically."""
    with AuthService(auth_project, own_issuer, refresh_after=0.2, fetch_interval=0.1) as service:
        assert service.readiness() == "ok"
        own_issuer.status = 503
        wait_until(lambda: service.readiness() == "degraded")
        for key in own_issuer.keys:
            assert service.status(own_issuer.token(key)) == 200
        assert service.status(own_issuer.token(rsa_key("unknown"))) == 401
        own_issuer.status = 200
        wait_until(lambda: service.readiness() == "ok")
        assert service.log.wait_for_line(event="dependency.down")["dependency"] == "issuer"
        assert service.log.wait_for_line(event="dependency.up")["dependency"] == "issuer"


def test_a_service_that_starts_before_its_issuer_recovers(
    auth_project: Path, own_issuer: FakeIssuer
) -> None:
    """Without any key, a token is neither accepted nor called invalid."""
    own_issuer.status = 503
    with AuthService(auth_project, own_issuer) as service:
        assert_problem(service.get("/caller", bearer(own_issuer.token())), 503)
        assert service.readiness() == "degraded"
        assert service.get("/v1/hello").status == 200
        own_issuer.status = 200
        wait_until(lambda: service.status(own_issuer.token()) == 200)


def test_clocks_may_differ_by_the_leeway(service: AuthService, issuer: FakeIssuer) -> None:
    """By 30 seconds in both directions."""
    now = int(time.time())
    assert service.status(issuer.token(exp=now - 15)) == 200
    assert service.status(issuer.token(nbf=now + 25, iat=now + 25)) == 200
    assert service.status(issuer.token(exp=now - 31)) == 401
    assert service.status(issuer.token(nbf=now + 60)) == 401


def test_a_remembered_token_expires(auth_project: Path, issuer: FakeIssuer) -> None:
    """It was verified while it was valid."""
    with AuthService(auth_project, issuer, APP_AUTH_LEEWAY="0") as service:
        token = issuer.token(exp=int(time.time()) + 3)
        assert service.status(token) == 200
        wait_until(lambda: service.status(token) == 401)
