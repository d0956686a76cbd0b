"""Files that are no code."""
