"""What is served: thin classes that parse a request, call the service, shape the answer."""

from main.controller import health

BLUEPRINTS = (health.blueprint,)
