"""Context: the id, the trace and the deadline of the current request, and their propagation."""

from main.util.context import deadline
from main.util.context.propagation import PropagatedContext
from main.util.context.request_id import REQUEST_ID_HEADER, current_request_id, start_request_id
from main.util.context.trace import current_trace, start_trace
