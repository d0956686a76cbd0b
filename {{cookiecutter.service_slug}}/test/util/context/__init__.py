"""Tests of main.util.context."""
