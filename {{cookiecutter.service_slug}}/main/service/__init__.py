"""What the service knows and can: plain functions on plain values, nothing of HTTP."""
