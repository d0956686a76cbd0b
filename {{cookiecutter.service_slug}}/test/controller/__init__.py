"""Tests of main.controller."""
