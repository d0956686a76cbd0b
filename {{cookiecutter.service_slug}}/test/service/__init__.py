"""Tests of main.service."""
