"""Bake, install, run, call and load services: shared by tests, tools and benchmarks.

Nothing here imports tests, tools or benchmarks.
"""
