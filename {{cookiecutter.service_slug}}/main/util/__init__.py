"""Helpers from the template, independent of this service's business logic."""
