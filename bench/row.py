"A row of the bench: the same work done in the way of today and in ours, in one run, alternating."

import gc
import statistics
import time
from dataclasses import dataclass, field


def quartiles(values):
    "First quartile, median, third."
    if len(values) < 2:
        return [values[0]] * 3
    return statistics.quantiles(values, n=4, method="inclusive")


@dataclass
class Row:
    work: str  # what is done
    against: str  # what would be used today
    theirs: list  # times of it
    ours: list  # times of the same with lesson7
    unit: str = "ms"
    least: float = None  # theirs / ours is to be this much, or more
    bound_name: str = ""  # what no implementation can leave out
    bound: list = field(default_factory=list)
    within: float = None  # ours / bound is to be this much, or less
    note: str = ""  # what else was seen
    holds: bool = True  # what else is asked of it

    def ratios(self, over, under):
        return quartiles(
            [a / b for a, b in zip(over, under)]
        )  # of neighbours, so that a slow minute hits both

    def missed(self):
        "A figure is missed where the better quartile of the rounds misses it."
        slow = self.least is not None and self.ratios(self.theirs, self.ours)[2] < self.least
        far = self.within is not None and self.ratios(self.ours, self.bound)[0] > self.within
        return slow or far or not self.holds

    def to_dict(self):
        shown = {
            k: getattr(self, k)
            for k in ("work", "against", "unit", "least", "bound_name", "within", "note")
        }
        times = {
            k: quartiles(getattr(self, k)) for k in ("theirs", "ours", "bound") if getattr(self, k)
        }
        ratio = self.ratios(self.theirs, self.ours) if self.theirs else None
        return (
            shown
            | times
            | dict(
                ratio=ratio,
                of_bound=self.ratios(self.ours, self.bound) if self.bound else None,
                rounds=len(self.ours),
                missed=self.missed(),
            )
        )

    def __str__(self):
        d = self.to_dict()

        def said(q, digits=1):
            return f"{q[1]:.{digits}f} ({q[0]:.{digits}f} to {q[2]:.{digits}f})"

        parts = [f"{'MISSED ' if d['missed'] else ''}{self.work}: {said(d['ours'], 2)} {self.unit}"]
        if self.theirs:
            parts.append(
                f"{self.against} {said(d['theirs'], 2)}, {said(d['ratio'])} times as long"
                + (f", at least {self.least:g}" if self.least else "")
            )
        if self.bound:
            parts.append(
                f"{said(d['of_bound'], 2)} times {self.bound_name}"
                + (f", at most {self.within:g}" if self.within else "")
            )
        return "; ".join([*parts, *([self.note] if self.note else [])])


def timed(run, per=1):
    "Milliseconds that `run()` takes, for each of `per` things."
    gc.collect()
    start = time.perf_counter()
    run()
    return 1000 * (time.perf_counter() - start) / per


def rounds(n, *runs, per=1):
    "For each of `runs`, its times in `n` rounds; a round runs each once, after one that is not counted."
    for run in runs:
        run()
    return list(zip(*([timed(run, per) for run in runs] for _ in range(n))))
