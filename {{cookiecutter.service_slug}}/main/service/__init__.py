"""Business logic: plain functions and dataclasses, independent of HTTP."""
