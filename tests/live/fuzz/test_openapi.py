"""The API of a running service, called in every way that its document allows, and in others."""

import json
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from harness.cache_server import CacheServer, cache_settings
from harness.environment import run, virtual_environment
from harness.fakes.upstream import FaultyUpstream
from harness.project import CHOICES, Bake, patched_copy
from harness.stack import Stack

pytestmark = pytest.mark.slow

SERVERS = {"memcached": 2, "redis": 1}
# What Schemathesis reports when it finds nothing.
SILENCE: dict[str, Any] = {"with_failures": 0, "unique_failures": 0, "errored": 0}


def document(stack: Stack) -> dict[str, Any]:
    """Return the OpenAPI document, less the answer that stands for all the others.

    With `default` in it, every status would be documented.
    """
    found: dict[str, Any] = stack.get("/docs/openapi.json").json()
    for methods in found["paths"].values():
        for operation in methods.values():
            del operation["responses"]["default"]
    return found


def fuzz(stack: Stack, folder: Path, *options: str) -> dict[str, Any]:
    """Let Schemathesis call the service and return its report; a failure is an error."""
    schemathesis = (
        virtual_environment(Path(__file__).with_name("schemathesis.txt")) / "bin" / "schemathesis"
    )
    (folder / "openapi.json").write_text(json.dumps(document(stack)), "utf-8")
    command = (
        *(str(schemathesis), "run", "openapi.json", f"--url={stack.url}", "--seed=7"),
        *("--checks=all", "--continue-on-failure", "--generation-database=none", "--no-color"),
        *("--report=json", "--report-json-path=report.json"),
    )
    run(folder, *command, *options)
    report: dict[str, Any] = json.loads((folder / "report.json").read_text("utf-8"))
    return report


@pytest.mark.parametrize("store", CHOICES["cache_backend"])
def test_the_service_keeps_to_its_document(installed: Bake, tmp_path: Path, store: str) -> None:
    """Hundreds of calls, right and wrong ones, get answers of a documented shape only."""
    with ExitStack() as contexts:
        peer = contexts.enter_context(FaultyUpstream())
        crowd = [contexts.enter_context(CacheServer(store)) for _ in range(SERVERS.get(store, 0))]
        store = cache_settings(store, crowd, tmp_path / "store")
        pages = f"{peer.url}/ok,{peer.url}/forbidden"
        project = installed(cache_backend=store)
        stack = contexts.enter_context(Stack(project, APP_UPSTREAM_URLS=pages, **store))

        report = fuzz(stack, tmp_path, "--max-examples=150")

        operations = report["operations"]
        assert operations["total"] == operations["tested"] == 5
        assert SILENCE.items() <= report["test_cases"].items()
        assert report["test_cases"]["generated"] >= 300
        assert all(rate["coverage"]["accepted"] for rate in report["valid_rates"].values())
        assert not stack.lines(level="ERROR")
        answers = defaultdict(set)
        for line in stack.lines(logger="nginx", event="request.served"):
            answers[line["uri"].partition("?")[0]].add(line["status"])
        assert answers["/v1/hello"] >= {200, 405, 422}
        assert answers["/v1/primes"] >= {200, 400, 405, 415, 422}
        assert answers["/v1/pages"] >= {200, 405}
        assert peer.requests["ok"] >= 2


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("settings.current().hello_max_age", "9 // (100 - len(query['name']))", "Server error"),
        ("query['name']}!\"}, {", "query['name']}!\"}, 202, {", "Undocumented status code"),
        (
            "response(200, Hello())",
            "response(200, Hello(), content_type='text/csv')",
            "Undocumented Content-Type",
        ),
        ('return {"message"', 'return {"massage"', "Response violates schema"),
        (
            "validate=ma.validate.Length(1, 100)",
            "metadata={'maxLength': 100}",
            "Schema-violating request accepted",
        ),
    ],
    ids=["crash", "status", "type", "schema", "bounds"],
)
def test_what_breaks_its_document_is_found(
    installed: Bake, tmp_path: Path, old: str, new: str, found: str
) -> None:
    """Of each kind one mistake."""
    project = patched_copy(installed(), tmp_path / "service", "main/controller/hello.py", {old: new})
    with Stack(project) as stack, pytest.raises(AssertionError, match=found):
        fuzz(stack, tmp_path, "--include-path=/v1/hello", "--max-examples=10")
