"""Tests of main.util.concurrency."""
