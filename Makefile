# Every target does the set-up it needs by itself. `make run` and `make test` are all a new user needs.
SHELL := /bin/bash
.DEFAULT_GOAL := help
VENV := .venv
PYTHON := $(VENV)/bin/python
AZURITE := tests/azurite/node_modules/.bin/azurite-blob
ROOMS := sillage lake metrics transforms orchestration dashboard simulator bench
PLOTLY := dashboard/plotly/node_modules/plotly.js-cartesian-dist-min/plotly-cartesian.min.js
CHROMIUM := $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)
# Tests run in as many processes as there are cores.
WORKERS ?= auto

.PHONY: help setup run dagster test check bench format dictionary lock clean

help: ## Show the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: $(VENV)/.ready $(PLOTLY) ## Set up the Python environment in .venv

$(VENV)/.ready: requirements-dev.txt pyproject.toml
	@command -v python3 >/dev/null || { echo "Sillage needs Python 3.11 or newer; python3 was not found."; exit 1; }
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Sillage needs Python 3.11 or newer; python3 is $$(python3 --version)."; exit 1; }
	@python3 -c 'import venv, ensurepip' 2>/dev/null \
	  || { echo "Python's venv module is missing. On Debian or Ubuntu: sudo apt-get install python3-venv"; exit 1; }
	@echo "Setting up Python packages in $(VENV) (once, about half a minute) …"
	@python3 -m venv $(VENV)
	@$(PYTHON) -m pip install -qq --disable-pip-version-check uv
	@$(VENV)/bin/uv pip install --quiet --python $(PYTHON) -r requirements-dev.txt
	@$(VENV)/bin/uv pip install --quiet --python $(PYTHON) --no-deps --editable .
	@touch $@

# A third of Plotly is enough for the pages. Without npm, or without a network, the whole of it is sent.
$(PLOTLY): dashboard/plotly/package.json
	@if command -v npm >/dev/null; then \
	  npm install --silent --no-audit --no-fund --no-package-lock --ignore-scripts --prefix dashboard/plotly && touch $@ \
	  || echo "The smaller Plotly could not be fetched; the pages work with the whole of it."; fi

run: setup ## Simulate a fleet, land it, build the KPIs and serve the dashboard
	@$(VENV)/bin/sillage demo

dagster: setup ## Open Dagster's own page on the assets, schedules and sensors
	@mkdir -p .dagster && cp orchestration/dagster.yaml .dagster/dagster.yaml
	@DAGSTER_HOME=$(CURDIR)/.dagster $(VENV)/bin/dagster dev -m orchestration.definitions -h 127.0.0.1

test: setup check azurite chromium ## Check and test everything
	@$(PYTHON) -m pytest -q -n $(WORKERS) --dist worksteal

check: setup ## Lint, types, import contracts, SQL style
	@echo "Checking style, types, import contracts and SQL …"
	@$(VENV)/bin/ruff check --quiet .
	@$(VENV)/bin/ruff format --quiet --check . || { echo "Run: make format"; exit 1; }
	@$(VENV)/bin/mypy --no-error-summary $(ROOMS)
	@$(VENV)/bin/lint-imports --no-logo 2>&1 | grep -vE '^$$' | tail -n 3
	@$(VENV)/bin/lint-imports >/dev/null
	@$(VENV)/bin/sqlfluff lint --quiet --disable-progress-bar sql

format: setup ## Format Python and SQL
	@$(VENV)/bin/ruff check --quiet --fix . ; $(VENV)/bin/ruff format --quiet . ; $(VENV)/bin/sqlfluff fix --quiet sql

bench: setup ## Measure the main paths against bare DuckDB and write docs/performance.md
	@$(PYTHON) -m bench

dictionary: setup ## Write docs/data-dictionary.md from the contracts
	@$(PYTHON) -m sillage.dictionary > docs/data-dictionary.md

lock: setup ## Write the locked requirements anew
	@$(VENV)/bin/uv lock --quiet
	@$(VENV)/bin/uv export --quiet --no-emit-project --no-dev --no-header --output-file requirements.txt
	@$(VENV)/bin/uv export --quiet --no-emit-project --no-header --output-file requirements-dev.txt

clean: ## Remove the environment, caches and the demo lake
	@rm -rf $(VENV) tests/azurite/node_modules dashboard/plotly/node_modules .dagster .mypy_cache .ruff_cache .pytest_cache .import_linter_cache \
	  .hypothesis .sillage-cache lake-data *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: azurite chromium
azurite: $(AZURITE)

$(AZURITE): tests/azurite/package.json
	@if command -v npm >/dev/null; then \
	  echo "Setting up Azurite, the Azure Storage emulator of the tests (once) …"; \
	  npm install --silent --no-audit --no-fund --no-package-lock --prefix tests/azurite && touch $@; \
	else echo "Node.js is missing, so tests against Azure Storage are skipped. On Debian: sudo apt-get install nodejs npm"; fi

chromium:
	@test -n "$(CHROMIUM)" \
	  || echo "Chromium is missing, so tests of the pages are skipped. On Debian: sudo apt-get install chromium"
