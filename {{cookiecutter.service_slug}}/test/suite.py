"""All tests as one `TestSuite`, from the ground up: `python -m test.suite`."""

import sys
import unittest

FOLDERS = ("test/util", "test/service", "test/controller")


def suite() -> unittest.TestSuite:
    """Return the tests of every folder; those of util first, since the others stand on it."""
    loader = unittest.TestLoader()
    return unittest.TestSuite(loader.discover(folder, top_level_dir=".") for folder in FOLDERS)


if __name__ == "__main__":
    sys.exit(not unittest.TextTestRunner(verbosity=2).run(suite()).wasSuccessful())
