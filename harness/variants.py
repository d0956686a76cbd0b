"""Answers whose services differ in Python code, as parameters of tests."""

import pytest

from harness.project import CHOICES, all_pairs, label

# Its choices differ in the files of the pipelines only.
IGNORED = "ci"


def variants() -> list[object]:
    """Return answers in which each pair of choices occurs, as parameters.

    The default answers and one set for each other store are for `make test`, the others are
    `full`. Tests with answers of one store run in one worker.
    """
    pairs = all_pairs(*(option for option in CHOICES if option != IGNORED))
    quick = []
    for number, store in enumerate(CHOICES["cache_backend"]):
        of_store = [answers for answers in pairs if answers["cache_backend"] == store]
        # The first one has the default choices; the next stores have others.
        quick.append(of_store[number % len(of_store)])
    return [
        pytest.param(
            answers,
            id=f"{label(answers)}@{answers['cache_backend']}",
            marks=[] if answers in quick else pytest.mark.full,
        )
        for answers in pairs
    ]
