# Python's bytecode must be written, or every start compiles everything again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help install run demo test test-faults test-agents bench screenshots lint format check lock clean

help:         ## List the targets
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 16

install: .venv/ready  ## Create .venv with everything needed, from the lock file

.venv/ready: requirements.lock pyproject.toml .ci/setup
	.ci/setup venv

run: install          ## Open the dashboard on your own agents
	@.ci/setup run-tools
	.venv/bin/hive-tui

demo: install         ## Open it on a private tmux server with small scripted agents
	@.ci/setup run-tools
	.venv/bin/hive-tui demo

test: install         ## All tests
	@.ci/setup test-tools
	.venv/bin/pytest -n 5 --dist worksteal || .ci/again $$?

test-faults: install  ## Slow fault tests: kill -9 at every step, many times; and random examples, new ones each time
	@.ci/setup test-tools
	.venv/bin/pytest -m 'faults or hypothesis' -n 4 tests

test-agents: install  ## The real programs in PREFIX/bin against a pretended model: make test-agents PREFIX=FOLDER
	@.ci/setup test-tools
	HIVE_AGENTS_PREFIX="$(PREFIX)" .venv/bin/pytest -m agents tests/agents

bench: install        ## Measure it beside plain peers; ten minutes on a machine with nothing else to do
	@.ci/setup test-tools
	.venv/bin/python -m tests.bench --seconds 30

screenshots: install  ## Draw the pictures of the README anew
	.venv/bin/python -m tests.ui.draw screenshots

lint: install         ## Format check, lint, types and import contracts
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports

format: install       ## Format and mend what can be mended by itself
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

check: lint test      ## What CI runs

lock:                 ## Renew requirements.lock from pyproject.toml (needs uv)
	uv pip compile --universal --generate-hashes --no-annotate --no-header --no-emit-index-url \
	  --no-emit-find-links --python-version 3.11 --group dev pyproject.toml -o requirements.lock

clean:                ## Remove what make made
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
