"""Tests of main.util.web."""
