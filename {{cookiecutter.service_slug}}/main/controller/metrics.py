"""GET /metrics: the metrics, for Prometheus on the operations port."""

from flask import Blueprint, Response, abort, request
from prometheus_client import CONTENT_TYPE_LATEST

from main.util.observability import metrics

blueprint = Blueprint("metrics", __name__)


@blueprint.get("/metrics")
def export() -> Response:
    """Return all metrics to the operations port; to others, there is no such page."""
    # A parameter of the uwsgi protocol. Clients cannot set it: headers arrive as HTTP_….
    if "OPS_LISTENER" not in request.environ:
        abort(404)
    return Response(metrics.collect(), content_type=CONTENT_TYPE_LATEST)
