"""pytest imports this file first: an error of the package `test` is shown once."""
