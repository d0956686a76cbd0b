"""Keys: the issuer's public keys, kept in this process and refreshed before they expire."""

import math
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from time import monotonic
from typing import Any

from jwt import PyJWK

from main.util.http_client import UpstreamError, UpstreamUnavailable

# Seconds. Keys of this age are refreshed in the background.
REFRESH_AFTER = 600.0
# Seconds. Keys of this age have expired: the issuer may have withdrawn them.
MAX_AGE = 86400.0
# Seconds between two fetches, however many requests ask for unknown keys.
FETCH_INTERVAL = 30.0
# Seconds between two fetches while a worker has not got any key and refuses all tokens.
RETRY_INTERVAL = 1.0


class KeySet:
    """The keys that can verify signatures, each for one algorithm."""

    def __init__(self, keys: Iterable[dict[str, Any]], algorithms: Sequence[str]) -> None:
        self._keys: dict[tuple[str | None, str], PyJWK] = {}
        for key in keys:
            for algorithm in algorithms:
                if key.get("use", "sig") == "sig" and key.get("alg", algorithm) == algorithm:
                    # The key may be corrupt, or its type or curve wrong for the algorithm.
                    with suppress(Exception):
                        found = PyJWK(key, algorithm)
                        found.Algorithm.prepare_key(found.key)
                        self._keys[key.get("kid"), algorithm] = found

    def __len__(self) -> int:
        return len(self._keys)

    def find(self, key_id: str | None, algorithm: str) -> PyJWK | None:
        """Return the key with this id for this algorithm."""
        return self._keys.get((key_id, algorithm))


class Keys:
    """The current keys of an issuer: `fetch` returns them or raises an `UpstreamError`."""

    def __init__(self, fetch: Callable[[], KeySet], clock: Callable[[], float] = monotonic) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._key_set: KeySet | None = None
        self._fetched_at = self._tried_at = -math.inf
        self._error: UpstreamError | None = None

    def current(self) -> KeySet:
        """Return the keys, which are fetched if there are none or they have expired.

        Raises `UpstreamUnavailable` if the issuer does not provide them.
        """
        keys, age = self._key_set, self._clock() - self._fetched_at
        if age >= MAX_AGE:
            self._key_set = None
            keys = self.refresh()
        elif age >= REFRESH_AFTER and self._may_fetch() and not self._lock.locked():
            threading.Thread(target=self.refresh, daemon=True).start()
        if keys is None:
            raise UpstreamUnavailable(f"no keys of the issuer: {self._error}")
        return keys

    def refresh(self) -> KeySet | None:
        """Fetch the keys, unless that was tried a moment ago; return the current ones."""
        with self._lock:
            if self._may_fetch():
                self._tried_at = self._clock()
                try:
                    self._key_set, self._error = self._fetch(), None
                    self._fetched_at = self._clock()
                except UpstreamError as error:
                    self._error = error
            return self._key_set

    def check(self) -> None:
        """Raise an `UpstreamError` if the issuer did not provide its keys when asked last."""
        self.refresh()
        if self._error is not None:
            raise UpstreamUnavailable(str(self._error))

    def _may_fetch(self) -> bool:
        interval = RETRY_INTERVAL if self._key_set is None else FETCH_INTERVAL
        return self._clock() - self._tried_at >= interval
