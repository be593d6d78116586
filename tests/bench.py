"""`make bench`: each row the same work done by what a learner would use today and by lesson7, in one run, alternating.

Prints a table, writes JSON (the page on speed is drawn from it), and ends with 1 where a row misses its figure by more than its spread.
Not a test: a time is a measurement, not a promise.
"""
import json, os, platform, subprocess, sys, tempfile, time, warnings
from argparse import ArgumentParser
from pathlib import Path

warnings.filterwarnings("ignore")
os.environ.setdefault("XDG_CACHE_HOME", tempfile.mkdtemp())  # a cache of its own, cold at the start

import bench_growth, bench_paint, bench_work
from lesson7.data import machine
from lesson7.files import write_whole


RESULTS = Path(__file__).parents[1]/"nbs"/"results"/"bench.json"
PARTS = {  # each gives rows; those that need large photos take their folder
    "course": lambda large: [bench_work.whole_course()],
    "imports": lambda large: bench_work.imports(),
    "statistics": lambda large: [bench_work.statistics()],
    "memory": lambda large: [bench_work.memory_kept()],
    "large": lambda large: [bench_work.tta_large(large), bench_work.an_epoch(large)],
    "small": lambda large: [bench_work.tta_small()],
    "paint": lambda large: bench_paint.slider_to_paint(),
}

def growth(large):
    return dict(views=bench_growth.over_views(bench_work.learner(bench_work.lessons_dls(large, 64, 128))),
                pictures=bench_growth.over_pictures(), explorers=bench_growth.over_explorers())

def main(out="build/bench.json"):
    parser = ArgumentParser(description="Measure; with names, only these parts anew, beside what is there.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}, growth (default: all)")
    wanted = parser.parse_args().parts or [*PARTS, "growth"]
    start, large = time.perf_counter(), bench_work.large_photos(Path(tempfile.mkdtemp()))
    done = json.loads(RESULTS.read_text())
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    when = dict(date=time.strftime("%Y-%m-%d"), commit=commit)
    for part in (p for p in PARTS if p in wanted):
        done["rows"] = [r for r in done["rows"] if r["part"] != part]
        for row in PARTS[part](large):
            done["rows"].append(dict(part=part, **when, **row.to_dict()))
            print(row, flush=True)
    if "growth" in wanted: done["growth"] = growth(large)
    done["rows"].sort(key=lambda r: [*PARTS].index(r["part"]))
    minutes = round((time.perf_counter() - start)/60, 1)
    done["about"] = dict(machine=machine("cpu"), system=platform.platform(), **when, minutes=minutes if len(wanted) > len(PARTS) else done["about"].get("minutes"))
    Path(out).parent.mkdir(exist_ok=True)
    write_whole(out, json.dumps(done, indent=1))
    memory = [done["growth"]["pictures"]["20000"][k] - done["growth"]["pictures"]["1000"][k] for k in ("stats_mb", "first_mb", "again_mb")]
    print(f"{minutes} minutes. Largest memory from 1,000 to 20,000 pictures: {', '.join(f'{m:+.0f} MB' for m in memory)}; at most +50.")
    missed = [r["work"] for r in done["rows"] if r["missed"]] + ["memory"]*(max(memory) > 50)
    print("Missed: " + "; ".join(missed) if missed else "Every row reaches its figure.")
    return bool(missed)


if __name__ == "__main__": sys.exit(main())
