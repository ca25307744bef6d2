# Two commands: `make demo` and `make test`. Each does its own set-up and does nothing twice.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO_RUNS ?= runs

# Which build of PyTorch: cpu, cu126 or cu130, from its own index, as in `make demo TORCH=cpu`. Unless it is said, the one
# that pip takes, which on Linux brings gigabytes of CUDA along.
TORCH ?=

# The language of the demo's report: as in `make demo LANGUAGE=zh-TW`, or that of the terminal. (The variable has another
# meaning where the system sets it.)
ifneq ($(origin LANGUAGE),command line)
LANGUAGE := $(if $(filter zh%,$(or $(LC_ALL),$(LC_MESSAGES),$(LANG))),zh-TW,en)
endif

.PHONY: install shell demo test page docs lint check wheel oldest newest clean

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("Twinseed needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.12 ...") if sys.version_info < (3, 11) else 0'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing Twinseed and what it needs into $(VENV): two minutes, or ten where machine or network are slow ..."
	@$(if $(TORCH),$(BIN)/python -m pip install --disable-pip-version-check "$$(grep '^torch==' constraints.txt)" --index-url https://download.pytorch.org/whl/$(TORCH))
	@$(BIN)/python -m pip install --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

# A shell in which `twinseed` is found; `exit` ends it.
shell: install
	@PATH="$(CURDIR)/$(BIN):$$PATH" VIRTUAL_ENV="$(CURDIR)/$(VENV)" "$${SHELL:-/bin/sh}"

demo: install
	@$(BIN)/twinseed pair "a unicorn riding a rocket, flat illustration style" --seed 3 --expander offline --language $(LANGUAGE) --runs $(DEMO_RUNS)

# Compiled beforehand: else every worker, and every program that a test starts, does it again. And pytest is to keep what
# it makes of the tests, whatever the shell says of compiled files: a quarter of collecting them.
test: install
	@$(BIN)/python -m compileall -q commands compare generate ideation templates twinseed.py
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 3 --dist worksteal

page: install
	@$(BIN)/twinseed page

# What the docs say of the program, written from the program.
docs: install
	@$(BIN)/python -c 'from compare.homework.bundle import write_schema as of_bundle; from compare.runs.record import write_schema; write_schema(); of_bundle()'
	@PYTHONPATH=. $(BIN)/cog -r docs/cli.md

lint: install
	@PYTHONPATH=. $(BIN)/cog --check docs/cli.md
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

check: lint test

# The wheel, in an environment of its own that pip fills: with the pinned versions, the least and the newest.
wheel:
	@$(PYTHON) .ci/wheel.py

oldest newest:
	@$(PYTHON) .ci/wheel.py --versions $@

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
