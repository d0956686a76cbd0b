"""Tests of main.util.observability."""
