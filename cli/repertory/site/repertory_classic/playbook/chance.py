"""Time and chance, the same in every attempt of a run: else a run that goes on after a pause would take another way than before.

Classic code asks Python itself. What it is told comes from the record of the run: the time as it was when it was first asked, and
random numbers that follow from the run, or from the seed where it is simulated.
"""

from __future__ import annotations

import datetime
import random
import time
import uuid
from collections.abc import Callable
from typing import Any, List, Optional

from repertory_classic.playbook.engine import Engine


def install(engine: Engine) -> None:
    """Put it in the place of what Python would say, in this process."""

    def now() -> float:
        return float(engine.record("now"))

    class Moment(datetime.datetime):
        """A time that is asked for by the record."""

        @classmethod
        def now(cls, tz: Optional[datetime.tzinfo] = None) -> Any:
            return cls.fromtimestamp(now(), tz)

        @classmethod
        def utcnow(cls) -> Any:
            return cls.fromtimestamp(now(), datetime.timezone.utc).replace(tzinfo=None)

        @classmethod
        def today(cls) -> Any:
            return cls.fromtimestamp(now())

    class Day(datetime.date):
        """A day that is asked for by the record."""

        @classmethod
        def today(cls) -> Any:
            return cls.fromtimestamp(now())

    vars(datetime).update(datetime=Moment, date=Day)
    vars(time)["time"] = now
    random.seed(str(engine.prepared.get("chance") or f"run {engine.run}"))
    vars(random).update(sample=_sample(random.sample))
    vars(uuid).update(uuid4=_number, uuid1=_number)


def _sample(sample: Callable[..., List[Any]]) -> Callable[..., List[Any]]:
    """Of sets too, as Python had it until 3.10; in an order that is the same in every process."""

    def of_anything(population: Any, k: int, **more: Any) -> List[Any]:
        return sample(sorted(population, key=repr) if isinstance(population, (set, frozenset)) else population, k, **more)

    return of_anything


def _number(*_given: Any) -> uuid.UUID:
    return uuid.UUID(int=random.getrandbits(128), version=4)
