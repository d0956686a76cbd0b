"""Every pair of choices makes a service that serves its operations."""

import pytest

from harness.fakes.issuer import FakeIssuer, bearer
from harness.project import Bake
from harness.stack import Stack
from harness.variants import variants

pytestmark = pytest.mark.full


@pytest.mark.parametrize("answers", variants())
def test_every_documented_get_operation_is_served(installed: Bake, answers: dict[str, str]) -> None:
    """With a token where the document demands one; a missing cache server fails no request."""
    with FakeIssuer() as issuer:
        settings = issuer.settings if answers["auth"] == "jwt" else {}
        with Stack(installed(**answers), **settings) as stack:
            secured = set()
            for path, operations in stack.get("/docs/openapi.json").json()["paths"].items():
                if "get" in operations:
                    needs_token = bool(operations["get"].get("security"))
                    secured |= {path} if needs_token else set()
                    headers = bearer(issuer.token()) if needs_token else {}
                    assert stack.get(path, headers).status == 200
    assert bool(secured) == (answers["auth"] == "jwt" and answers["sample_api"] == "yes")
