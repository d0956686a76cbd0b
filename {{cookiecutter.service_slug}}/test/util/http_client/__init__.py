"""Tests of main.util.http_client."""
