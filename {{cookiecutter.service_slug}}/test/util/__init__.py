"""Tests of main.util."""
