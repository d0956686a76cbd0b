"""The table of the README, which repeats the most important rows of RESULTS.md."""

from pathlib import Path

from benchmarks.results import Row, markdown

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "RESULTS.md"
README = FOLDER.parent / "README.md"
START, END = "<!-- results -->\n", "<!-- /results -->\n"
MEASUREMENTS = (
    "bake",
    "make test of a service",
    "GET /v1/hello",
    "GET /v1/hello, micro-cached",
    "hit, memory",
    "GET /v1/hello, container",
    "99th percentile, container",
    "memory under load, container",
)


def summary(results: str) -> str:
    """Return the table of the chosen rows of RESULTS.md."""
    rows = [line.strip("|\n ").split(" | ") for line in results.splitlines() if line[:1] == "|"]
    chosen = [row for row in rows if row[0] in MEASUREMENTS and len(row) == len(Row.HEAD)]
    return markdown([list(Row.HEAD), *chosen]) + "\n"


def update() -> None:
    """Replace the table of the README."""
    before, _, rest = README.read_text("utf-8").partition(START)
    _, _, after = rest.partition(END)
    table = summary(RESULTS.read_text("utf-8"))
    README.write_text(f"{before}{START}{table}{END}{after}", "utf-8")
