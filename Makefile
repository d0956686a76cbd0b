# `make` or `make help` lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# uv from PATH, else the version that UV_LOCK locks.
UV_LOCK := requirements/uv.txt
UV := $(or $(shell command -v uv 2>/dev/null),$(BIN)/uv)
# Trust the system's certificates: a company's package index may need them.
export UV_SYSTEM_CERTS ?= true
export PYTHONUNBUFFERED := 1
TEMPLATE := {{cookiecutter.service_slug}}
SERVICES := $(wildcard $(TEMPLATE)/_options/auth+cache_backend/*)
# Parallel test processes: more than the processors, because many tests wait for servers.
WORKERS ?= 3
PYTEST := $(BIN)/python -m pytest --numprocesses $(WORKERS)
MINUTES ?= 15
# A lock repeats these options in its first lines.
UNIVERSAL := --universal --python-version 3.11
COMPILE = $(UV) pip compile --quiet $(UNIVERSAL) --generate-hashes --no-annotate \
  --custom-compile-command "make lock (uv pip compile $(UNIVERSAL))"
CONSTRAINTS := $(patsubst %,--constraint %/requirements.txt,$(SERVICES))

.DEFAULT_GOAL := help
.PHONY: help demo test test-fast test-full test-all lint format bench soak mutants pictures lock upgrade compile clean

help: ## list the targets
	@echo "Each target installs what it needs. The first ones to try: demo, test-fast, test."
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.installed ## bake the default service, install, test, serve and call it on PORT (8080); ONCE=1 stops it
	@$(BIN)/python -m tools.demo $(if $(ONCE),--once)

test: $(VENV)/.installed ## prove the main promises on live processes: 5 minutes, no containers
	@$(BIN)/python -m harness.requirements
	@$(PYTEST) -m "not full"

test-fast: $(VENV)/.installed ## run the tests that install no service: half a minute
	@$(PYTEST) tests/template -m "not full"

test-full: $(VENV)/.installed ## run all tests, with containers, faults, fuzzing and a soak: 20 minutes
	@$(BIN)/python -m harness.requirements
	@$(PYTEST)

test-all: ## run `make test` on every Python from 3.11 to 3.14 that is installed
	@for version in 3.11 3.12 3.13 3.14; do \
	  if python$$version -c '' 2>/dev/null; then \
	    $(MAKE) test PYTHON=python$$version VENV=build/python$$version || exit 1; \
	  else \
	    echo "Skipped Python $$version: python$$version is not installed."; \
	  fi; \
	done

lint: $(VENV)/.installed ## check style, types and workflows of the template's own source
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/yamllint --strict .
	$(BIN)/shellcheck .ci/run
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/actionlint
	$(BIN)/zizmor --offline --quiet .github

format: $(VENV)/.installed ## format the template's own source
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

bench: $(VENV)/.installed ## measure the template and the service beside their alternatives: half an hour
	$(BIN)/python -m benchmarks

soak: $(VENV)/.installed ## run a service under load and faults for MINUTES (15): no errors, no growth
	@$(BIN)/python -m harness.requirements
	@$(BIN)/python -m tools.soak $(MINUTES)

mutants: $(VENV)/.installed ## mutate the helpers; fail if their suites detect less than 92 %: half an hour
	@$(BIN)/python -m tools.mutation

pictures: $(VENV)/.installed ## draw the pictures of the README
	$(BIN)/python -m tools.screenshots

lock: compile ## write the lock files; versions change only where the .in files demand it

upgrade: COMPILE += --upgrade
upgrade: compile ## write the lock files with the newest versions that the .in files allow
	npm update --prefix harness/apps/typescript --package-lock-only --omit-lockfile-registry-resolved --ignore-scripts

compile: $(VENV)/.installed
	@$(BIN)/python -m harness.requirements
	for lock in uv oldest-pip dev checkov mutation openapi-client pre-commit schemathesis; do \
	  $(COMPILE) requirements/$$lock.in --output-file requirements/$$lock.txt || exit 1; \
	done
	for service in $(SERVICES); do \
	  $(COMPILE) $$service/requirements.in --output-file $$service/requirements.txt || exit 1; \
	done
	for lock in benchmarks distributed gunicorn recipes; do \
	  $(COMPILE) requirements/$$lock.in --output-file requirements/$$lock.txt $(CONSTRAINTS) || exit 1; \
	done
	$(COMPILE) $(TEMPLATE)/requirements-dev.in --output-file $(TEMPLATE)/requirements-dev.txt $(CONSTRAINTS)
	$(COMPILE) $(TEMPLATE)/requirements-tools.in --output-file $(TEMPLATE)/requirements-tools.txt
	cp requirements/uv.txt $(TEMPLATE)/requirements-uv.txt

clean: ## remove the files that other targets created
	rm -rf $(VENV) build .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -r {} +

# The stamp is made last, so that an interrupted installation starts again.
$(VENV)/.installed: $(UV_LOCK) requirements/dev.txt
	$(call INSTALL,$(VENV),requirements/dev.txt)

# $(call INSTALL,FOLDER,LOCKS) makes a virtual environment with exactly the locked packages. Nothing is
# resolved, so no later release can change the result; `uv pip check` proves that the locks are complete.
define INSTALL
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
  echo "Python 3.11 or later is required, and $(PYTHON) is older or missing. Choose another, for example: make $(MAKECMDGOALS) PYTHON=python3.13" >&2; exit 1; }
@[ $(UV) != $(1)/bin/uv ] || $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
  echo "$(PYTHON) has no venv module. Install it (Debian: apt-get install python3-venv), or install uv." >&2; exit 1; }
@echo "Installing the locked packages into $(1) ..."
@output=$$({ \
  if [ $(UV) = $(1)/bin/uv ]; then \
    $(PYTHON) -m venv --clear $(1) && \
    $(1)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $(UV_LOCK); \
  else \
    $(PYTHON) -m venv --clear --without-pip $(1); \
  fi && \
  $(UV) pip sync --quiet --python $(1)/bin/python --require-hashes $(2) && \
  $(UV) pip check --python $(1)/bin/python; } 2>&1) || { \
  case "$$output" in \
    *"No space left"*) echo "The disk is full. Free some space and run make again." ;; \
    *"error sending request"*|*"NewConnectionError"*|*"ConnectTimeoutError"*|*"from versions: none"*) \
      echo "The package index did not answer. Check the network, or set UV_DEFAULT_INDEX (and PIP_INDEX_URL) to your index." ;; \
    *) echo "$$output"; echo "The installation failed; the reason is above. Fix it and run make again." ;; \
  esac >&2; exit 1; }
@touch $(1)/.installed
endef
