"""Build images of rendered services; equal projects share one."""

import hashlib
from pathlib import Path

from harness.containers import engine
from harness.containers.resources import resource_name, storage_lock
from harness.project import contents

# Tools leave these in a project; no image contains them.
IGNORED = (".venv", ".coverage", ".mypy_cache", ".pytest_cache", ".ruff_cache")


def build_image(project: Path) -> str:
    """Build the project's Dockerfile; return the image's name."""
    digest = hashlib.sha256()
    for path, content in contents(project).items():
        if not path.startswith(IGNORED) and "__pycache__" not in path:
            digest.update(b"%b\0%b\0" % (path.encode(), content))
    name = f"localhost/{resource_name(digest.hexdigest()[:12])}:latest"
    with storage_lock():
        if not engine.inspect(name, "image"):
            engine.run("build", "--quiet", "--network", "host", "--tag", name, str(project))
    return name


def has_image(name: str) -> bool:
    """Return whether an image exists here or can be pulled."""
    if not engine.inspect(name, "image"):
        engine.run("pull", "--quiet", name, check=False)
    return bool(engine.inspect(name, "image"))
