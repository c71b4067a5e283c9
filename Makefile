# Edgeline's commands. `make` alone lists them; CONTRIBUTING.md says how the pieces fit.
#
# A fresh machine needs python3 (3.8 or later, with pip or venv), Python 3.11 and the package index; no compiler.
# Everything is installed into this folder: uv into .tools/ (unless the machine has it), the locked stack into .venv/.

PROFILE = quick
CONFIG  = configs/sentiment.yaml
DATA    =
ARGS    =
IMAGE   = edgeline:dev
ACCELERATOR = cpu
BENCHMARKS = compression startup training_throughput edge_inference quality growth pipeline_overhead data_plane

VENV    := $(or $(UV_PROJECT_ENVIRONMENT),.venv)
STAMP   := $(VENV)/.edgeline-setup
PEERS   := .venv-peers
SERVING := serving/.venv
SERVING_STAMP := $(SERVING)/.edgeline-setup
# Where the task's pushed models lie, and what of them there is.
TASK     = $(shell sed -n 's/^task: *\([^ ]*\).*/\1/p' '$(CONFIG)')
PUSHED   = runs/$(TASK)/pushed
LOCAL   := .tools/uv/bin/uv
# `uv --version` and not only `command -v`: a version manager's shim can be on the path with nothing behind it.
UV      := $(if $(shell uv --version 2>/dev/null),uv,$(LOCAL))
IN_VENV := $(UV) run --no-sync
# Packages that stand in this repository and not on an index.
OWN_PACKAGES := edge packages/pyfarmhash
# Whole files at a time, since tests of one file share a pipeline run; those that share one between files stay on one
# worker (tests/scheduling.py). The long ones, of tests/e2e, come first.
TWO_AT_A_TIME := -n 2 --dist loadfile --no-loadscope-reorder
TEST_TOOLS := $(IN_VENV) python -m tests.tools.fetch
RUNNER  := $(IN_VENV) python local_runner.py
# The interpreter for what must work before (or without) setup.
ANY_PYTHON := $(if $(wildcard $(VENV)/bin/python),$(VENV)/bin/python,python3)

# With it set, every process compiles 250 packages anew: imports take three times as long.
unexport PYTHONDONTWRITEBYTECODE
# A virtual environment that happens to be active is not this project's; without this, uv warns at each call.
unexport VIRTUAL_ENV

.DEFAULT_GOAL := help
.PHONY: help preflight setup run test test-fast test-unit faults test-tools lint format schema report summary runs \
	tensorboard nodes doctor clean distclean golden image image-check kfp-e2e bench-peers bench bench-report bench-test \
	serve serving-setup serving-test serving-lock

# The quick part of the doctor, before anything is downloaded or run; says nothing where all is well.
preflight:
	@$(ANY_PYTHON) -m pipeline.machine.doctor --quick || { printf '%s\n' '' \
		'This machine lacks something: see above. `make doctor` shows all that was looked at.' >&2; exit 1; }

help: ## List these commands
	@awk 'BEGIN { FS = ":.*## "; print "Usage: make COMMAND [NAME=value ...]\n\nCommands:" } \
		/^[a-z0-9-]+:.*## / { printf "  %-11s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@printf '\nValues, with their defaults:\n'
	@printf '  %-28s %s\n' 'PROFILE=$(PROFILE)' 'quick: minutes, a subsample; full: all rows, as for a release' \
		'CONFIG=$(CONFIG)' 'the task' \
		'DATA=$(DATA)' 'your own CSV in place of the data that the task names' \
		'ARGS=$(ARGS)' 'anything else for the command, e.g. ARGS="--set trainer.epochs=3"'

setup: $(STAMP) ## Install the locked stack into .venv (nothing to do when nothing changed)

run: $(STAMP) ## Run the pipeline, from rows to a blessed and pushed model
	$(RUNNER) run --profile '$(PROFILE)' --config '$(CONFIG)' $(if $(DATA),--data '$(DATA)') $(ARGS)

nodes: $(STAMP) ## Show the graph and what the cache holds of it
	$(RUNNER) nodes --profile '$(PROFILE)' --config '$(CONFIG)' $(ARGS)

runs: $(STAMP) ## List earlier runs
	$(RUNNER) runs --config '$(CONFIG)' $(ARGS)

tensorboard: $(STAMP) ## Show curves, hyperparameters and profile of the newest run; prints the address
	$(RUNNER) tensorboard --config '$(CONFIG)' $(ARGS)

report: $(STAMP) ## Open the report of the newest run in a browser
	$(RUNNER) report --config '$(CONFIG)' $(ARGS)

summary: $(STAMP) ## Show the summary of the newest run
	$(RUNNER) summary --config '$(CONFIG)' $(ARGS)

schema: $(STAMP) ## Infer a first draft of the schema of a new task
	$(RUNNER) schema --config '$(CONFIG)' $(if $(DATA),--data '$(DATA)') $(ARGS)

serve: $(SERVING_STAMP) ## Serve what the task pushed last, on KServe (ARGS="--port 8080 --log folder", see docs/serving.md)
	@test -d '$(PUSHED)' || { printf 'Nothing was pushed to $(PUSHED) yet: `make run` does.\n' >&2; exit 1; }
	$(SERVING)/bin/edgeline-serving $(foreach kind,server edge,$(if $(wildcard $(PUSHED)/$(kind)/latest),--$(kind) \
		'$(PUSHED)/$(kind)')) $(ARGS)

serving-setup: $(SERVING_STAMP) ## Install the server, from a lock of its own, into serving/.venv

serving-test: $(SERVING_STAMP) ## Run the server's tests in its environment (`make test` does so, too)
	cd serving && .venv/bin/python -m pytest $(ARGS)

serving-lock: $(STAMP) ## Renew serving/requirements.txt, the lock of serving/requirements.in
	$(UV) --directory serving pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade \
		--no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command 'make serving-lock' \
		requirements.in --output-file requirements.txt

# What cannot be fetched does not keep the other tests from running; CI refuses the skips (tests/tools/skips.py).
test: $(STAMP) ## Run all tests
	@$(TEST_TOOLS) || printf 'Tests that need it are skipped.\n' >&2
	@$(MAKE) --no-print-directory serving-setup || printf "The server's tests are skipped.\n" >&2
	$(IN_VENV) pytest $(TWO_AT_A_TIME) $(ARGS)

test-fast: $(STAMP) ## Run the tests that need no TensorFlow: a minute or so
	$(IN_VENV) pytest $(TWO_AT_A_TIME) --light -m 'not slow' $(ARGS)

test-unit: $(STAMP) ## Run the tests that take no pipeline run: minutes
	$(IN_VENV) pytest $(TWO_AT_A_TIME) -m 'not slow' $(ARGS)

faults: $(STAMP) ## Try every fault of docs/reliability.md, and write its table
	$(IN_VENV) python -m tests.tools.faults $(if $(ARGS),-- $(ARGS))

test-tools: $(STAMP) ## Fetch into .tools/ the programs that some tests need and the machine lacks; set up the server
	@$(TEST_TOOLS)
	@$(MAKE) --no-print-directory serving-setup

lint: $(STAMP) ## Check style, formatting and types
	$(IN_VENV) ruff check .
	$(IN_VENV) ruff format --check .
	$(IN_VENV) mypy

format: $(STAMP) ## Format the code and mend what can be mended
	$(IN_VENV) ruff check --fix-only --quiet .
	$(IN_VENV) ruff format .

doctor: ## Say what is wrong with this machine and how to mend it (ARGS=--online asks the index too)
	@$(ANY_PYTHON) -m pipeline.machine.doctor $(ARGS)

golden: $(STAMP) ## Write the reviewed specifications and the tables of the docs anew after a change; read their diff
	EDGELINE_UPDATE_GOLDEN=1 $(IN_VENV) pytest tests/unit/pipeline/kubeflow/compile/test_compile.py \
		tests/unit/pipeline/config/test_reference.py tests/unit/pipeline/test_nodes.py tests/unit/test_kubeflow_runner.py \
		-k 'reviewed or documentation' $(ARGS)
	git diff --stat -- tests/data/kubeflow docs/settings.md docs/design.md

image: ## Build the container image of all nodes (IMAGE=name:tag, ACCELERATOR=cpu or gpu)
	docker build --tag '$(IMAGE)' --build-arg ACCELERATOR='$(ACCELERATOR)' \
		$(if $(UV_DEFAULT_INDEX),--build-arg UV_DEFAULT_INDEX) .

image-check: $(STAMP) ## Do what the Dockerfile says in a folder, run a node there, add up the size; needs no Docker
	EDGELINE_FULL_IMAGE=1 $(IN_VENV) pytest tests/e2e/test_image.py $(ARGS)

kfp-e2e: $(STAMP) ## Execute both engines' specifications here, each node in a process of its own
	EDGELINE_EVERY_NODE_A_PROCESS=1 $(IN_VENV) pytest tests/e2e/test_kubeflow_execute.py \
		tests/e2e/test_multi_worker.py --timeout 3600 $(ARGS)

bench-peers: $(PEERS)/.edgeline-setup ## Install what the benchmarks compare with, from a lock of its own

bench: $(STAMP) $(PEERS)/.edgeline-setup ## Run all benchmarks on the latest `make run PROFILE=full`, write docs/benchmarks.md
	@set -e; for name in $(BENCHMARKS); do $(IN_VENV) python -m benchmarks.$$name $(ARGS); done
	$(IN_VENV) python -m benchmarks.report

bench-report: $(STAMP) ## Write docs/benchmarks.md from benchmarks/results/
	$(IN_VENV) python -m benchmarks.report

bench-test: $(STAMP) $(PEERS)/.edgeline-setup ## Test that the peers compute the same as we do
	$(IN_VENV) pytest benchmarks/tests $(ARGS)

clean: ## Delete runs/ (pushed models too) and tool caches; your cache of fetched data and weights stays
	rm -rf runs .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage build dist
	find . \( -name .git -o -path './$(VENV)' -o -name .venv -o -name .tools -o -name node_modules \) -prune \
		-o \( -name __pycache__ -o -name '*.egg-info' \) -type d -print0 | xargs -0 rm -rf

distclean: clean ## Delete .venv, .venv-peers and .tools as well
	rm -rf .venv .venv-peers .tools $(SERVING)

# KServe's set beside TensorFlow's: neither TFX nor a device can have it in its environment. Packages that the locked
# stack has as well come from uv's cache.
$(SERVING_STAMP): serving/requirements.txt serving/pyproject.toml edge/pyproject.toml | $(STAMP)
	@test -x $(SERVING)/bin/python || $(UV) venv --quiet --python $(VENV)/bin/python $(SERVING)
	@$(UV) pip sync --quiet --python $(SERVING) --require-hashes serving/requirements.txt && \
	$(UV) pip install --quiet --python $(SERVING) --no-deps --editable ./edge --editable ./serving || { \
		printf 'The server could not be installed: see above.\n' >&2; exit 1; }
	@touch $@

# pip and not uv: it takes a wheel of PyTorch from the machine's own folder of wheels where there is one.
$(PEERS)/.edgeline-setup: benchmarks/peers/requirements.txt | $(STAMP)
	$(VENV)/bin/python -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check -r benchmarks/peers/requirements.txt
	@touch $@

# `uv sync --locked` installs exactly uv.lock from the index that the lock names. Where an index of one's own is set in
# the environment, the same versions with the same hashes are taken from there. Nothing is compiled to bytecode: the
# first import of each module does that, and a run imports but a part of what is installed.
$(STAMP): pyproject.toml uv.lock .python-version $(OWN_PACKAGES:=/pyproject.toml) \
		| preflight $(if $(filter $(LOCAL),$(UV)),$(LOCAL))
ifeq ($(UV_DEFAULT_INDEX)$(UV_INDEX_URL),)
	@$(UV) sync --locked || { $(SETUP_FAILED); }
else
	@{ test -x $(VENV)/bin/python || $(UV) venv $(VENV); } && \
	$(UV) export --quiet --frozen --no-emit-local --output-file $(VENV)/requirements.lock.txt && \
	$(UV) pip sync --python $(VENV) --require-hashes $(VENV)/requirements.lock.txt && \
	$(UV) pip install --python $(VENV) --no-deps $(addprefix --editable ./,$(OWN_PACKAGES)) || { $(SETUP_FAILED); }
endif
	@touch $@

SETUP_FAILED = printf '%s\n' '' 'Setup failed. `make doctor` says what this machine lacks.' \
	'Behind a mirror: UV_DEFAULT_INDEX=<address of its simple index> make setup.' >&2; exit 1

# From the root folder, since pyenv obeys this project's .python-version and may not have that version yet.
$(LOCAL):
	@printf 'uv is not on this machine: installing it into .tools/\n'
	@target="$$PWD/.tools/uv"; rm -rf "$$target"; cd / && \
	if python3 -m pip --version >/dev/null 2>&1; then \
		python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --target "$$target" \
			'uv>=0.9,<1'; \
	else python3 -m venv "$$target" && \
		"$$target/bin/python" -m pip install --quiet --disable-pip-version-check 'uv>=0.9,<1'; fi \
	|| { rm -rf "$$target"; printf '%s\n' '' 'uv could not be installed: see above. It comes from the package index' \
		'(behind a mirror: PIP_INDEX_URL=<address of its simple index>); or install uv yourself.' >&2; exit 1; }
