"""The address and the scheme of a caller come from TRUSTED_PROXIES, and from nobody else."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.project import patched_copy
from harness.stack import Stack, StackType
from harness.waiting import HOST, TIMEOUT

CLIENT, PROXY = "203.0.113.7", "10.1.2.3"
# Headers that say who called a proxy, and how.
FORWARDED = {
    "X-Forwarded-For": f"198.51.100.1, {CLIENT}, {PROXY}",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-SSL": "on",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Port": "1",
    "X-Forwarded-Prefix": "/evil",
    "X-Forwarded-Server": "evil.example",
    "X-Real-IP": "198.51.100.1",
    "Forwarded": "for=198.51.100.1;proto=https;host=evil.example",
}
# Replaces the first import of main/wsgi.py and wraps the application.
SHOWS_CALLER = {
    "    # For threads without a request.\n": """\
    @app.get("/caller")
    def caller() -> object:
        from flask import request

        names = ("forwarded", "x-real", "x-forwarded")
        return {
            "address": request.remote_addr,
            "url": request.url,
            "is_secure": request.is_secure,
            "headers": [name for name, _ in request.headers if name.lower().startswith(names)],
        }, {"Cache-Control": "public, max-age=60"}

    # For threads without a request.
"""
}


@pytest.fixture(scope="module")
def project_that_shows_callers(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a service whose endpoint /caller shows what the application knows of its caller."""
    target = tmp_path_factory.mktemp("callers") / "service"
    return patched_copy(project, target, "main/wsgi.py", SHOWS_CALLER)


@pytest.fixture(scope="module")
def trusting(stack_type: StackType, project_that_shows_callers: Path) -> Iterator[Stack]:
    """Run the service behind proxies on this machine and in 10.0.0.0/8."""
    with stack_type(project_that_shows_callers, TRUSTED_PROXIES=f"{HOST}, 10.0.0.0/8") as running:
        yield running


@pytest.fixture(scope="module")
def trusting_nobody(stack_type: StackType, project_that_shows_callers: Path) -> Iterator[Stack]:
    """Run the service without TRUSTED_PROXIES."""
    with stack_type(project_that_shows_callers) as running:
        yield running


def caller(stack: Stack, path: str, headers: dict[str, str]) -> tuple[dict[str, Any], str]:
    """Return the caller as the application sees it, and its address in the log."""
    response = stack.get(path, headers)
    line = stack.log.wait_for_line(logger="nginx", request_id=response.headers["X-Request-ID"])
    return response.json(), line["client"]


def test_trusted_proxies_are_believed(trusting: Stack) -> None:
    """The last address that is not a proxy is the caller's, in the application and in the log."""
    seen, logged = caller(trusting, "/caller?trusted", FORWARDED)
    assert seen["address"] == logged == CLIENT
    assert seen["is_secure"]
    assert seen["url"] == f"https://{HOST}:{trusting.port}/caller?trusted"
    assert seen["headers"] == []


def test_others_are_not_believed(trusting_nobody: Stack) -> None:
    """By default nobody is, and the application does not see what they claim."""
    seen, logged = caller(trusting_nobody, "/caller?nobody", FORWARDED)
    assert seen["address"] == logged == HOST
    assert not seen["is_secure"]
    assert seen["url"] == f"http://{HOST}:{trusting_nobody.port}/caller?nobody"
    assert seen["headers"] == []


@pytest.mark.parametrize("scheme", ["", "ftp", "https://evil.example/?", "https, http"])
def test_an_unknown_scheme_is_ignored(trusting: Stack, scheme: str) -> None:
    """Only http and https are schemes, also if a trusted proxy sends another."""
    seen, _ = caller(trusting, f"/caller?{len(scheme)}", {"X-Forwarded-Proto": scheme})
    assert seen["url"].startswith("http://")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_only_https_clients_are_told_to_stay_with_https(trusting: Stack, scheme: str) -> None:
    """HSTS is in responses of the application, of nginx, and of the micro-cache."""
    for path in ("/caller?hsts", "/caller?hsts", "/livez", "/absent"):
        response = trusting.get(path, {"X-Forwarded-Proto": scheme})
        sent = response.headers.get("Strict-Transport-Security")
        assert sent == ("max-age=31536000" if scheme == "https" else None), path


def test_hsts_needs_a_trusted_proxy(trusting_nobody: Stack) -> None:
    """Anybody could claim the scheme, and the service would be unreachable without HTTPS."""
    response = trusting_nobody.get("/livez", FORWARDED)
    assert "Strict-Transport-Security" not in response.headers


def test_schemes_and_hosts_do_not_share_cached_responses(trusting: Stack) -> None:
    """The application and the key of the micro-cache have the same scheme and host."""
    urls = set()
    for host in ("one.example", "two.example", "one.example:81"):
        for scheme in ("http", "https"):
            headers = {"Host": host, "X-Forwarded-Proto": scheme}
            for _ in range(2):
                seen, _ = caller(trusting, "/caller?key", headers)
                urls.add(seen["url"])
                assert seen["url"].startswith(f"{scheme}://{host}/")
    assert len(urls) == 6


def test_each_invalid_proxy_is_named(stack_type: StackType, project: Path) -> None:
    """One line has a sentence for each, and the exit status is 2."""
    with stack_type(project, ready="", TRUSTED_PROXIES="10.0.0.1/8,proxy;") as stack:
        assert stack.process.wait(TIMEOUT) == 2
        (line,) = stack.lines()
        assert line["event"] == "start.failed"
        assert [sentence.split("'")[1] for sentence in line["errors"]] == ["10.0.0.1/8", "proxy;"]
