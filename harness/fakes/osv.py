"""A fake of OSV, the vulnerability database that pip-audit can query."""

import json

from harness.fakes.server import FakeHTTPService, Reply


class FakeOSVServer(FakeHTTPService):
    """Reports the vulnerabilities in `vulnerable`: package name to advisory id.

    `queried` collects name and version of each package. pip-audit itself is real; `variables`
    make it query this server.
    """

    def __init__(self) -> None:
        super().__init__()
        self.vulnerable: dict[str, str] = {}
        self.queried: dict[str, str] = {}
        self.variables = {
            "PIP_AUDIT_VULNERABILITY_SERVICE": "osv",
            "PIP_AUDIT_OSV_URL": f"{self.url}/v1/query",
        }

    def reply(self, path: str, body: bytes, headers: dict[str, str]) -> Reply:
        """Return what is known of one version of a package."""
        query = json.loads(body)
        package = query["package"]
        self.queried[package["name"]] = query["version"]
        if package["name"] not in self.vulnerable:
            return 200, b"{}"
        advisory = {"id": self.vulnerable[package["name"]], "affected": [{"package": package}]}
        return 200, json.dumps({"vulns": [advisory]}).encode()
