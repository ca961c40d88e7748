.DEFAULT_GOAL := help
unexport PYTHONDONTWRITEBYTECODE # without it every process compiles the whole project anew
VENV := .venv
PYTHON := $(VENV)/bin/python
STAMP := $(VENV)/.requirements
RECORDING ?= fixtures/season.jsonl.gz
ARGS ?=

HISTORIES ?= 20000
COMPILE := $(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header pyproject.toml

.PHONY: help setup demo test screenshots soak lint format openapi client lock env bench clean

help: ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/:/' | awk -F': ' '{printf "  make %-11s %s\n", $$1, $$2}'

setup: $(STAMP) ## create .venv with everything pinned (idempotent)

$(STAMP): requirements.lock
	@python=$$(for name in python3 python3.13 python3.12 python3.11; do \
		command -v $$name >/dev/null 2>&1 && $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done); \
	if [ -z "$$python" ]; then echo "Python 3.11 or newer is needed (install python3, or put it on PATH)" >&2; exit 1; fi; \
	test -x $(PYTHON) || $$python -m venv $(VENV) || { echo "creating $(VENV) failed; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m pip --disable-pip-version-check install --quiet --require-hashes -r requirements.lock
	@touch $(STAMP)

demo: setup ## a recorded game as a live chain, the indexer at work, in the browser on http://127.0.0.1:8000
	@$(PYTHON) manage.py demo $(ARGS)

test: setup ## the whole suite, on the embedded PostgreSQL unless DATABASE_URL is set
	@$(PYTHON) -m pytest -n 3 --dist worksteal $(ARGS)

screenshots: setup ## take the pictures in docs/images anew (needs Chromium)
	@mkdir -p docs/images
	@$(PYTHON) -m pytest tests/pages/test_screenshots.py --images docs/images

soak: setup ## the long run of random histories: forks, restarts, kills, bad nodes (HISTORIES=20000, takes hours)
	@$(PYTHON) -m pytest -n 2 tests/indexer/sync/test_simulation.py --histories $(HISTORIES) --timeout 0 $(ARGS)

lint: setup ## format, style, types, who imports whom, undeclared and unused dependencies, missing migrations
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/mypy .
	@$(VENV)/bin/lint-imports
	@$(VENV)/bin/deptry .
	@$(VENV)/bin/deptry . --exclude '$(VENV)|\.git|\.ghostnet' --non-dev-dependency-groups dev,embedded # tests and tools too
	@$(PYTHON) manage.py makemigrations --check --dry-run --settings tests.no_database

format: setup ## put the code into shape
	@$(VENV)/bin/ruff format .
	@$(VENV)/bin/ruff check --fix .

openapi: setup ## write docs/openapi.json and docs/asyncapi.json anew
	@$(PYTHON) manage.py openapi > docs/openapi.json
	@$(PYTHON) manage.py asyncapi > docs/asyncapi.json

client: ## write the types of clients/typescript anew (needs node and what .ci/run installs)
	@PATH="$(CURDIR)/.ci/npm/openapi/node_modules/.bin:$$PATH" node clients/typescript/generate.mjs

lock: setup ## pin what pyproject.toml asks for: requirements.lock, and requirements.image.lock for the image
	@$(COMPILE) --group dev --group embedded -o requirements.lock
	@$(COMPILE) -c requirements.lock -o requirements.image.lock

env: ## write .env with new secrets for docker compose, if there is none
	@if [ -e .env ]; then echo ".env is there already; left as it is" >&2; else umask 077; \
		for name in DJANGO_SECRET_KEY POSTGRES_PASSWORD IGGY_PASSWORD GRAFANA_PASSWORD; do \
			echo "$$name=$$(od -An -N 32 -t x1 /dev/urandom | tr -d ' \n')"; done > .env; echo "wrote .env"; fi

bench: setup ## time the indexing of RECORDING=path from an empty database
	@$(PYTHON) -m benchmarks.index_chain $(RECORDING) $(ARGS)

clean: ## remove .venv and the embedded database
	-@test -x $(PYTHON) && $(PYTHON) manage.py embedded_postgres stop
	rm -rf $(VENV) .ghostnet
