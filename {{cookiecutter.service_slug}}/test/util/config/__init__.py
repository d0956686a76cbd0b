"""Tests of main.util.config."""
