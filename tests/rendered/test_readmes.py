"""What both READMEs tell somebody to type does what they say."""

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from harness.environment import process_environment, run
from harness.http import ServiceClient
from harness.project import ROOT, Bake, bake, contents
from harness.requirements import require
from harness.waiting import wait_until

FIRST = ["make install", "make test", "make run", "make serve", "make up"]


def blocks(readme: Path) -> list[list[str]]:
    """Return the lines of each block for a shell, without the words behind them."""
    found = re.findall(r"^```sh\n(.*?)^```$", readme.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return [[re.sub(r" +#.*", "", line) for line in block.splitlines()] for block in found]


def test_every_block_of_a_service_is_run(baked: Bake) -> None:
    """Here, or where its subject is tested: nothing else may stand there."""
    readme = baked() / "README.md"
    elsewhere = [deleting(baked()), *upgrading(baked())]
    first, *others = blocks(readme)
    assert first == FIRST
    assert others.pop() == COMMANDS
    assert others == [text.splitlines() for text in elsewhere]


def test_every_block_of_the_template_is_run() -> None:
    """`make demo` has tests of its own, and what runs this test is `make test`."""
    assert blocks(ROOT / "README.md") == [
        ["make demo", "make test"],
        ['uvx cookiecutter "$TEMPLATE"'],
    ]


@pytest.mark.slow
def test_the_words_that_bake(tmp_path: Path) -> None:
    """From the registry as it is today; whoever presses Enter gets the default answers."""
    ((words,),) = blocks(ROOT / "README.md")[1:]
    # Those certificates that the machine trusts: the company's own registry may need them.
    variables = {"TEMPLATE": str(ROOT), "HOME": str(tmp_path), "UV_SYSTEM_CERTS": "true"}
    path = os.pathsep.join((str(Path(require("uvx")).parent), os.environ["PATH"]))
    run(tmp_path, "sh", "-ec", f"yes '' | {words}", PATH=path, **variables)
    assert contents(tmp_path / "my-service") == contents(bake(tmp_path / "other"))


@pytest.mark.slow
@pytest.mark.parametrize("words", FIRST[2:4])
def test_a_server_starts_and_stops(installed: Bake, tmp_path: Path, words: str) -> None:
    """It answers where it says; Ctrl-C ends all of it."""
    service = ServiceClient()
    ports = {"PORT": service.port, "OPS_PORT": service.ops_port, "FLASK_RUN_PORT": service.port}
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            words.split(),
            cwd=installed(),
            env=process_environment(installed(), **{name: str(port) for name, port in ports.items()}),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_until(lambda: answers(service))
        assert service.get("/v1/hello?name=you").json() == {"message": "Hello, you!"}
        os.killpg(process.pid, signal.SIGINT)
        process.wait(60)
        wait_until(lambda: not answers(service))
    except BaseException as error:
        error.add_note(log.read_text("utf-8"))
        raise
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def answers(service: ServiceClient) -> bool:
    """Tell whether anybody is there."""
    try:
        return service.get("/readyz").status == 200
    except OSError:
        return False


def test_make_up_is_what_the_container_tests_run(baked: Bake) -> None:
    """They start it with Docker's own compose, in all combinations."""
    said = run(baked(), "make", "--dry-run", "up")
    assert said == "docker compose up --build --detach --wait\n"
