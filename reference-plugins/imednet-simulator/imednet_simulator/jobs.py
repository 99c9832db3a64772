"""Jobs: what becomes of a posted batch, one step for each look at it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

from imednet_simulator.columns import moment_text
from imednet_simulator.orders import Order
from imednet_simulator.store import Study
from imednet_simulator.writing import UnfitError, carry_out

SETTLES_AFTER = 0.5
CREATED, RUNNING, DONE, FAILED = "created", "running", "completed", "failed"


def _new_id() -> str:
    return str(uuid.uuid4())


@dataclass
class Job:
    """A batch on its way; moments in seconds since 1970, `error` is not shown on the wire."""

    orders: list[Order]
    created: float
    id: str = field(default_factory=_new_id)
    batch_id: str = field(default_factory=_new_id)
    state: str = CREATED
    started: float | None = None
    finished: float | None = None
    error: str | None = None

    @property
    def settled(self) -> bool:
        return self.state in (DONE, FAILED)

    def receipt(self) -> dict[str, str]:
        """What a POST answers."""
        return {"jobId": self.id, "batchId": self.batch_id, "state": self.state}

    def show(self) -> dict[str, str | None]:
        """What a look at the job answers."""
        dates = {
            "dateCreated": self.created,
            "dateStarted": self.started,
            "dateFinished": self.finished,
        }
        shown = {name: None if at is None else moment_text(at) for name, at in dates.items()}
        return {**self.receipt(), **shown}


class Jobs:
    """The jobs of a study: created, running, then completed or failed."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self.by_batch: dict[str, Job] = {}
        self._waiting: list[Job] = []

    def create(self, orders: list[Order], now: float) -> Job:
        job = Job(orders, now)
        self.by_batch[job.batch_id] = job
        self._waiting.append(job)
        return job

    def look(self, batch_id: str, now: float) -> Job | None:
        """The job, one step further than before."""
        job = self.by_batch.get(batch_id)
        if job is not None:
            self._step(job, now)
        return job

    def settle(self, now: float) -> None:
        """Bring every job to its end that has been around for half a second."""
        for job in list(self._waiting):
            while not job.settled and now - job.created > SETTLES_AFTER:
                self._step(job, now)

    def _step(self, job: Job, now: float) -> None:
        if job.state == CREATED:
            job.state, job.started = RUNNING, now
        elif job.state == RUNNING:
            self._finish(job, now)

    def _finish(self, job: Job, now: float) -> None:
        try:
            carry_out(self.study, job.orders, int(now))
        except UnfitError as problem:
            job.error = str(problem)
        job.state = FAILED if job.error else DONE
        job.finished = now
        self._waiting.remove(job)
