"""Lay the folders of the chosen options over the project and remove those of the others."""

import json
import os
import shutil

ANSWERS = json.loads(r"""{{ cookiecutter|tojson }}""")
OPTIONS = "_options"

# Tools that update projects run this again, when there is nothing left to do.
if os.path.isdir(OPTIONS):
    for option in sorted(os.listdir(OPTIONS)):
        chosen = os.path.join(OPTIONS, option, ANSWERS[option])
        # A choice without a folder adds nothing.
        if os.path.isdir(chosen):
            shutil.copytree(chosen, ".", dirs_exist_ok=True)
    shutil.rmtree(OPTIONS)
