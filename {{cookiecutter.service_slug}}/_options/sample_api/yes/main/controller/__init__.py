"""Controllers: parse a request, call one service function, shape the response."""

from main.controller import docs, health, hello, metrics, pages, primes

# The API, described in /docs/openapi.json.
API_BLUEPRINTS = (
    health.blueprint,
    hello.blueprint,
    pages.blueprint,
    primes.blueprint,
)

# Endpoints that the document leaves out.
OTHER_BLUEPRINTS = (docs.blueprint, metrics.blueprint)
