"""Distribute tests over pytest-xdist's workers.

pytest-xdist 3.8 ignores `xdist_group` under pytest 9.2, so `--dist=loadgroup` cannot be used.
"""

from xdist.scheduler import LoadScopeScheduling

from harness.project import CHOICES

# Slow tests first: at the end, short ones fill the gaps.
FOLDERS = ("meta", "containers", "rendered", "live", "template")
STORES = CHOICES["cache_backend"]


class FileScheduling(LoadScopeScheduling):
    """Gives the tests of a file to one worker, so that they share its fixtures.

    Tests of a cache store share those of their folder and store instead. A parameter's id that
    ends with "@name" makes `name` a group of its own within the file.
    """

    def _split_scope(self, nodeid: str) -> str:
        path, _, test = nodeid.partition("::")
        parameters = test.partition("[")[2].rstrip("]").split("-")
        if "@" in test:
            return f"{path}{test[test.rindex('@') :]}"
        for store in STORES:
            if store in parameters and "/cache/" in path:
                return f"{path.rpartition('/')[0]}-{store}"
        return path


def priority(path: str) -> int:
    """Return the position of a test file's folder in the order of execution."""
    parts = path.split("/")
    return next((index for index, name in enumerate(FOLDERS) if name in parts), len(FOLDERS))
