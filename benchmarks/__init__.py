"""Measure the template and its services beside their alternatives: `make bench`."""
