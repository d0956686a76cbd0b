"""Fuzz the API of a running service by its OpenAPI document."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from harness.cache_server import store_running
from harness.environment import run, virtual_environment
from harness.fakes.upstream import FaultyUpstream
from harness.project import CHOICES, ROOT, Bake, patched_copy
from harness.stack import Stack

pytestmark = pytest.mark.full

LOCK = ROOT / "requirements" / "schemathesis.txt"
DEFAULT_STORE = CHOICES["cache_backend"][0]
# Random examples for each operation, after Schemathesis' fixed ones. The API is the same with
# every store: the others only show that no store changes it.
EXAMPLES = {store: 150 if store == DEFAULT_STORE else 10 for store in CHOICES["cache_backend"]}
NO_FAILURES = {"with_failures": 0, "unique_failures": 0, "errored": 0}
# Defects of the sample's controller: a text in its source, its replacement, Schemathesis' finding.
DEFECTS = {
    "crash": (
        "settings.current().hello_max_age",
        "9 // (100 - len(query['name']))",
        "Server error",
    ),
    "status": ('!"}, headers', '!"}, 202, headers', "Undocumented status code"),
    "type": (
        "response(200, HelloResponse())",
        "response(200, HelloResponse(), content_type='text/csv')",
        "Undocumented Content-Type",
    ),
    "schema": ('return {"message"', 'return {"massage"', "Response violates schema"),
    "bounds": (
        "validate=ma.validate.Length(1, 100)",
        "metadata={'maxLength': 100}",
        "Schema-violating request accepted",
    ),
}


def _document(stack: Stack) -> dict[str, Any]:
    """Return the OpenAPI document without its `default` responses, which allow every status."""
    document: dict[str, Any] = stack.get("/docs/openapi.json").json()
    for methods in document["paths"].values():
        for operation in methods.values():
            del operation["responses"]["default"]
    return document


def _fuzz(stack: Stack, folder: Path, *options: str) -> dict[str, Any]:
    """Run Schemathesis with all checks; return its report. Raises `AssertionError` on findings."""
    schemathesis = virtual_environment(LOCK) / "bin" / "schemathesis"
    (folder / "openapi.json").write_text(json.dumps(_document(stack)), "utf-8")
    command = (
        *(str(schemathesis), "run", "openapi.json", f"--url={stack.url}", "--seed=7"),
        *("--checks=all", "--continue-on-failure", "--generation-database=none", "--no-color"),
        *("--report=json", "--report-json-path=report.json"),
    )
    run(folder, *command, *options)
    report: dict[str, Any] = json.loads((folder / "report.json").read_text("utf-8"))
    return report


@pytest.mark.parametrize("store", EXAMPLES)
def test_the_service_conforms_to_its_document(installed: Bake, tmp_path: Path, store: str) -> None:
    """Valid and invalid requests get documented responses only, and nothing is logged as ERROR."""
    project = installed(cache_backend=store)
    with FaultyUpstream() as upstream, store_running(store) as settings:
        upstreams = f"{upstream.url}/ok,{upstream.url}/forbidden"
        with Stack(project, APP_UPSTREAM_URLS=upstreams, **settings) as stack:
            report = _fuzz(stack, tmp_path, f"--max-examples={EXAMPLES[store]}")
            lines = stack.lines(logger="nginx", event="request.served")
            assert not stack.lines(level="ERROR")

    operations = report["operations"]
    assert operations["total"] == operations["tested"] == 5
    assert NO_FAILURES.items() <= report["test_cases"].items()
    assert report["test_cases"]["generated"] >= max(100, 2 * EXAMPLES[store])
    assert all(rate["coverage"]["accepted"] for rate in report["valid_rates"].values())
    statuses = defaultdict(set)
    for line in lines:
        statuses[line["uri"].partition("?")[0]].add(line["status"])
    assert statuses["/v1/hello"] >= {200, 405, 422}
    assert statuses["/v1/primes"] >= {200, 400, 405, 415, 422}
    assert statuses["/v1/pages"] >= {200, 405}
    assert upstream.requests["ok"] >= 2


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_deviation_from_the_document_is_found(
    installed: Bake, tmp_path: Path, defect: str
) -> None:
    """There is one defect for each kind of check."""
    old, new, finding = DEFECTS[defect]
    project = patched_copy(
        installed(), tmp_path / "service", "main/controller/hello.py", {old: new}
    )
    with Stack(project) as stack, pytest.raises(AssertionError, match=finding):
        _fuzz(stack, tmp_path, "--include-path=/v1/hello", "--max-examples=10")
