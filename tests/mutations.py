"""Change the package's code at sampled places, one at a time: a test must fail each time.

    python tests/mutations.py [group ...] [--count N] [--seed N]

cosmic-ray makes the changes, in the bodies of functions. No file is changed: the tests of a module
are collected once, and each change is tried in a fork of that process, where the functions get the
changed code. Of the tests, those run that reach the changed statement. A change that no test can
notice is listed in `EXPLAINED` with the reason, and not counted.
"""

import argparse
import ast
import gc
import os
import pickle
import signal
import sys
import threading
import time
import traceback
import zlib
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from types import CodeType, FunctionType

ROOT = Path(__file__).parents[1]
ONE_THREAD = dict(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", LOKY_MAX_CPU_COUNT="1")
UNUSED = {  # operators of cosmic-ray
    "VariableReplacer",  # needs a name
    "VariableInserter",
    "RemoveDecorator",  # no part of a body
    "ReplaceComparisonOperator_Eq_Is",  # the same for None, truth values, types, small numbers
    "ReplaceComparisonOperator_NotEq_IsNot",
    "ReplaceComparisonOperator_Is_Eq",
    "ReplaceComparisonOperator_IsNot_NotEq",
}
QUOTE = "[:"  # before the number of characters of a value that a message quotes
PYTEST = ["-q", "-n0", "-p", "no:cacheprovider", "-m", "not long and not slow"]
LIBRARIES = ["fastai.vision.all", "playwright.sync_api", "skimage.transform", "safetensors.torch"]
LONGEST = 6 * 3600  # seconds; a whole module
SLOW = 0.3  # seconds; slower tests run after the others
MOST_SECONDS = 30  # more than 5 times the tests' own


@dataclass(frozen=True)
class Group:
    "Modules, each with the tests that must notice a change of it."

    least: float  # share of the changes that they must notice
    count: int  # changes of each module
    tests: dict  # module -> names of tests/core/test_*.py


GROUPS = {
    "arithmetic": Group(
        0.97,
        30,
        {
            "smoothing": ["smoothing", "edges"],
            "mixup": ["mixup", "edges", "silent_numbers"],
            "normalize": ["normalize", "inputs", "image_intake", "silent_numbers"],
            "resize": ["resize", "fit_checks", "fit_ends"],
            "tta": ["tta", "inputs", "labels", "image_intake"],
        },
    ),
    "statistics": Group(
        0.97,
        30,
        {
            "measure": ["measure"],
            "training/comparison": ["comparison_rows", "arms", "statistics", "recipe"],
        },
    ),
    "intake": Group(
        0.97,
        30,
        {
            "data/images": ["image_intake", "inputs", "labels"],
            "data/labels": ["labels", "image_intake", "inputs"],
        },
    ),
    "share": Group(0.97, 60, {"share": ["share", "labels"]}),
    "checkers": Group(
        0.97,
        40,
        {
            "course/check": ["exercises", "check", "progress"],
            "course/tasks": ["exercises", "check"],
            "course/sandbox": ["sandbox", "check"],
        },
    ),
}

EXPLAINED = {  # module: the changed line and the reason why no test can notice it
    "course/check": {
        "return all(_is_close(a, b, task.atol) for a, b in zip(given, wanted, strict=True)) -> "
        "return all(_is_close(a, b, task.atol) for a, b in zip(given, wanted, strict=False))": (
            "an answer with another number of parts has been rejected before"
        ),
    },
    "course/sandbox": {
        "finished = True -> finished = False": "it is set twice, as an alarm may come between",
    },
    "normalize": {
        'require(count > 1, "number of pixels", "2 or more for a standard deviation", count) -> '
        'require(count != 1, "number of pixels", "2 or more for a standard deviation", count)': (
            "images without a pixel have been rejected before"
        ),
        "sums.start(x[0, :, 0, 0].numpy()) -> sums.start(x[0, :, -1, 0].numpy())": (
            "any pixel is right: its value is added again at the end"
        ),
    },
    "resize": {
        "epochs = np.array([s.epochs + (i > 0) for i, s in enumerate(stages)], dtype=float) -> "
        "epochs = np.array([s.epochs + (i != 0) for i, s in enumerate(stages)], dtype=float)": (
            "no index is below 0"
        ),
        'loss = rows[-1].get("valid_loss", 0.0) if rows else 0.0 -> '
        'loss = rows[-1].get("valid_loss", -1.0) if rows else 0.0': "any number is no NaN",
    },
    "smoothing": {
        "log_probs = exact.log_softmax(1).masked_fill(share == 0, 0)  # 0 times infinity is 0 -> "
        "log_probs = exact.log_softmax(1).masked_fill(share == 0, -1)  # 0 times infinity is 0": (
            "any finite number times a share of 0 is 0"
        ),
    },
}


# ---- Changes


@dataclass(frozen=True)
class Mutation:
    "One change of a module."

    line: int
    old: str  # the line, before and after
    new: str
    source: str  # the whole changed module

    @property
    def text(self):
        return f"{self.old} -> {self.new}"


def statements(source):
    "Return the lines of the bodies of functions: line -> first line of its statement."
    first_lines = {}
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, ast.FunctionDef):
            continue
        for node in (node for part in function.body for node in ast.walk(part)):
            if isinstance(node, ast.stmt):
                body = getattr(node, "body", None)
                last = max(node.lineno, body[0].lineno - 1) if body else node.end_lineno
                first_lines |= dict.fromkeys(range(node.lineno, last + 1), node.lineno)
    return first_lines


def all_operators(source):
    "Return the operators for each place in the body of a function: (operator, occurrence)."
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.operators.provider import OperatorProvider

    provider = OperatorProvider()
    nodes = list(ast_nodes(get_ast(source)))
    inside = statements(source)
    lines = source.splitlines()
    places = {}
    for name in sorted(set(provider) - UNUSED):
        operator = provider[name]()
        found = [place for node in nodes for place in operator.mutation_positions(node)]
        for occurrence, ((line, column), _) in enumerate(found):
            if line in inside and not lines[line - 1][:column].endswith(QUOTE):
                places.setdefault((line, column), []).append((operator, occurrence))
    return places


def sample(source, count, seed):
    """Return `count` mutations of a module, each at another place.

    A place is chosen by the text of its line: most stay when the module changes elsewhere.
    """
    from cosmic_ray.mutating import mutate_code

    places = all_operators(source)
    lines = source.splitlines()

    def number(place):
        line, column = place
        return zlib.crc32(f"{seed} {column} {lines[line - 1]}".encode())

    chosen = []
    for place in sorted(places, key=number)[:count]:
        operator, occurrence = places[place][number(place) % len(places[place])]
        changed = mutate_code(source, operator, occurrence)
        new = changed.splitlines()[place[0] - 1].strip()
        chosen.append(Mutation(place[0], lines[place[0] - 1].strip(), new, changed))
    return sorted(chosen, key=lambda mutation: mutation.line)


# ---- The changed code in place of the original


def function_codes(code):
    "Return the code of all functions in a code object: (name, first line) -> code."
    codes = {}
    for part in code.co_consts:
        if isinstance(part, CodeType):
            codes[part.co_name, part.co_firstlineno] = part
            codes |= function_codes(part)
    return codes


def module_functions(file):
    "Return all functions that were defined in a file."
    objects = (value for value in gc.get_objects() if type(value) is FunctionType)
    return [function for function in objects if function.__code__.co_filename == str(file)]


def replace_code(functions, source):
    "Give functions of a module the code that they have in another source."
    codes = function_codes(compile(source, functions[0].__code__.co_filename, "exec"))
    for function in functions:
        code = function.__code__
        function.__code__ = codes.get((code.co_name, code.co_firstlineno), code)


def with_marks(source):
    "Return a module as a tree in which each statement of a function adds its line to `_reached`."
    tree = ast.parse(source)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    nodes = {node for function in functions for node in ast.walk(function)}
    for node in nodes:
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            if isinstance(block, list):
                marked = [
                    [ast.parse(f"_reached.add({part.lineno})").body[0], part] for part in block
                ]
                setattr(node, name, [part for pair in marked for part in pair])
    return ast.fix_missing_locations(tree)


# ---- Runs


class MutationPlugin:
    "Tries mutations in place of pytest's loop over the tests."

    def __init__(self, module, mutations):
        self.module = module
        self.mutations = mutations
        self.survivors = []

    def pytest_runtestloop(self, session):
        self.functions = module_functions(self.module.__file__)
        gc.freeze()
        first_lines = statements(Path(self.module.__file__).read_text())
        runs = in_fork(partial(self.try_original, session), LONGEST)
        for mutation in self.mutations:
            tests = [run for run in runs if first_lines[mutation.line] in run[2]]
            indices = [index for index, _, _ in tests]
            seconds = MOST_SECONDS + 5 * sum(seconds for _, seconds, _ in tests)
            if in_fork(partial(self.passes, session, mutation, indices), seconds):
                self.survivors.append(mutation)
        return True

    def try_original(self, session):
        "Return the index of each test, its seconds, and the statements that it reaches."
        hide_progress(session)
        replace_code(self.functions, with_marks(Path(self.module.__file__).read_text()))
        found = []
        for index, item in enumerate(session.items):
            self.module._reached = set()
            start = time.monotonic()
            run_item(session, index, index + 1)
            assert not session.testsfailed, item.nodeid
            found.append((index, time.monotonic() - start, self.module._reached))
        return sorted(found, key=lambda run: run[1] > SLOW)

    def passes(self, session, mutation, indices):
        "Return whether these tests pass with the changed source."
        hide_progress(session)
        replace_code(self.functions, mutation.source)
        for index, following in zip(indices, [*indices[1:], None]):
            run_item(session, index, following)
            if session.testsfailed:
                return False
        return True


def run_item(session, index, following):
    "Run a test; the one that follows tells which fixtures stay."
    item = session.items[index]
    has_next = following is not None and following < len(session.items)
    nextitem = session.items[following] if has_next else None
    item.config.hook.pytest_runtest_protocol(item=item, nextitem=nextitem)


def hide_progress(session):
    "Let a fork print nothing about its tests."
    session.config.pluginmanager.unregister(name="terminalreporter")


def in_fork(function, seconds):
    "Return what a function returns in a fork of this process; None if it fails or takes longer."
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        try:
            with open(writer, "wb") as file:
                pickle.dump(function(), file)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)
    os.close(writer)
    timer = threading.Timer(seconds, os.killpg, (child, signal.SIGKILL))
    timer.start()
    with open(reader, "rb") as file:
        answer = file.read()
    timer.cancel()
    os.waitpid(child, 0)
    return pickle.loads(answer) if answer else None


def import_libraries():
    "Import what the tests need and no mutation changes, once for all forks."
    for name in LIBRARIES:
        import_module(name)
    import_module("torch").set_num_threads(1)


def try_module(module, tests, count, seed):
    "Return the mutations of a module, and those of them that no test notices."
    import pytest

    file = ROOT / "lesson7" / f"{module}.py"
    explained = EXPLAINED.get(module, {})
    chosen = sample(file.read_text(), count, seed)
    chosen = [mutation for mutation in chosen if mutation.text not in explained]
    imported = import_module(f"lesson7.{module.replace('/', '.')}")
    plugin = MutationPlugin(imported, chosen)
    files = [str(ROOT / "tests" / "core" / f"test_{name}.py") for name in tests]
    status = pytest.main([*PYTEST, *files], plugins=[plugin])
    if status != pytest.ExitCode.OK:
        raise RuntimeError(f"the tests of {module} ended with {status!r}")
    return len(chosen), plugin.survivors


def try_group(group, count, seed):
    "Return the share of a group's mutations that tests notice; print it, and the others."
    total = unnoticed = 0
    for module, tests in group.tests.items():
        start = time.monotonic()
        run = partial(try_module, module, tests, count or group.count, seed)
        n, survivors = in_fork(run, LONGEST)
        seconds = time.monotonic() - start
        print(f"{module}: {n - len(survivors)} of {n} noticed, {seconds:.0f} s", flush=True)
        for mutation in survivors:
            print(f"  line {mutation.line}: {mutation.text}", flush=True)
        total += n
        unnoticed += len(survivors)
    return 1 - unnoticed / total


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("groups", nargs="*", help=f"of {', '.join(GROUPS)}; none: all")
    parser.add_argument("--count", type=int, help="changes of each module")
    parser.add_argument("--seed", type=int, default=0, help="another number: other changes")
    args = parser.parse_args()
    os.environ.update(ONE_THREAD)
    import_libraries()
    too_low = []
    for name in args.groups or GROUPS:
        share = try_group(GROUPS[name], args.count, args.seed)
        print(f"{name}: {share:.1%} noticed; at least {GROUPS[name].least:.0%}", flush=True)
        if share < GROUPS[name].least:
            too_low.append(name)
    sys.exit(f"too few changes are noticed: {', '.join(too_low)}" if too_low else 0)


if __name__ == "__main__":
    main()
