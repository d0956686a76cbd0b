"""Every shell command of the READMEs and of docs/operations.md is run by a test."""

import os
import re
import signal
import sys
from pathlib import Path

import pytest

from harness import process
from harness.environment import process_environment, run
from harness.http import ServiceClient
from harness.project import ROOT, Bake, bake, combinations, contents, label
from harness.readme import shell_block, shell_blocks
from harness.requirements import require
from harness.waiting import wait_until

HERE = Path(__file__).parent
MAX_LINES = 250
FIRST_COMMANDS = ["make install", "make test", "make run", "make serve", "make up"]
# A text of each block of a service's documents, in order, and a file that runs the block.
SERVICE_BLOCKS = {
    "README.md": {
        "make install": HERE / "test_install.py",
    },
    "AGENTS.md": {"make format": HERE / "test_agents.py"},
    "docs/operations.md": {
        "request.served": ROOT / "tests" / "live" / "attacks" / "test_unseen_errors.py",
        "coverage run": HERE / "test_test_commands.py",
        "cruft link": HERE / "test_git_upgrades.py",
        "git merge": HERE / "test_git_upgrades.py",
    },
}
RUN_BY = [pair for blocks in SERVICE_BLOCKS.values() for pair in blocks.items()]


def test_every_block_in_the_documents_of_a_service_is_run(baked: Bake) -> None:
    """A new block needs a test and a line above."""
    for name, blocks in SERVICE_BLOCKS.items():
        document = baked() / name
        assert shell_blocks(document) == [shell_block(document, text) for text in blocks]
    assert shell_block(baked() / "README.md", "make install").split("\n") == [*FIRST_COMMANDS, ""]


@pytest.mark.parametrize(("text", "path"), RUN_BY, ids=[text for text, _ in RUN_BY])
def test_the_files_that_run_blocks_contain_them(text: str, path: Path) -> None:
    """Otherwise the test above would prove nothing."""
    program, *arguments = text.split()
    quoted = (f'"{text}"', f'"{program}", "{" ".join(arguments)}"')
    assert any(each in path.read_text("utf-8") for each in quoted)


@pytest.mark.parametrize("answers", combinations(), ids=label)
def test_the_readme_of_a_service_is_short(baked: Bake, answers: dict[str, str]) -> None:
    """A new team member reads it on the first day."""
    assert (baked(**answers) / "README.md").read_text("utf-8").count("\n") <= MAX_LINES


def test_every_block_in_the_readme_of_the_template_is_run() -> None:
    """`make demo` has tests of its own."""
    assert shell_blocks(ROOT / "README.md") == ['make demo\nuvx cookiecutter "$TEMPLATE"\n']


@pytest.mark.full
def test_uvx_bakes_the_default_service(tmp_path: Path) -> None:
    """With the cookiecutter that the package index offers today, and Enter at each question."""
    _, command = shell_block(ROOT / "README.md", "uvx").splitlines()
    # A company's own index may need the certificates of this machine.
    variables = {"TEMPLATE": str(ROOT), "HOME": str(tmp_path), "UV_SYSTEM_CERTS": "true"}
    path = os.pathsep.join((str(Path(require("uvx")).parent), os.environ["PATH"]))
    run(tmp_path, "sh", "-ec", f"yes '' | {command}", PATH=path, **variables)
    assert contents(tmp_path / "my-service") == contents(bake(tmp_path / "other"))


def test_cookiecutter_of_the_template_bakes_without_uv(tmp_path: Path) -> None:
    """Every make target installs it."""
    (command,) = re.findall(r"`(\S+cookiecutter \"\$TEMPLATE\")`", (ROOT / "README.md").read_text())
    installed_here = command.replace(".venv/bin", str(Path(sys.executable).parent))
    run(tmp_path, "sh", "-ec", f"yes '' | {installed_here}", TEMPLATE=str(ROOT), HOME=str(tmp_path))
    assert contents(tmp_path / "my-service") == contents(bake(tmp_path / "other"))


@pytest.mark.parametrize("command", ["make run", "make serve"])
def test_a_server_answers_until_it_is_interrupted(
    installed: Bake, tmp_path: Path, command: str
) -> None:
    """Ctrl-C ends all of its processes."""
    service = ServiceClient()
    ports = {"PORT": service.port, "OPS_PORT": service.ops_port, "FLASK_RUN_PORT": service.port}
    settings = {name: str(port) for name, port in ports.items()}
    log = tmp_path / "log"
    with log.open("wb") as output:
        server = process.start(
            command.split(),
            cwd=installed(),
            env=process_environment(installed(), **settings),
            stdout=output,
            new_session=True,
        )
    try:
        wait_until(service.is_ready)
        assert service.get("/v1/hello?name=you").json() == {"message": "Hello, you!"}
        os.killpg(server.pid, signal.SIGINT)
        server.wait(60)
        wait_until(lambda: not service.is_ready())
    except BaseException as error:
        error.add_note(log.read_text("utf-8"))
        raise
    finally:
        process.stop(server)


def test_make_up_starts_what_the_container_tests_start(baked: Bake) -> None:
    """They run the same command with each store."""
    output = run(baked(), "make", "--dry-run", "up")
    assert output.splitlines()[-1] == "docker compose up --build --detach --wait"
