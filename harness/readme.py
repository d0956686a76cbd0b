"""Shell commands in Markdown files."""

import re
from pathlib import Path


def shell_blocks(path: Path) -> list[str]:
    """Return the commands of each `sh` block, without comments behind commands."""
    found = re.findall(r"^```sh\n(.*?)^```$", path.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return [re.sub(r" +#.*", "", block) for block in found]


def shell_block(path: Path, text: str) -> str:
    """Return the commands of the one `sh` block that contains `text`."""
    (found,) = (block for block in shell_blocks(path) if text in block)
    return found
