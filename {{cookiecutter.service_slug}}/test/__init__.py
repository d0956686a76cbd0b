"""The tests: what the service promises, as unittest's cases; run by pytest or by unittest."""
