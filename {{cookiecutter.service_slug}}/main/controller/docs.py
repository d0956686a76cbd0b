"""Docs: the page at /docs/, Swagger UI from local files under a strict policy.

nginx serves the files itself; here they are for `make run`.
"""

from importlib import resources
from pathlib import Path

import flask_swagger_ui
from flask import Blueprint, Response, abort, send_file

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

OWN = Path(str(resources.files("main.resources"))) / "docs"
SWAGGER_UI = Path(flask_swagger_ui.__file__).with_name("dist")

ASSETS = {
    "init.js": OWN,
    "docs.css": OWN,
    "swagger-ui-bundle.js": SWAGGER_UI,
    "swagger-ui.css": SWAGGER_UI,
    "favicon-32x32.png": SWAGGER_UI,
}

blueprint = Blueprint("docs", __name__, url_prefix="/docs")


@blueprint.get("/")
def page() -> Response:
    """Answer the page, whose script reads openapi.json beside it."""
    response = send_file(OWN / "index.html", max_age=0)
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    return response


@blueprint.get("/<name>")
def asset(name: str) -> Response:
    """Answer one of the page's files."""
    if name not in ASSETS:
        abort(404)
    return send_file(ASSETS[name] / name, max_age=3600)
