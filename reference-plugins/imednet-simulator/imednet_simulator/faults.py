"""Trouble on demand: refusals, broken answers and delays, at random or one by one."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from random import Random

RANDOM_KINDS = ("429", "500", "502", "503", "cut", "slow")
KINDS = (*RANDOM_KINDS, "html")


@dataclass(frozen=True)
class Fault:
    """What goes wrong: a status, `cut`, `slow` or `html`.

    `retry_after` (seconds) is sent with 429 and 503; `seconds` is how long `slow` takes.
    """

    kind: str
    retry_after: int = 0
    seconds: float = 0.5


class Faults:
    """Decides, request by request, what goes wrong.

    `rate` is the share of requests with a fault (0 none, 1 all), `limit` the number of requests
    answered in any one second (0: as many as come).
    """

    def __init__(self, rate: float = 0.0, limit: int = 0, seed: int = 1) -> None:
        self.rate, self.limit = rate, limit
        self._rng = Random(f"faults {seed}")
        self._planned: deque[Fault] = deque()
        self._served: deque[float] = deque()
        self._lock = threading.Lock()

    def plan(self, fault: Fault, times: int = 1) -> None:
        """The next `times` requests get this fault, before any that chance would bring."""
        if fault.kind not in KINDS:
            raise ValueError(f"no fault {fault.kind!r}; there are {', '.join(KINDS)}")
        self._planned.extend([fault] * times)

    def draw(self) -> Fault | None:
        """The fault of the request that just came in, if it gets one."""
        with self._lock:
            if self._planned:
                return self._planned.popleft()
            if self._over_limit(time.monotonic()):
                return Fault("429", retry_after=1)
            if self.rate and self._rng.random() < self.rate:
                kind = self._rng.choice(RANDOM_KINDS)
                return Fault(kind, self._rng.randint(0, 1), self._rng.uniform(0.2, 0.8))
            return None

    def _over_limit(self, now: float) -> bool:
        if not self.limit:
            return False
        while self._served and now - self._served[0] >= 1:
            self._served.popleft()
        if len(self._served) >= self.limit:
            return True
        self._served.append(now)
        return False
