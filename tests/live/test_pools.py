"""Pools below the real stack: they survive forks, end with their worker, and lose no request."""

import os
import re
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from harness.environment import install, run
from harness.project import bake, patched_copy
from harness.stack import Stack
from harness.waiting import TIMEOUT, wait_until

pytestmark = pytest.mark.slow

LOCK = Path(__file__).with_name("requirements.txt")
LAZY = {"master = true\n": "master = true\nlazy-apps = true\n"}
RECYCLED = {"master = true\n": "master = true\nmax-requests = 5\nmin-worker-lifetime = 0\n"}


@pytest.fixture
def callers() -> Iterator[ThreadPoolExecutor]:
    """Return a pool that makes requests at the same time."""
    with ThreadPoolExecutor(8) as executor:
        yield executor


def ask(stack: Stack, kind: str) -> dict[str, Any]:
    """Have work done; assert that it is done right."""
    answer = stack.get(f"/work/{kind}")
    assert answer.status == 200, answer.body
    told = answer.json()
    assert [result["square"] for result in told["results"]] == [0, 1, 4, 9]
    assert {result["request_id"] for result in told["results"]} == {answer.headers["X-Request-ID"]}
    assert isinstance(told, dict)
    return told


def helpers(stack: Stack) -> list[psutil.Process]:
    """Return the processes that pools have started: workers', and what they need."""
    found = []
    for process in stack.processes():
        if "multiprocessing" in " ".join(process.cmdline()):
            found.append(process)
    return found


def spawned(stack: Stack) -> list[psutil.Process]:
    """Return the processes of pools themselves."""
    return [each for each in helpers(stack) if "spawn_main" in " ".join(each.cmdline())]


def parents(stack: Stack) -> set[int]:
    """Return the processes whose pools have processes."""
    return {process.ppid() for process in helpers(stack)}


class TestForks:
    """Nothing hangs, whatever was used before the fork."""

    @pytest.mark.parametrize("lazy", [False, True], ids=["fork", "lazy"])
    @pytest.mark.parametrize("warm", ["", "threads", "processes", "threads processes"])
    def test_work_after_warming_up(
        self,
        worker: Path,
        tmp_path: Path,
        callers: ThreadPoolExecutor,
        warm: str,
        lazy: bool,
    ) -> None:
        """Both kinds work in both workers, and both stop in time with nothing left."""
        project = patched_copy(worker, tmp_path / "it", "deploy/uwsgi.ini", LAZY) if lazy else worker
        with Stack(project, WARM=warm) as stack:
            for kind in ("threads", "processes"):
                answers = list(callers.map(ask, [stack] * 16, [kind] * 16))
                done_by = {result["pid"] for answer in answers for result in answer["results"]}
                served_by = {answer["pid"] for answer in answers}
                assert served_by <= set(stack.workers())
                assert (done_by <= served_by) if kind == "threads" else not done_by & served_by
            assert stack.stop() == 0
            assert stack.processes() == []

    def test_the_context_goes_along(self, worker: Path) -> None:
        """The application's, and the request's id in the log lines of threads and processes."""
        with Stack(worker) as stack:
            assert stack.get("/names").json() == [f"main {number}" for number in range(4)]
            for kind in ("threads", "processes"):
                request_id = f"of-the-{kind}"
                assert stack.get(f"/work/{kind}", {"X-Request-ID": request_id}).status == 200
            for kind in ("threads", "processes"):
                wanted = {"event": "driver.work", "request_id": f"of-the-{kind}"}
                wait_until(partial(four_lines, stack, wanted))


def four_lines(stack: Stack, fields: dict[str, Any]) -> bool:
    """Tell whether the log has four lines with these fields."""
    return len(stack.lines(**fields)) == 4


class TestTimed:
    """How long calls took is told by all workers together."""

    def test_counts_are_summed(self, worker: Path, callers: ThreadPoolExecutor) -> None:
        """By function and outcome, over threads and workers."""
        with Stack(worker) as stack:
            answers = list(callers.map(ask, [stack] * 24, ["threads"] * 24))
            assert len({answer["pid"] for answer in answers}) == 2
            wanted = 'call_duration_seconds_count{callable="main.wsgi.work",outcome="ok"} 96.0\n'
            assert wanted in stack.ops("/metrics").body.decode()

    def test_the_header_is_for_who_asked_for_it(self, worker: Path) -> None:
        """It passes nginx, and is not there by default."""
        with Stack(worker, APP_SERVER_TIMING="true") as stack:
            header = stack.get("/work/threads").headers["CacheServer-Timing"]
            name = r"main\.wsgi\.work"
            assert re.fullmatch(rf'{name};dur=[\d.]+;desc="{name}, 4 calls"', header)
        with Stack(worker) as stack:
            assert "CacheServer-Timing" not in stack.get("/work/threads").headers


class TestEnds:
    """No process of a pool outlives its worker."""

    def test_killed_worker(self, worker: Path) -> None:
        """What it had started ends, too; the one in its place starts its own."""
        with Stack(worker, UWSGI_PROCESSES="1") as stack:
            ask(stack, "processes")
            (first,) = stack.workers()
            started = helpers(stack)
            assert started
            os.kill(first, signal.SIGKILL)
            _, alive = psutil.wait_procs(started, timeout=TIMEOUT)
            assert not alive
            wait_until(lambda: stack.workers()[-1] != first)
            told = ask(stack, "processes")
            assert parents(stack) == {told["pid"]} == {stack.workers()[-1]}

    def test_recycled_workers(
        self, worker: Path, tmp_path: Path, callers: ThreadPoolExecutor
    ) -> None:
        """After many of them, there are no more processes than those alive need."""
        project = patched_copy(worker, tmp_path / "it", "deploy/uwsgi.ini", RECYCLED)
        with Stack(project) as stack:
            list(callers.map(ask, [stack] * 60, ["processes"] * 60))
            wait_until(lambda: len(stack.workers()) > 6)
            # Two processes and what keeps track of their resources, for each of two workers.
            wait_until(lambda: len(helpers(stack)) <= 2 * 3 and parents(stack) <= set(alive(stack)))
            assert stack.stop() == 0
            assert stack.processes() == []

    def test_reload(self, worker: Path) -> None:
        """A reload of uWSGI replaces workers and their pools."""
        with Stack(worker) as stack:
            ask(stack, "processes")
            before = set(stack.workers())
            started = helpers(stack)
            (stack.run_dir / "uwsgi.fifo").write_text("r")
            wait_until(lambda: len(set(stack.workers()) - before) == 2)
            _, alive = psutil.wait_procs(started, timeout=TIMEOUT)
            assert not alive
            ask(stack, "processes")
            assert stack.stop() == 0
            assert stack.processes() == []

    def test_a_killed_process_of_a_pool(self, worker: Path, callers: ThreadPoolExecutor) -> None:
        """What it was doing is done by another; no request fails."""
        with Stack(worker, UWSGI_PROCESSES="1") as stack:
            ask(stack, "processes")
            answers = [callers.submit(stack.get, "/work/processes?count=200") for _ in range(2)]
            wait_until(lambda: len(stack.lines(event="driver.work")) > 20)
            spawned(stack)[0].kill()
            assert [answer.result().status for answer in answers] == [200, 200]

    def test_what_is_left_of_a_broken_pool(self, worker: Path) -> None:
        """It can be ended: its processes block no signal, as the threads that start them do."""
        with Stack(worker, UWSGI_PROCESSES="1") as stack:
            for _ in range(2):  # starting the first pool of all unblocks some
                ask(stack, "processes")
                pool = spawned(stack)
                files = [Path(f"/proc/{process.pid}/status") for process in pool]
                unblocked = f"SigBlk:\t{0:016x}\n"
                wait_until(lambda: all(unblocked in file.read_text() for file in files))  # noqa: B023
                pool[0].kill()
                _, alive = psutil.wait_procs(pool, timeout=TIMEOUT)
                assert not alive
            assert stack.stop() == 0


def alive(stack: Stack) -> list[int]:
    """Return the workers that run."""
    running = {process.pid for process in stack.processes()}
    return [worker for worker in stack.workers() if worker in running]


DASK = """
import sys
from functools import partial
from unittest import mock

from distributed import LocalCluster
from main.service import primes
from main.service.primes import divide
from main.util.concurrency import process_map

numbers = [1, 2, 9, 91, 1_000_003]
factors = [None, 2, 3, 7, 1_000_003]


def knows(module):
    return module in sys.modules


if __name__ == "__main__":
    options = dict(n_workers=2, threads_per_worker=1, dashboard_address=None)
    with LocalCluster(**options) as cluster:
        lines = sys.argv[1].replace("tcp://scheduler:8786", cluster.scheduler_address)
        given = {"numbers": numbers, "factorise": divide}
        exec(lines, given)
        assert given["factors"] == factors, given

        with given["Client"](cluster) as client:
            executor = client.get_executor()
            with mock.patch.object(primes, "process_map", partial(process_map, executor=executor)):
                answers = primes.examine(primes.Question(numbers))
            assert [answer.prime for answer in answers] == [False, True, False, False, True]
            assert all(client.run(knows, "main.service.primes").values())
"""


def test_a_distributed_engine(tmp_path: Path) -> None:
    """The sample's work is done by the workers of a Dask cluster, as the README says."""
    project = install(bake(tmp_path), LOCK)
    readme = (project / "README.md").read_text("utf-8")
    (lines,) = (
        block for block in re.findall(r"```python\n(.*?)```", readme, re.S) if "Dask" in block
    )
    script = project / "dask_script.py"
    script.write_text(DASK, "utf-8")
    run(project, "python", str(script), lines, PYTHONPATH=str(project))
