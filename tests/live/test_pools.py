"""Thread and process pools inside uWSGI workers."""

import os
import re
import shutil
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from harness.environment import install, run
from harness.project import ROOT, bake, patched_copy
from harness.stack import Stack
from harness.waiting import TIMEOUT, wait_until

DASK_APP = ROOT / "harness" / "apps" / "dask_app.py"
DASK_LOCK = ROOT / "requirements" / "distributed.txt"
MASTER = "master = true\n"
LAZY_APPS = {MASTER: f"{MASTER}lazy-apps = true\n"}
RECYCLED_WORKERS = {MASTER: f"{MASTER}max-requests = 5\nmin-worker-lifetime = 0\n"}
KINDS = ("threads", "processes")
WARM_UPS = [
    *(pytest.param(name, marks=pytest.mark.full) for name in ("", *KINDS)),
    " ".join(KINDS),
]


@pytest.fixture(scope="module")
def shared_stack(pools_project: Path) -> Iterator[Stack]:
    """Run the service for tests that do not stop or kill anything."""
    with Stack(pools_project) as running:
        yield running


def compute(stack: Stack, kind: str) -> dict[str, Any]:
    """Compute squares on threads or processes; assert that results and request ids are right."""
    response = stack.get(f"/squares/{kind}")
    assert response.status == 200, response.body
    body = response.json()
    assert isinstance(body, dict)
    assert [result["square"] for result in body["results"]] == [0, 1, 4, 9]
    request_ids = {result["request_id"] for result in body["results"]}
    assert request_ids == {response.headers["X-Request-ID"]}
    return body


def pool_processes(stack: Stack) -> list[psutil.Process]:
    """Return the processes that pools started, with their resource trackers."""
    return [each for each in stack.processes() if "multiprocessing" in " ".join(each.cmdline())]


def pool_workers(stack: Stack) -> list[psutil.Process]:
    """Return the processes that run tasks of pools."""
    return [each for each in pool_processes(stack) if "spawn_main" in " ".join(each.cmdline())]


def pool_owners(stack: Stack) -> set[int]:
    """Return the ids of the processes that own pools."""
    return {process.ppid() for process in pool_processes(stack)}


def assert_end(processes: list[psutil.Process]) -> None:
    """Assert that the processes end."""
    _, alive = psutil.wait_procs(processes, timeout=TIMEOUT)
    assert not alive


@pytest.mark.parametrize("lazy", [False, True], ids=["fork", "lazy-apps"])
@pytest.mark.parametrize("warm_up", WARM_UPS)
def test_pools_work_after_uwsgi_forks(
    pools_project: Path, tmp_path: Path, executor: ThreadPoolExecutor, warm_up: str, lazy: bool
) -> None:
    """Pools that the master used before the fork hang in no worker and delay no stop."""
    project = pools_project
    if lazy:
        project = patched_copy(project, tmp_path / "service", "deploy/uwsgi.ini", LAZY_APPS)
    with Stack(project, WARM_UP=warm_up) as stack:
        for kind in KINDS:
            # As many requests as threads, because a request that waits too long is refused.
            responses = list(executor.map(compute, [stack] * 8, [kind] * 8))
            served_by = {response["pid"] for response in responses}
            computed_by = {each["pid"] for response in responses for each in response["results"]}
            assert served_by <= set(stack.workers())
            if kind == "threads":
                assert computed_by <= served_by
            else:
                assert computed_by.isdisjoint(served_by)
        assert stack.stop() == 0
        assert stack.processes() == []


def test_threads_have_the_application_context(shared_stack: Stack) -> None:
    """Tasks on threads can use current_app."""
    names = shared_stack.get("/application-names").json()
    assert names == [f"main {number}" for number in range(4)]


@pytest.mark.parametrize("kind", KINDS)
def test_log_lines_of_tasks_have_the_request_id(shared_stack: Stack, kind: str) -> None:
    """This holds on threads and in other processes."""
    request_id = f"request-with-{kind}"
    assert shared_stack.get(f"/squares/{kind}", {"X-Request-ID": request_id}).status == 200
    wait_until(lambda: len(shared_stack.lines(event="task.run", request_id=request_id)) == 4)


def test_call_counts_are_summed_over_workers(
    pools_project: Path, executor: ThreadPoolExecutor
) -> None:
    """The metrics of @timed count calls on all threads of both workers."""
    with Stack(pools_project) as stack:
        responses = list(executor.map(compute, [stack] * 24, ["threads"] * 24))
        assert len({response["pid"] for response in responses}) == 2
        count = 'call_duration_seconds_count{callable="main.wsgi.square",outcome="ok"} 96.0\n'
        assert count in stack.metrics()


def test_server_timing_passes_nginx(pools_project: Path) -> None:
    """APP_SERVER_TIMING adds a header with the duration of timed functions."""
    with Stack(pools_project, APP_SERVER_TIMING="true") as stack:
        header = stack.get("/squares/threads").headers["Server-Timing"]
    name = r"main\.wsgi\.square"
    assert re.fullmatch(rf"{name};dur=[\d.]+", header)


def test_server_timing_is_off_by_default(shared_stack: Stack) -> None:
    """Callers do not learn the names of functions."""
    assert "Server-Timing" not in shared_stack.get("/squares/threads").headers


def test_a_killed_worker_takes_its_pool_with_it(pools_project: Path) -> None:
    """The new worker starts its own pool."""
    with Stack(pools_project, UWSGI_PROCESSES="1") as stack:
        compute(stack, "processes")
        (killed,) = stack.workers()
        orphans = pool_processes(stack)
        assert orphans
        os.kill(killed, signal.SIGKILL)
        assert_end(orphans)
        wait_until(lambda: stack.workers()[-1] != killed)
        served_by = compute(stack, "processes")["pid"]
        assert pool_owners(stack) == {served_by} == {stack.workers()[-1]}


def test_recycled_workers_leave_no_pool_behind(
    pools_project: Path, tmp_path: Path, executor: ThreadPoolExecutor
) -> None:
    """After four workers were recycled, only the pools of living ones exist."""
    path = tmp_path / "service"
    project = patched_copy(pools_project, path, "deploy/uwsgi.ini", RECYCLED_WORKERS)
    with Stack(project) as stack:

        def only_living_workers_own_pools() -> bool:
            living = set(stack.workers()) & set(stack.pids())
            # Two processes and a resource tracker for each of two workers.
            return len(pool_processes(stack)) <= 2 * 3 and pool_owners(stack) <= living

        def four_workers_were_recycled() -> bool:
            list(executor.map(compute, [stack] * 8, ["processes"] * 8))
            return len(stack.workers()) >= 2 + 4

        wait_until(four_workers_were_recycled)
        wait_until(only_living_workers_own_pools)
        assert stack.stop() == 0
        assert stack.processes() == []


def test_a_reload_replaces_workers_and_pools(pools_project: Path) -> None:
    """After uWSGI reloads, the old pool processes are gone and new ones work."""
    with Stack(pools_project) as stack:
        compute(stack, "processes")
        before = set(stack.workers())
        old_processes = pool_processes(stack)
        (stack.run_dir / "uwsgi.fifo").write_text("r")
        wait_until(lambda: len(set(stack.workers()) - before) == 2)
        assert_end(old_processes)
        compute(stack, "processes")
        assert stack.stop() == 0
        assert stack.processes() == []


def test_tasks_of_a_killed_pool_process_are_retried(
    pools_project: Path, executor: ThreadPoolExecutor
) -> None:
    """No request fails."""
    with Stack(pools_project, UWSGI_PROCESSES="1") as stack:
        compute(stack, "processes")
        calls = [executor.submit(stack.get, "/squares/processes?count=200") for _ in range(2)]
        wait_until(lambda: len(stack.lines(event="task.run")) > 20)
        pool_workers(stack)[0].kill()
        assert [call.result().status for call in calls] == [200, 200]


def test_a_broken_pool_can_be_terminated(pools_project: Path) -> None:
    """Pool processes block no signal although the threads of uWSGI do."""
    with Stack(pools_project, UWSGI_PROCESSES="1") as stack:
        # Starting the first pool of a process unblocks some signals, so look at the second too.
        for _ in range(2):
            compute(stack, "processes")
            pool = pool_workers(stack)
            wait_until(lambda: all(map(blocks_no_signal, pool)))  # noqa: B023
            pool[0].kill()
            assert_end(pool)
        assert stack.stop() == 0


def blocks_no_signal(process: psutil.Process) -> bool:
    """Return whether the kernel delivers every signal to the process."""
    return f"SigBlk:\t{0:016x}\n" in Path(f"/proc/{process.pid}/status").read_text("utf-8")


@pytest.mark.full
def test_dask_runs_the_tasks_of_process_map(tmp_path: Path) -> None:
    """The example in docs/operations.md works on a Dask cluster."""
    project = install(bake(tmp_path), DASK_LOCK)
    document = (project / "docs" / "operations.md").read_text("utf-8")
    blocks: list[str] = re.findall(r"```python\n(.*?)```", document, re.DOTALL)
    (example,) = (block for block in blocks if "Dask" in block)
    # Processes of the cluster import the script's folder, which must be the project's.
    shutil.copy(DASK_APP, project)
    run(project, "python", DASK_APP.name, example, PYTHONPATH=str(project))
