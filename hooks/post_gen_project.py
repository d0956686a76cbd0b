"""Lay the folders of the chosen options over the project and remove those of the others."""

import json
from pathlib import Path

ANSWERS = json.loads(r"""{{ cookiecutter|tojson }}""")
OPTIONS = Path("_options")

# A choice without a folder adds nothing. Without OPTIONS the work is done: some tools that
# update projects run this again.
for option in OPTIONS.glob("*"):
    chosen = option / ANSWERS[option.name]
    for source in sorted(path for path in chosen.rglob("*") if path.is_file()):
        target = source.relative_to(chosen)
        target.parent.mkdir(parents=True, exist_ok=True)
        source.replace(target)

# Delete the content of a folder before the folder.
for path in sorted([OPTIONS, *OPTIONS.rglob("*")], reverse=True):
    if path.is_dir():
        path.rmdir()
    elif path.exists():
        path.unlink()
