"""Build images of rendered services; equal projects share one."""

import hashlib
from pathlib import Path

from filelock import FileLock

from harness.containers import engine
from harness.project import BUILD, contents

# Every image of the tests has this name, so that all of them can be removed.
REPOSITORY = "localhost/flask-microservice-test"
# Tools leave these in a project; no image contains them.
IGNORED = (".venv", ".coverage", ".mypy_cache", ".pytest_cache", ".ruff_cache")
USED = BUILD / "images-used"


def build_image(project: Path) -> str:
    """Build the project's Dockerfile; return the image's name."""
    digest = hashlib.sha256()
    for path, content in contents(project).items():
        if not path.startswith(IGNORED) and "__pycache__" not in path:
            digest.update(b"%b\0%b\0" % (path.encode(), content))
    name = f"{REPOSITORY}:{digest.hexdigest()[:12]}"
    BUILD.mkdir(exist_ok=True)
    USED.touch()
    with FileLock(BUILD / "image.lock"):
        if not engine.inspect(name, "image"):
            engine.run("build", "--quiet", "--network", "host", "--tag", name, str(project))
    return name


def remove_images() -> None:
    """Remove the images of the tests and containers that still use them."""
    if USED.exists():
        for tag in engine.run("images", "--format", "{{.Tag}}", REPOSITORY, check=False).split():
            engine.run("rmi", "--force", f"{REPOSITORY}:{tag}", check=False)
        USED.unlink()


def has_image(name: str) -> bool:
    """Return whether an image exists here or a registry has it."""
    if not engine.inspect(name, "image"):
        engine.run("pull", "--quiet", name, check=False)
    return bool(engine.inspect(name, "image"))
