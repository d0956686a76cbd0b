"""Runs the Dask example of docs/operations.md in a local cluster; its argument is the example."""

import sys
from functools import partial
from types import ModuleType
from typing import Any
from unittest import mock

from distributed import LocalCluster
from main.service import primes
from main.service.primes import smallest_factor
from main.util.concurrency import process_map

NUMBERS = [1, 2, 9, 91, 1_000_003]
FACTORS = [None, 2, 3, 7, 1_000_003]


def is_imported(name: str) -> bool:
    """Return whether this process has imported the module."""
    return isinstance(sys.modules.get(name), ModuleType)


def main(example: str) -> None:
    """Run the example, then the sample's own service function on the same cluster."""
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        variables: dict[str, Any] = {"numbers": NUMBERS, "smallest_factor": smallest_factor}
        exec(example.replace("tcp://scheduler:8786", cluster.scheduler_address), variables)  # noqa: S102
        assert variables["factors"] == FACTORS, variables

        with variables["Client"](cluster) as client:
            remote_map = partial(process_map, executor=client.get_executor())
            with mock.patch.object(primes, "process_map", remote_map):
                answers = primes.classify(primes.PrimesRequest(NUMBERS))
            assert [answer.prime for answer in answers] == [False, True, False, False, True]
            assert all(client.run(is_imported, "main.service.primes").values())


if __name__ == "__main__":
    main(sys.argv[1])
