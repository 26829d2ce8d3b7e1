# Every target sets up .venv by itself: no root, no Docker, no server. `make help` lists them.

VENV := .venv
RUN  := $(VENV)/bin/python -m
PORT ?= 8000
ARGS ?=
# The tests that go together run in one process (tests/distribution.py); more than four would wait for each other.
PROCESSES := -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help demo test check docs format bench lock clean

help: ## List the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1	\2/p' Makefile | expand -t 16

demo: $(VENV)/.ready ## Run site, worker and server side by side (PORT=8000); Ctrl-C stops them
	@$(RUN) example_site.demo --port $(PORT)

test: $(VENV)/.ready ## Run the tests (ARGS="tests/unit -k topic" for some, ARGS="-n 0 -s" in one process)
	$(RUN) pytest $(PROCESSES) $(ARGS)

check: $(VENV)/.ready ## Check format, lint, types and the import layers
	$(RUN) ruff format --check .
	$(RUN) ruff check .
	$(RUN) mypy
	$(VENV)/bin/basedpyright
	$(RUN) pytest -q tests/test_architecture.py

docs: $(VENV)/.ready ## Build the documentation site, docs/_build/index.html
	$(RUN) sphinx -W --keep-going -q -b html docs docs/_build
	@echo "Open docs/_build/index.html"

format: $(VENV)/.ready ## Format the code and fix what the linter can
	$(RUN) ruff format .
	$(RUN) ruff check --fix .

bench: $(VENV)/.ready ## Run the benchmarks, one table in the end (ARGS="fan_out imports" for some)
	@$(RUN) tests.benchmarks $(ARGS)

lock: $(VENV)/.ready ## Write requirements.lock anew from pyproject.toml
	$(VENV)/bin/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header \
		--python-version 3.11 --all-extras --group demo --group dev pyproject.toml -o requirements.lock

clean: ## Remove the environment, all caches and the demo's data
	rm -rf $(VENV) .uv dist build docs/_build .pytest_cache .mypy_cache .ruff_cache .hypothesis example_site/var
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.ready: requirements.lock pyproject.toml tools/set-up
	@tools/set-up $(VENV)
	@touch $@
