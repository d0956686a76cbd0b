"""Tests of main.util.cache."""
