"A row of the benchmark's table: the same work, timed in the usual way and with lesson7."

import gc
import statistics
import time
from dataclasses import dataclass, field


def quartiles(values):
    "Return the first quartile, the median and the third quartile."
    if len(values) < 2:
        return [values[0]] * 3
    return statistics.quantiles(values, n=4, method="inclusive")


def ratio_quartiles(over, under):
    "Return the quartiles of the ratios of times from the same round."
    return quartiles([a / b for a, b in zip(over, under)])


def show_quartiles(values, digits):
    "Return a median with its quartiles, such as `2.1 (2.0 to 2.4)`."
    low, median, high = [f"{value:.{digits}f}" for value in values]
    return f"{median} ({low} to {high})"


@dataclass
class Row:
    "Times of one kind of work, a number for each round, and limits of their ratios."

    work: str
    against: str  # the usual way to do the work; "" if there is none
    theirs: list  # times of the usual way
    ours: list  # times with lesson7
    unit: str = "ms"
    least: float = None  # smallest allowed theirs / ours
    bound_name: str = ""  # work that no implementation can leave out
    bound: list = field(default_factory=list)  # times of that work
    within: float = None  # largest allowed ours / bound
    note: str = ""
    holds: bool = True  # whether all other conditions are met

    @property
    def ratio(self):
        "Return the quartiles of theirs / ours; None without the usual way."
        return ratio_quartiles(self.theirs, self.ours) if self.theirs else None

    @property
    def of_bound(self):
        "Return the quartiles of ours / bound; None without a bound."
        return ratio_quartiles(self.ours, self.bound) if self.bound else None

    def missed(self):
        "Return whether the better quartile of a ratio is outside its limit."
        if self.least is not None and self.ratio[2] < self.least:
            return True
        if self.within is not None and self.of_bound[0] > self.within:
            return True
        return not self.holds

    def to_dict(self):
        "Return texts, quartiles of the times and ratios, for JSON."
        texts = ("work", "against", "unit", "least", "bound_name", "within", "note")
        values = {name: getattr(self, name) for name in texts}
        for name in ("theirs", "ours", "bound"):
            if times := getattr(self, name):
                values[name] = quartiles(times)
        ratios = dict(ratio=self.ratio, of_bound=self.of_bound)
        return values | ratios | dict(rounds=len(self.ours), missed=self.missed())

    def _compared(self):
        "Return a clause on the usual way."
        theirs = show_quartiles(quartiles(self.theirs), 2)
        least = f", at least {self.least:g}" if self.least else ""
        return f"{self.against} {theirs}, {show_quartiles(self.ratio, 1)} times as long{least}"

    def _bounded(self):
        "Return a clause on the bound."
        within = f", at most {self.within:g}" if self.within else ""
        return f"{show_quartiles(self.of_bound, 2)} times {self.bound_name}{within}"

    def __str__(self):
        mark = "MISSED " if self.missed() else ""
        ours = show_quartiles(quartiles(self.ours), 2)
        clauses = [f"{mark}{self.work}: {ours} {self.unit}"]
        if self.theirs:
            clauses.append(self._compared())
        if self.bound:
            clauses.append(self._bounded())
        if self.note:
            clauses.append(self.note)
        return "; ".join(clauses)


def milliseconds(run, per=1):
    "Return how long `run()` takes, for each of `per` items."
    gc.collect()
    start = time.perf_counter()
    run()
    return 1000 * (time.perf_counter() - start) / per


def time_rounds(count, *runs, per=1):
    "Return the times of each of `runs` in some rounds; a first round is not counted."
    for run in runs:
        run()
    times = [[] for _ in runs]
    for _ in range(count):
        for run_times, run in zip(times, runs):
            run_times.append(milliseconds(run, per))
    return times
