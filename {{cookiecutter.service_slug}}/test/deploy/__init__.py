"""Tests of deploy/: the entry point of the stack."""
