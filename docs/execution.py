"""Runs the notebooks that the cache lacks, one on each core, before Sphinx reads their pages.

Sphinx by itself would run them one after another.
"""

import json
import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from cells import WIDGET
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.executors.utils import single_nb_execution
from kernels import use_forks
from networks import keep_networks
from sphinx.errors import ExtensionError
from sphinx.util import logging

logger = logging.getLogger(__name__)
WIDGET_STATE = "application/vnd.jupyter.widget-state+json"


def is_cached(cache, nb):
    try:
        cache.match_cache_notebook(nb)
    except KeyError:
        return False
    return True


def uncached_notebooks(cache, files):
    "Return (file, notebook) of those that the cache lacks, the longest ones first."
    found = {file: nbformat.read(file, nbformat.NO_CONVERT) for file in files}
    uncached = [(file, nb) for file, nb in found.items() if not is_cached(cache, nb)]
    return sorted(uncached, key=lambda item: len(item[1].cells), reverse=True)


def shown_models(nb, states):
    "Return the ids of the widgets that outputs show, and of those that they consist of."
    outputs = [output for cell in nb.cells for output in cell.get("outputs", [])]
    shown = [output.data[WIDGET] for output in outputs if WIDGET in output.get("data", {})]
    pending = [view["model_id"] for view in shown]
    found = set()
    while pending:
        model = pending.pop()
        if model in states and model not in found:
            found.add(model)
            pending += re.findall(r"IPY_MODEL_(\w+)", json.dumps(states[model]["state"]))
    return found


def drop_hidden_widgets(nb):
    "Drop the state of widgets that no output shows: explorers carry their scripts."
    manager = nb.metadata.get("widgets", {}).get(WIDGET_STATE, {})
    states = manager.get("state", {})
    shown = shown_models(nb, states)
    manager["state"] = {model: state for model, state in states.items() if model in shown}


def execute(file, nb, timeout):
    "Run a notebook's kernel in its folder: the process has other notebooks in other threads."
    result = single_nb_execution(nb, cwd=str(file.parent), timeout=timeout, allow_errors=False)
    drop_hidden_widgets(result.nb)
    logger.info("%s ran in %.0f s", file.name, result.time)
    return result


def save_outputs(cache, results):
    "Add the notebooks that ran without an error to the cache."
    for file, result in results:
        if not result.err:
            seconds = {"execution_seconds": result.time}
            bundle = CacheBundleIn(result.nb, str(file), data=seconds)
            cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)


def run_notebooks(app, env, docnames):
    "Run the notebooks among the pages that Sphinx is about to read, and keep their outputs."
    cache = get_cache(env.mystnb_config.execution_cache_path)
    keep_networks(env.mystnb_config.execution_cache_path)
    paths = [Path(env.doc2path(name)) for name in docnames]
    notebooks = uncached_notebooks(cache, [path for path in paths if path.suffix == ".ipynb"])
    workers = os.cpu_count() or 1
    # Kernels inherit it. Two networks that each use all cores would wait for one another.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    # The exercises that the builder has done are not shown on the site.
    os.environ["XDG_DATA_HOME"] = str(Path(env.mystnb_config.execution_cache_path) / "data")
    if len(notebooks) > 1:
        use_forks()
    with ThreadPoolExecutor(workers) as pool:
        timeout = env.mystnb_config.execution_timeout
        runs = [(file, pool.submit(execute, file, nb, timeout)) for file, nb in notebooks]
    results = [(file, run.result()) for file, run in runs]
    save_outputs(cache, results)
    failures = [
        f"A cell of {file.relative_to(app.srcdir)} failed:\n{result.exc_string}"
        for file, result in results
        if result.err
    ]
    if failures:
        raise ExtensionError("\n".join(failures))
