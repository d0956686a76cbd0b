"""Serve the service with the issuer of the tests, and print a token with every scope."""

import os

from main.application import create_app
from test.issuer import every_scope, make_token

if __name__ == "__main__":
    app = create_app()
    print(make_token(*every_scope(app)), flush=True)
    app.run(port=int(os.environ.get("FLASK_RUN_PORT", "5000")))
