"""`make bench`: each row the same work done by what a learner would use today and by lesson7, in one run, alternating.

Prints a table, writes JSON (the page on speed is drawn from it), and ends with 1 where a row misses its figure by more than its spread.
Not a test: a time is a measurement, not a promise.
"""
import json, os, platform, subprocess, sys, tempfile, time, warnings
from pathlib import Path

warnings.filterwarnings("ignore")
os.environ.setdefault("XDG_CACHE_HOME", tempfile.mkdtemp())  # a cache of its own, cold at the start

import bench_growth, bench_paint, bench_work
from lesson7.data import machine
from lesson7.files import write_whole


def rows(large):
    yield bench_work.whole_course()
    yield from bench_work.imports()
    yield bench_work.statistics()
    yield bench_work.tta_large(large)
    yield bench_work.an_epoch(large)
    yield bench_work.tta_small()
    yield from bench_paint.slider_to_paint()

def main(out="build/bench.json"):
    start, done = time.perf_counter(), []
    large = bench_work.large_photos(Path(tempfile.mkdtemp()))
    for row in rows(large):
        done.append(row)
        print(row, flush=True)
    growth = dict(views=bench_growth.over_views(bench_work.learner(bench_work.lessons_dls(large, 64, 128))),
                  pictures=bench_growth.over_pictures(), explorers=bench_growth.over_explorers())
    print(json.dumps(growth, indent=1))
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    about = dict(machine=machine("cpu"), system=platform.platform(), date=time.strftime("%Y-%m-%d"), commit=commit, minutes=round((time.perf_counter() - start)/60, 1))
    Path(out).parent.mkdir(exist_ok=True)
    write_whole(out, json.dumps(dict(format=1, about=about, rows=[r.to_dict() for r in done], growth=growth), indent=1))
    memory = [growth["pictures"][20_000][k] - growth["pictures"][1000][k] for k in ("stats_mb", "first_mb", "again_mb")]
    print(f"{about['minutes']} minutes. Largest memory from 1,000 to 20,000 pictures: {', '.join(f'{m:+.0f} MB' for m in memory)}; at most +50.")
    missed = [r.work for r in done if r.missed()] + ["memory"]*(max(memory) > 50)
    print("Missed: " + "; ".join(missed) if missed else "Every row reaches its figure.")
    return bool(missed)


if __name__ == "__main__": sys.exit(main())
