"""`python -m test.serve` of docs/auth.md serves without an issuer, and prints a token."""

import subprocess
from pathlib import Path

from harness.environment import process_environment
from harness.fakes.issuer import bearer
from harness.http import ServiceClient
from harness.waiting import wait_until


def test_a_developer_calls_the_service_with_the_printed_token(auth_project: Path) -> None:
    """Without it, the same call is refused."""
    assert "python -m test.serve" in (auth_project / "docs" / "auth.md").read_text("utf-8")
    client = ServiceClient()
    environment = process_environment(auth_project, FLASK_RUN_PORT=str(client.port))
    command = (str(auth_project / ".venv" / "bin" / "python"), "-m", "test.serve")
    with subprocess.Popen(
        command, cwd=auth_project, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout
            token = process.stdout.readline().strip()
            wait_until(lambda: client.is_ready("/v1/hello"))
            assert client.get("/v1/pages").status == 401
            assert client.get("/v1/pages", bearer(token)).status == 200
        finally:
            process.terminate()
