"""The recipe of docs/api-keys.md that requires an API key."""

from hashlib import sha256
from pathlib import Path

import pytest

from harness import recipes
from harness.environment import install
from harness.fakes.issuer import bearer
from harness.problem import assert_problem
from harness.project import bake
from harness.stack import Stack

KEY, OTHER = "a-long-random-key", "another-key"


@pytest.mark.full
def test_only_callers_with_a_key_are_answered(tmp_path: Path) -> None:
    """The micro-cache does not answer others with what it kept for them."""
    project = install(bake(tmp_path))
    recipes.prepare(project, "Require an API key")
    digests = ",".join(sha256(key.encode()).hexdigest() for key in (OTHER, KEY))
    with Stack(project, APP_API_KEY_DIGESTS=digests, APP_HELLO_MAX_AGE="60") as stack:
        for key in (KEY, OTHER):
            assert stack.get("/v1/hello", bearer(key)).status == 200
        for headers in ({}, bearer("wrong"), bearer(digests), {"Authorization": ""}):
            refused = stack.get("/v1/hello", headers)
            assert_problem(refused, 401)
            assert refused.headers["WWW-Authenticate"] == 'Bearer realm="my-service"'
        assert stack.get("/docs/openapi.json").json()["security"] == [{"api_key": []}]
        assert KEY not in stack.log.text()
