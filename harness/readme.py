"""Shell commands and Python code in Markdown files."""

import re
from pathlib import Path

# A file that a document shows in full, its path in the first line.
SHOWN_FILE = re.compile(r"^```python\n# (\S+\.py)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def shell_blocks(path: Path) -> list[str]:
    """Return the commands of each `sh` block, without comments behind commands."""
    found = re.findall(r"^```sh\n(.*?)^```$", path.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return [re.sub(r" +#.*", "", block) for block in found]


def shell_block(path: Path, text: str) -> str:
    """Return the commands of the one `sh` block that contains `text`."""
    (found,) = (block for block in shell_blocks(path) if text in block)
    return found


def python_block(path: Path, text: str) -> str:
    """Return the one `python` block that contains `text`."""
    document = path.read_text("utf-8")
    blocks: list[str] = re.findall(r"^```python\n(.*?)^```$", document, re.M | re.S)
    (found,) = (block for block in blocks if text in block)
    return found


def write_shown_files(project: Path) -> int:
    """Write the files that the README of a service shows; return their number."""
    shown = SHOWN_FILE.findall((project / "README.md").read_text("utf-8"))
    for name, text in shown:
        (project / name).write_text(text, "utf-8")
    return len(shown)
