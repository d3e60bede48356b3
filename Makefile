# Every target sets itself up: `make test` in a fresh clone is enough.
SHELL := bash
BIN := .venv/bin
READY := .venv/.ready
N ?= 3# processes that share the tests, which wait as often as they work; each may start a PostgreSQL and a Kafka broker

.DEFAULT_GOAL := help
.PHONY: help setup demo up test simulate chaos schemathesis check fix schemas docs bench lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): requirements.lock pyproject.toml .ci/setup
	@bash .ci/setup
	@touch $@

setup: $(READY) ## make .venv from requirements.lock (uv if present, else pip; Python 3.11+)
	@:

demo: $(READY) ## start everything on this machine and send a run through it
	@$(BIN)/foldgate demo $(ARGS)

up: $(READY) ## start the suite and keep it running (ARGS="--kafka local" for Kafka)
	@$(BIN)/foldgate up $(ARGS)

test: $(READY) ## all tests and the coverage of the core (T=tests/unit for some of them, one by one and without coverage)
ifdef T
	$(BIN)/python -m pytest $(T)
else
	$(BIN)/coverage erase
	$(BIN)/python -m pytest -p tests.support.measuring --numprocesses $(N) --dist worksteal
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report
endif

simulate: $(READY) ## the whole suite under faults, in virtual time (SEED=856 for one again, ARGS="--seeds 5000 --first 0")
	$(BIN)/python -m tests.simulation $(if $(SEED),--seed $(SEED)) $(ARGS)

chaos: $(READY) ## kill and pause services, workers, PostgreSQL and a Kafka of three nodes under 500 runs (an hour)
	FOLDGATE_THOROUGH=1 $(BIN)/python -m pytest tests/chaos $(ARGS)

schemathesis: $(READY) ## ask a suite at work whatever its OpenAPI document allows, and does not (ARGS="--seeds 7 --examples 200")
	$(BIN)/python .ci/schemathesis.py $(ARGS)

check: $(READY) ## format, lint, types, who imports whom, freshness of generated files: what CI runs first
	$(BIN)/ruff format --check --quiet
	$(BIN)/ruff check --quiet
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m foldgate.contracts.generate --check
	$(BIN)/python docs/generate.py --check

fix: $(READY) ## format, and mend what the linter can mend by itself
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

schemas: $(READY) ## generate code and pages from schemas/ and topics.py
	$(BIN)/python -m foldgate.contracts.generate

docs: schemas ## generate the pages that can be, and check the others
	$(BIN)/python docs/generate.py
	$(BIN)/python -m pytest --quiet tests/unit/test_docs.py

bench: $(READY) ## measure on this machine what docs/adr claims (ARGS=NAME for one benchmark)
	$(BIN)/python -m bench $(ARGS)

lock: ## refresh requirements.lock from pyproject.toml: exact versions, hashes, no addresses
	@bash .ci/lock

clean: ## remove what tools left behind (keeps .venv and your data)
	rm -rf .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build dist htmlcov
	find libs services tests -name __pycache__ -type d -prune -exec rm -rf {} +
