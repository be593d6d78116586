"The command of a small study: a few trainings for each seed, one after the other."

import argparse
import json

import torch

from lesson7.data.files import write_atomically
from lesson7.data.hardware import best_device, machine
from studies.run import design_commit, read_design


def run_small_study(
    file,  # of the design
    description,  # of the study, for `--help`
    prepare,  # function of the design; returns data, and numbers of training and validation images
    run_seed,  # function of the design, the data and a seed; yields results, a dict each
):
    "Run a study with all seeds; the file has the results of each seed as soon as they are there."
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--out", required=True, help="JSON file of the results")
    out = parser.parse_args().out
    torch.set_num_threads(1)
    design, seeds = read_design(file)
    data, images = prepare(design)
    about = dict(commit=design_commit(file), machine=machine(best_device()))
    about |= dict(seeds=seeds, images=images)
    runs = []
    for seed in seeds:
        for run in run_seed(design, data, seed):
            print(json.dumps(run), flush=True)
            runs.append(run)
        write_atomically(out, json.dumps(dict(about=about, runs=runs), indent=1))
