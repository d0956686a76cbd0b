"""Serve the service with the issuer of the tests, and print a token.

Arguments are its scopes. Without them, it has every scope.
"""

import os
import sys

from main.application import create_app
from test.issuer import every_scope, make_token

if __name__ == "__main__":
    app = create_app()
    print(make_token(*(sys.argv[1:] or every_scope(app))), flush=True)
    app.run(port=int(os.environ.get("FLASK_RUN_PORT", "5000")))
