"""Applications and clients that the tests run inside or beside a rendered service."""
