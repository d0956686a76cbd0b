"""Run a rendered service in containers: image, compose and pods."""
