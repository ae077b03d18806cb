# The two commands: `make shell` and `make test`. Each sets up what it needs, in a venv of its own.
# Part of the tests, one after the other: make test PYTEST_ARGS=tests/core

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PYTEST_ARGS ?= -n auto --maxprocesses 4 --dist loadfile

# Options of the shell: make shell NAME=bob ARGS="--cookie secret..."
NAME ?=
ARGS ?=

.PHONY: shell test lint bench clean
.SILENT:

shell: $(VENV)/.installed
	exec $(BIN)/pyex $(if $(NAME),--name '$(NAME)') $(ARGS)

test: $(VENV)/.installed-test
	$(BIN)/python -m pytest $(PYTEST_ARGS)

lint: $(VENV)/.installed-lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.installed-bench
	$(BIN)/python -m benchmarks $(ARGS)

clean:
	rm -rf $(VENV) *.egg-info build

# Two shells may be opened at once on a fresh machine: one sets up, the other waits and finds it done.
ALONE := $(PYTHON) -c 'import fcntl, subprocess, sys; lock = open(sys.argv[1], "w"); \
  fcntl.flock(lock, fcntl.LOCK_EX); sys.exit(subprocess.call(sys.argv[2:]))' $(VENV)/.lock
PIP   := $(BIN)/python -m pip install --quiet --disable-pip-version-check

$(VENV)/.installed: pyproject.toml Makefile
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "pyex needs Python 3.11 or later; '$(PYTHON)' is `$(PYTHON) --version 2>&1`." \
	       "Name another one: make PYTHON=python3.12 ..." >&2; exit 2; }
	$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "This Python has no 'venv' module. On Debian and Ubuntu: sudo apt install python3-venv" >&2; exit 2; }
	mkdir -p $(VENV)
	$(ALONE) sh -ec 'test -z "`find $@ -newer pyproject.toml -newer Makefile 2>/dev/null`" || exit 0; \
	  echo "Setting up $(VENV) (once) ..."; \
	  test -x $(BIN)/python || $(PYTHON) -m venv $(VENV); \
	  $(PIP) --editable .; \
	  touch $@'

$(VENV)/.installed-%: $(VENV)/.installed
	$(ALONE) sh -ec 'test -z "`find $@ -newer $< 2>/dev/null`" || exit 0; \
	  $(PIP) --editable ".[$*]"; \
	  touch $@'
