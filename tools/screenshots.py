"""Take the pictures of the README: the output of `make demo`, and the documentation page."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.text import Text

from harness.environment import install
from harness.project import ROOT, bake
from harness.requirements import find, install_command
from harness.stack import Stack

DOCS = ROOT / "docs"
WIDTH = 100


def demo() -> None:
    """Draw the output of `make demo ONCE=1` as a terminal shows it."""
    command = ["make", "demo", "ONCE=1"]
    variables = {**os.environ, "MAKEFLAGS": "--no-print-directory"}
    done = subprocess.run(
        command, cwd=ROOT, env=variables, capture_output=True, text=True, check=True
    )
    # The console draws from its record; its own output is discarded.
    with Path(os.devnull).open("w", encoding="utf-8") as discarded:
        console = Console(record=True, width=WIDTH, file=discarded)
        console.print(Text(f"$ {' '.join(command)}", "bold green"))
        for line in done.stdout.replace(str(ROOT), "~/template").splitlines():
            style = "bold" if line.startswith("== ") else "dim" if line.startswith("    ") else ""
            console.print(Text(line, style), no_wrap=True, overflow="ellipsis")
        console.save_svg(str(DOCS / "demo.svg"), title="make demo")


def docs_page() -> None:
    """Take a screenshot of the default service's documentation, one operation unfolded."""
    chromium = find("chromium")
    if chromium is None:
        sys.exit(f"chromium is not installed; run: {install_command(['chromium'])}")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        project = install(bake(Path(folder)))
        with Stack(project) as stack:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1100, "height": 760})
            page.goto(f"{stack.url}/docs/")
            page.locator(".opblock").first.wait_for()
            page.locator('[data-path="/v1/hello"]').click()
            page.get_by_role("button", name="Try it out").click()
            page.get_by_placeholder("name").wait_for()
            page.screenshot(path=DOCS / "page.png")
            browser.close()


if __name__ == "__main__":
    DOCS.mkdir(exist_ok=True)
    demo()
    docs_page()
