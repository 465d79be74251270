# Two commands matter: `make run` and `make test`. `make help` lists the rest.
SHELL := /bin/sh
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
DEMO   ?= 1
ARGS   ?=

.PHONY: help
help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

.PHONY: run
run: $(VENV)/.run ## Start the marketplace on http://127.0.0.1:8000 (DEMO=0 starts empty)
	@exec $(BIN)/ecosystem serve $(if $(filter 0,$(DEMO)),--no-demo) $(ARGS)

.PHONY: test
test: $(VENV)/.dev ## Run every test (installs what they need)
	@scripts/browser
	$(BIN)/pytest -n 2 --dist loadgroup $(ARGS)

.PHONY: check
check: $(VENV)/.dev ## Format, lint, types, import contracts, dependencies, asset bytes
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/basedpyright
	$(BIN)/lint-imports
	$(BIN)/deptry src
	scripts/assets --check

.PHONY: format
format: $(VENV)/.dev ## Format the code and mend what the linter can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: assets
assets: $(VENV)/.dev ## Build styles, scripts, fonts and icons into src/ecosystem/web/static/dist
	scripts/assets

.PHONY: events
events: $(VENV)/.dev ## Write the schemas of events and docs/events.md from the facts in the code
	scripts/events

.PHONY: bench
bench: $(VENV)/.dev ## Measure side by side, in at most ten minutes; writes build/bench.md
	$(BIN)/python -m bench $(ARGS)

.PHONY: bench-full
bench-full: $(VENV)/.dev ## Measure what needs large data too
	$(BIN)/python -m bench --full $(ARGS)

.PHONY: drills
drills: $(VENV)/.dev ## Crash, power-cut, race and simulation drills, whole; writes build/drills.md
	$(BIN)/python -m bench.drills $(ARGS)

.PHONY: conformance
conformance: $(VENV)/.dev ## Run recorded material from outside: make conformance DATA=folder
	$(BIN)/python -m bench.conformance $(DATA)

.PHONY: lock
lock: ## Pin every requirement anew, with hashes and without addresses
	scripts/lock

.PHONY: clean
clean: ## Remove the environment and build output; data/ stays
	rm -rf $(VENV) build node_modules front/node_modules

$(VENV)/.run: requirements/uv.txt requirements/run.txt pyproject.toml scripts/environment
	@scripts/environment $(PYTHON) $(VENV) run

$(VENV)/.dev: requirements/uv.txt requirements/dev.txt pyproject.toml scripts/environment
	@scripts/environment $(PYTHON) $(VENV) dev
