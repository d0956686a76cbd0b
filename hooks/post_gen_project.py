"""Copy the files of the chosen options into the project, and delete the folder of options.

Then print the next commands.
"""

import json
import sys
from io import TextIOWrapper
from pathlib import Path

ANSWERS = json.loads(r"""{{ cookiecutter|tojson }}""")
OPTIONS = Path("_options")

# auth+sample_api/jwt+yes is the folder of a pair of choices. A choice without a folder adds
# nothing. Without OPTIONS the work is done: some tools that update projects run this again.
for option in OPTIONS.glob("*"):
    chosen = option / "+".join(ANSWERS[name] for name in option.name.split("+"))
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

# cookiecutter sets this for a new project; tools that update one do not.
if "_output_dir" in ANSWERS:
    folder = str(Path.cwd())
    if " " in folder:
        folder = f'"{folder}"'
    # Updates and pre-commit need a repository. That of a parent folder will do.
    repository = ""
    if not any((each / ".git").exists() for each in (Path.cwd(), *Path.cwd().parents)):
        repository = " && git init --quiet"
    required = ""
    if ANSWERS["auth"] == "jwt":
        required = "\n  cp .env.example .env  # set APP_AUTH_ISSUER and APP_AUTH_AUDIENCE in it"
    if isinstance(sys.stdout, TextIOWrapper):
        # The console's encoding may lack a character of the path.
        sys.stdout.reconfigure(errors="replace")
    print(
        f"""
{ANSWERS["service_slug"]} is ready. Next:

  cd {folder}{repository}
  make test    # install the locked packages and run the tests{required}
  make run     # serve on http://127.0.0.1:5000 until Ctrl-C; the API is documented at /docs/

README.md continues from there. Commit the service to Git before you change it: updates of the
template start at the first commit.
"""
    )
