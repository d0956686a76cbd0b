"""Fake servers that rendered services and pipelines talk to."""
