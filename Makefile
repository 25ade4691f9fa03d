# Everything one needs to type. Linux and macOS with Python 3.11-3.13.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
.DELETE_ON_ERROR:

ROOT := $(patsubst %/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))
VENV := .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest
WORKERS ?= 2

# The checks need settings, but no service: no secret of their own, and their files stay out of var/.
CHECK := DEBUG=1 DATA_DIR=$(VENV)/checks
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --require-hashes
# Domain tests touch no database, and `serve` has one way to run: both are done once, on SQLite.
ONCE := --ignore=tests/domain --ignore=tests/upgrade --ignore=tests/house/test_serve.py --ignore=tests/house/test_settings.py
CHROMIUM ?= $(shell command -v chromium || command -v chromium-browser || command -v google-chrome \
	|| ls "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" 2>/dev/null)
export CHROMIUM

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# --- environment: a stamp file per set of requirements, so that the second start is instant ---------------------

$(BIN)/python:
	@for name in python3.11 python3.12 python3.13 python3; do \
		if "$$name" -c 'import ensurepip, sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then \
			echo "Making $(VENV) with $$("$$name" --version)."; exec "$$name" -m venv $(VENV); \
		fi; \
	done; \
	echo "Python 3.11, 3.12 or 3.13 with its venv module is needed, and none was found." >&2; exit 2

$(VENV)/.run-stamp: requirements.txt | $(BIN)/python
	@echo "Installing what the service needs."
	@$(PIP) -r requirements.txt
	@touch $@

$(VENV)/.test-stamp: requirements-dev.txt | $(BIN)/python
	@echo "Installing what the tests need."
	@$(PIP) -r requirements-dev.txt
	@touch $@

.PHONY: env
env: $(VENV)/.test-stamp ## .venv with everything, for development

# --- run ---------------------------------------------------------------------------------------------------------

.PHONY: run
run: $(VENV)/.run-stamp ## the whole service in the foreground: make run PORT=8000 DATA_DIR=var
	@exec $(BIN)/python manage.py serve --follow-parent

# --- test --------------------------------------------------------------------------------------------------------

.PHONY: lint
lint: $(VENV)/.test-stamp ## style, floors, types, migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(CHECK) $(BIN)/lint-imports
	$(CHECK) $(BIN)/mypy
	$(CHECK) $(BIN)/python manage.py makemigrations --check --dry-run

.PHONY: test
test: lint ## the suite on SQLite and PostgreSQL; WITHOUT_BROWSER=1 leaves the browser tests out
	$(PYTEST) tests --ignore=tests/browser -n $(WORKERS)
	$(PYTEST) tests --ignore=tests/browser $(ONCE) --database postgresql -n $(WORKERS)
	@if [ -n "$${WITHOUT_BROWSER:-}" ]; then \
		echo "Browser tests left out, as asked."; \
	elif [ -n "$$CHROMIUM" ]; then \
		$(PYTEST) tests/browser; \
	else \
		printf '\n!!! NO CHROMIUM FOUND: THE BROWSER TESTS DID NOT RUN. `make test-browser` installs one.\n\n' >&2; \
	fi

.PHONY: test-browser
test-browser: $(VENV)/.test-stamp ## the browser tests; installs Chromium where it may, fails without one
	@if [ -z "$$CHROMIUM" ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium; \
	fi
	@CHROMIUM="$${CHROMIUM:-$$(command -v chromium || true)}"; \
	if [ -z "$$CHROMIUM" ]; then echo "The browser tests need Chromium, and none was found." >&2; exit 1; fi; \
	export CHROMIUM; $(PYTEST) tests/browser

.PHONY: drill
drill: $(VENV)/.test-stamp ## the fault and load drills at full counts; what they showed goes to docs/drills/
	$(PYTEST) tests/concurrency tests/faults tests/api/test_schemathesis.py --full
	$(PYTEST) tests/races tests/concurrency tests/faults tests/api/test_schemathesis.py --full --database postgresql

# --- dependencies ------------------------------------------------------------------------------------------------

UV := $(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
	--custom-compile-command "make requirements"

.PHONY: requirements
requirements: $(VENV)/.test-stamp ## compile requirements*.in; UPGRADE=1 takes newer versions
	$(UV) $(if $(UPGRADE),--upgrade) requirements.in -o requirements.txt
	$(UV) $(if $(UPGRADE),--upgrade) -c requirements.txt requirements-dev.in -o requirements-dev.txt
