"""Run a service that trusts a fake issuer."""

import shutil
from pathlib import Path

from harness.environment import install
from harness.fakes.issuer import FakeIssuer, bearer
from harness.project import ROOT, bake
from harness.stack import Stack

AUTH_APP = ROOT / "harness" / "apps" / "auth_app.py"


def auth_project(folder: Path) -> Path:
    """Bake and install a service that runs AUTH_APP; return its folder."""
    project = install(bake(folder, auth="jwt"))
    shutil.copy(AUTH_APP, project / "main" / "wsgi.py")
    return project


class AuthService(Stack):
    """A context in which a project of `auth_project` runs with one worker.

    `refresh_after` and `fetch_interval` are the seconds of main/util/web/auth/keys.py.
    """

    def __init__(
        self,
        project: Path,
        issuer: FakeIssuer,
        *,
        refresh_after: float = 600,
        fetch_interval: float = 30,
        **variables: str,
    ) -> None:
        intervals = {
            "AUTH_REFRESH_AFTER": str(refresh_after),
            "AUTH_FETCH_INTERVAL": str(fetch_interval),
        }
        settings = {**intervals, **issuer.settings, "UWSGI_PROCESSES": "1", **variables}
        super().__init__(project, **settings)

    def status(self, token: str) -> int:
        """Return the status of a request with this token to an operation without a mark."""
        return self.get("/caller", bearer(token)).status

    def readiness(self) -> str:
        """Return the status of /readyz."""
        return str(self.get("/readyz").json()["status"])
