"""Tests that start processes and then block: test_interruption.py runs and interrupts them."""

import os
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

from harness.cache_server import CacheServer
from harness.containers.compose import Compose
from harness.containers.container import Container
from harness.containers.image import build_image
from harness.containers.pod import Pod
from harness.environment import run
from harness.manifests import build_manifests
from harness.project import Bake
from harness.stack import Stack

# The variable with the folder where each test leaves a file when its processes run.
FOLDER = "BLOCKING_TESTS"


# An id that begins with "@" makes the worker of each test its own.
@pytest.mark.parametrize("name", ["@stack", "@servers", "@container", "@compose", "@pod"])
def test_that_blocks(baked: Bake, installed: Bake, tmp_path: Path, name: str) -> None:
    """Start something, then wait in a command that never ends."""
    with ExitStack() as stack:
        match name:
            case "@stack":
                stack.enter_context(Stack(installed()))
            case "@servers":
                stack.enter_context(CacheServer("memcached"))
                stack.enter_context(stack.enter_context(CacheServer("redis")).frozen())
            case "@container":
                stack.enter_context(Container(baked()))
            case "@compose":
                stack.enter_context(Compose(baked(cache_backend="file"))).up()
            case "@pod":
                pod = Pod(build_manifests(baked()), build_image(baked()), tmp_path)
                stack.enter_context(pod)
        Path(os.environ[FOLDER], name).touch()
        if name == "@servers":
            run(tmp_path, "sleep", "600")
        threading.Event().wait()
