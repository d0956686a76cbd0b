"""Delete the sample, everything that only the sample needs, and this script.

`make delete-sample` runs it and formats the source.
"""

import re
from pathlib import Path

ENDPOINTS = ("hello", "pages", "primes")
SETTINGS = ("APP_HELLO_MAX_AGE", "APP_UPSTREAM_URLS")

endpoint, setting = ("|".join(names) for names in (ENDPOINTS, SETTINGS))
# Patterns of what to remove from files that stay. Each matches whole lines, or names in a list.
REMOVED = {
    "main/controller/__init__.py": rf"^    ({endpoint})(\.blueprint)?,\n|, ({endpoint})\b",
    "main/settings.py": rf'^    \w+: .+ = setting\(\n +"({setting})",\n( .+\n)+?    \)\n',
    ".env.example": rf"^({setting})=.*\n",
    "README.md": rf"^\| .*(/v1/({endpoint})|{setting}).*\n|^## Delete the sample\n((?!#).*\n)+",
    "Makefile": r"^\.PHONY: delete-sample\n(.+\n)+\n",
}


def main() -> None:
    """Delete files and edit others.

    The answer of the sample stays, because updates start from what the template rendered.
    """
    for name in ENDPOINTS:
        for pattern in (f"main/*/{name}.py", f"test/*/test_{name}*.py", f"test/*/{name}.json"):
            for path in Path().glob(pattern):
                path.unlink()
    resources = Path("test/resources")
    if resources.exists() and not any(resources.iterdir()):
        resources.rmdir()
    for file, pattern in REMOVED.items():
        remove(Path(file), pattern)
    Path(__file__).unlink()


def remove(path: Path, pattern: str) -> None:
    """Remove every match of the pattern in a file, if the team has kept it."""
    if not path.exists():
        return
    text = re.sub(pattern, "", path.read_text("utf-8"), flags=re.MULTILINE)
    path.write_text(text, "utf-8", newline="\n")


if __name__ == "__main__":
    main()
