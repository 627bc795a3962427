# `make run` opens the cockpit; `make help` lists everything else.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
BIN := .venv/bin
ARGS ?=

.PHONY: help run test test-deep lint format types walls tests torture interop bench snapshots screenshot docs clean

help: ## List these targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: ## Open the cockpit (ARGS="--seed 7" passes options)
	@scripts/venv
	@exec $(BIN)/tstream $(ARGS)

test: lint types walls tests ## Everything that must pass: lint, types, walls, tests

test-deep: ## Tests of what brings torch, which is installed for them (1 GB; several where pip takes it with CUDA)
	@scripts/venv dev
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -c constraints-deep.txt -e ".[sentiment-embed,deep]"
	$(BIN)/pytest -rs tests/sentiment/test_meaning.py tests/deep $(ARGS)

lint: ## Style and layout of the code
	@scripts/venv dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: ## Static types, strict
	@scripts/venv dev
	$(BIN)/mypy

walls: ## Who may import whom, and no circles
	@scripts/venv dev
	$(BIN)/lint-imports

tests: ## The tests alone (ARGS="-k bars" passes options)
	@scripts/venv dev
	PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -n 4 --dist worksteal -p no:schemathesis -p no:anyio $(ARGS)

torture: ## The long runs: interleavings, kills, a virtual week (ARGS="kills --count 50 --seed 2")
	@scripts/venv dev
	$(BIN)/python -m tests.torture $(ARGS)

interop: ## Clients that others wrote, at the practice venue; needs their packages
	@scripts/venv dev
	$(BIN)/pytest -rs tests/interop/acceptance.py tests/interop/binance.py tests/interop/coin_venues.py $(ARGS)

format: ## Lay the code out and sort its imports
	@scripts/venv dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: ## Measure the cockpit and the engine
	@scripts/venv dev
	$(BIN)/python -m bench $(ARGS)

snapshots: ## Draw the stored pictures of the cockpit anew
	@scripts/venv dev
	$(BIN)/pytest tests/tui --snapshot-update

screenshot: ## Draw the pictures of the README anew, from a run on the practice venue
	@scripts/venv
	$(BIN)/python -m scripts.screenshot

docs: ## Write what is written from declarations: settings, .env.example, JSON bots, commands
	@scripts/venv dev
	$(BIN)/python -m tstream.settings.reference docs/configuration.md
	$(BIN)/python -m tstream.botfiles.schema docs/json-bot.schema.json
	$(BIN)/python -m adapters.control.rest.page docs/api.md
	$(BIN)/python -m tstream.files.schema docs/files.schema.json
	$(BIN)/python -m tstream.settings.env_file .env.example
	$(BIN)/python -m tstream.commands.pages docs

clean: ## Remove .venv and everything that tools left behind
	rm -rf .venv .interop .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist snapshot_report.html
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
