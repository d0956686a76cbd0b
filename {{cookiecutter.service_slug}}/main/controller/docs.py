"""Docs: the page at /docs/, which is Swagger UI from local files under a strict policy."""

from importlib import resources
from pathlib import Path

import flask_swagger_ui
from flask import Blueprint, Response, abort, redirect, send_file
from werkzeug.wrappers import Response as BaseResponse

# Behind nginx, its own policy for /docs/ replaces this one: see deploy/nginx.conf.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

DOCS_DIR = Path(str(resources.files("main.resources"))) / "docs"
SWAGGER_UI_DIR = Path(flask_swagger_ui.__file__).with_name("dist")

# Seconds for which nginx and browsers keep the files of the page.
MAX_AGE = 3600
ASSETS = {
    "init.js": DOCS_DIR,
    "docs.css": DOCS_DIR,
    "swagger-ui-bundle.js": SWAGGER_UI_DIR,
    "swagger-ui.css": SWAGGER_UI_DIR,
    "favicon-32x32.png": SWAGGER_UI_DIR,
}

blueprint = Blueprint("docs", __name__)


@blueprint.get("/")
@blueprint.get("/docs")
def redirect_to_page() -> BaseResponse:
    """Redirect to the page, by a path that is relative to both / and /docs."""
    return redirect("docs/")


@blueprint.get("/docs/")
def page() -> Response:
    """Return the page, whose script reads openapi.json beside it."""
    response = send_file(DOCS_DIR / "index.html")
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    return response


@blueprint.get("/docs/<name>")
def asset(name: str) -> Response:
    """Return a file of the page."""
    if name not in ASSETS:
        abort(404)
    response = send_file(ASSETS[name] / name, max_age=MAX_AGE)
    # Cache-Control says the same.
    del response.headers["Expires"]
    return response
