"""`python -m test.serve` of docs/auth.md serves without an issuer, and prints a token."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.environment import process_environment
from harness.fakes.issuer import bearer
from harness.http import JSON, ServiceClient
from harness.waiting import wait_until


@contextmanager
def _served(project: Path, *scopes: str) -> Iterator[tuple[ServiceClient, str]]:
    """Run the command with these arguments; give a client and the printed token."""
    assert " ".join(("python -m test.serve", *scopes)) in (project / "docs" / "auth.md").read_text()
    client = ServiceClient()
    environment = process_environment(project, FLASK_RUN_PORT=str(client.port))
    command = (str(project / ".venv" / "bin" / "python"), "-m", "test.serve", *scopes)
    with subprocess.Popen(
        command, cwd=project, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout
            token = process.stdout.readline().strip()
            wait_until(lambda: client.is_ready("/v1/hello"))
            yield client, token
        finally:
            process.terminate()


def test_a_developer_calls_the_service_with_the_printed_token(auth_project: Path) -> None:
    """Without it, the same call is refused."""
    with _served(auth_project) as (client, token):
        assert client.get("/v1/pages").status == 401
        assert client.get("/v1/pages", bearer(token)).status == 200
        body = '{"numbers": [7]}'
        assert client.call("POST", "/v1/primes", body, {**JSON, **bearer(token)}).status == 200


def test_a_token_has_only_the_scopes_that_are_given(auth_project: Path) -> None:
    """POST /v1/primes requires another one."""
    with _served(auth_project, "orders:read") as (client, token):
        body = '{"numbers": [7]}'
        assert client.call("POST", "/v1/primes", body, {**JSON, **bearer(token)}).status == 403
        assert client.get("/v1/pages", bearer(token)).status == 200
