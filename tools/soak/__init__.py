"""A service under load and in trouble for a while, and whether it stays as it was: `make soak`."""
