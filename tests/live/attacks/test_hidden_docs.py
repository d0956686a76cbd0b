"""A stranger reads the documentation of an API that is not public."""

from pathlib import Path

from harness.problem import assert_problem
from harness.stack import StackType


def test_the_documentation_can_be_switched_off(stack_type: StackType, project: Path) -> None:
    """Neither the page nor the document is served; the API is."""
    with stack_type(project, DOCS="false") as stack:
        for path in ("/docs/", "/docs/openapi.json", "/docs/init.js", "/docs/./openapi.json"):
            assert_problem(stack.get(path), 404)
        assert stack.get("/v1/hello").status == 200
