"""Make the pictures of the README anew: a run of the demonstration, and the documentation page."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.text import Text

from tests.bakery import bake, install
from tests.stack import Stack
from tools import provide

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
WIDTH = 100


def demo() -> None:
    """Draw what `make demo ONCE=1` prints, as a terminal shows it."""
    words = ["make", "demo", "ONCE=1"]
    # Of what is installed only errors are worth a line.
    quiet = {"PIP_QUIET": "3", "MAKEFLAGS": "--no-print-directory"}
    done = subprocess.run(
        words, cwd=ROOT, env={**os.environ, **quiet}, capture_output=True, text=True, check=True
    )
    # The recorder writes to nobody: what counts is the drawing.
    with Path(os.devnull).open("w", encoding="utf-8") as nobody:
        console = Console(record=True, width=WIDTH, file=nobody)
        console.print(Text(f"$ {' '.join(words)}", "bold green"))
        for line in done.stdout.replace(str(ROOT), "~/template").splitlines():
            style = "bold" if line.startswith("== ") else "dim" if line.startswith("    ") else ""
            console.print(Text(line, style), no_wrap=True, overflow="ellipsis")
        console.save_svg(str(DOCS / "demo.svg"), title="make demo")


def page() -> None:
    """Photograph the documentation of the default service, one operation unfolded."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        chromium = provide.find("chromium")
        if chromium is None:
            sys.exit(f"chromium is not installed; {provide.command(['chromium'])}")
        project = install(bake(Path(folder)))
        with Stack(project) as stack:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            view = browser.new_page(viewport={"width": 1100, "height": 760})
            view.goto(f"{stack.url}/docs/")
            view.locator(".opblock").first.wait_for()
            view.locator('[data-path="/v1/hello"]').click()
            view.get_by_role("button", name="Try it out").click()
            view.get_by_placeholder("name").wait_for()
            view.screenshot(path=DOCS / "page.png")
            browser.close()


if __name__ == "__main__":
    DOCS.mkdir(exist_ok=True)
    demo()
    page()
