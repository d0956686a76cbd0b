"""Controllers: parse a request, call one service function, shape the response."""

from main.controller import docs, health, metrics

# The API, described in /docs/openapi.json.
API_BLUEPRINTS = (health.blueprint,)

# Endpoints that the document leaves out.
OTHER_BLUEPRINTS = (docs.blueprint, metrics.blueprint)
