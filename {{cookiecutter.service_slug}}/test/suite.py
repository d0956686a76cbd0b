"""All tests as one `TestSuite`: `python -m test.suite` runs them."""

import sys
import unittest


def suite() -> unittest.TestSuite:
    """Return every test of the service."""
    return unittest.TestLoader().discover("test", top_level_dir=".")


if __name__ == "__main__":
    sys.exit(not unittest.TextTestRunner(verbosity=2).run(suite()).wasSuccessful())
