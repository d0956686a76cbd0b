"""Inject one fault at a time into a copy: the test or command that should detect it must fail.

Mutation testing (`make mutants`) covers the service's Python modules. These faults are in the
other files, where nothing else would notice that a test cannot fail: see faults.yaml.
"""

import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from harness.environment import run
from harness.project import BUILD, ROOT, TEMPLATE, Bake, replace_once

IGNORED = shutil.ignore_patterns(".git", ".venv", "build", "__pycache__", ".*_cache")


@dataclass(frozen=True)
class Fault:
    """A change of one text that `detected_by` must notice.

    `detected_by` is a test id of the template, or a command in a rendered service. `file` is a
    path in the template's folder of the service. `before` must occur once. An empty `before`
    appends `after`, to a new file if there is none.
    """

    detected_by: str
    name: str
    file: str
    before: str
    after: str

    @property
    def is_detected_by_a_test(self) -> bool:
        """Return whether a test of the template detects the fault."""
        return "::" in self.detected_by

    @property
    def detector(self) -> str:
        """Return the name of the test without its file and its parameters, or the command."""
        return self.detected_by.rpartition("::")[2].partition("[")[0]

    @property
    def command(self) -> list[str]:
        """Return the command that detects the fault."""
        if self.is_detected_by_a_test:
            options = ("-q", "-rfEs", "-p", "no:cacheprovider")
            return [sys.executable, "-m", "pytest", *options, self.detected_by]
        return self.detected_by.split()

    @property
    def expected_output(self) -> str:
        """Return the pattern of the failure: the name of the failed test, or of the file."""
        if self.is_detected_by_a_test:
            return rf"→ 1\n(?s:.*)FAILED {re.escape(self.detected_by)}"
        return re.escape(self.file)


FAULTS = [
    Fault(detected_by=detector, **fields)
    for detector, faults in yaml.safe_load(
        Path(__file__).with_name("faults.yaml").read_text("utf-8")
    ).items()
    for fields in faults
]
Copy = Callable[[Fault], Path]


@pytest.fixture(scope="module")
def unmodified(installed: Bake, tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """Return a function that copies what a detector inspects, and passes there; once for each."""
    copies: dict[str, Path] = {}

    def unmodified(fault: Fault) -> Path:
        if fault.detected_by not in copies:
            folder = tmp_path_factory.mktemp("unmodified") / "copy"
            if fault.is_detected_by_a_test:
                _copy_template(folder)
            else:
                _copy_service(installed(), folder)
            _assert_passes_unmodified(fault, folder)
            copies[fault.detected_by] = folder
        return copies[fault.detected_by]

    return unmodified


def _copy_template(folder: Path) -> None:
    """Copy this repository; the copy shares its environments for rendered services."""
    shutil.copytree(ROOT, folder, ignore=IGNORED)
    environments = BUILD / "venvs"
    environments.mkdir(parents=True, exist_ok=True)
    (folder / "build").mkdir()
    (folder / "build" / "venvs").symlink_to(environments, target_is_directory=True)


def _copy_service(project: Path, folder: Path) -> None:
    """Copy a rendered service; the copy shares its environment."""
    shutil.copytree(project, folder, ignore=IGNORED)
    (folder / ".venv").symlink_to((project / ".venv").resolve(), target_is_directory=True)


def _assert_passes_unmodified(fault: Fault, folder: Path) -> None:
    output = _run(fault, folder)
    if fault.is_detected_by_a_test and " passed" not in output:
        pytest.skip(next(line for line in output.splitlines() if line.startswith("SKIPPED")))


def _run(fault: Fault, folder: Path) -> str:
    """Run the detector; with temporary files of its own, because pytest removes old ones."""
    return run(folder, *fault.command, PYTEST_DEBUG_TEMPROOT=str(folder.parent))


def _inject(fault: Fault, folder: Path) -> None:
    path = folder / (TEMPLATE.name if fault.is_detected_by_a_test else "") / fault.file
    if fault.before:
        replace_once(path, {fault.before: fault.after})
    else:
        with path.open("a", encoding="utf-8") as file:
            file.write(fault.after)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_matches_the_current_files(fault: Fault) -> None:
    """A renamed detector, or a changed text, is found without running anything."""
    if fault.is_detected_by_a_test:
        path = ROOT / fault.detected_by.partition("::")[0]
        assert fault.detector in re.findall(r"def (test_\w+)\(", path.read_text("utf-8"))
    if fault.before:
        assert (TEMPLATE / fault.file).read_text("utf-8").count(fault.before) == 1


@pytest.mark.full
@pytest.mark.parametrize(
    "fault",
    # One worker runs all faults of a detector, so that it passes unmodified only once.
    [pytest.param(fault, id=f"{fault.name}@{fault.detector}") for fault in FAULTS],
)
def test_an_injected_fault_is_detected(fault: Fault, unmodified: Copy, tmp_path: Path) -> None:
    """The detector fails, and names the test or the file."""
    folder = tmp_path / "copy"
    # With the caches of the passing run, which make the detector faster.
    shutil.copytree(unmodified(fault), folder, symlinks=True)
    _inject(fault, folder)
    with pytest.raises(AssertionError, match=fault.expected_output):
        _run(fault, folder)
