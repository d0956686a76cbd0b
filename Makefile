# `make` or `make help` lists what there is; CI uses the same words.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TEMPLATE := {{cookiecutter.service_slug}}
BACKENDS := $(wildcard $(TEMPLATE)/_options/cache_backend/*)
# As in a service's own Makefile; a lock says these in its first lines.
UNIVERSAL := --universal --python-version 3.11
COMPILE := $(BIN)/uv pip compile --quiet $(UNIVERSAL) --generate-hashes --no-annotate \
  --custom-compile-command "make lock (uv pip compile $(UNIVERSAL))"
MINUTES ?= $(if $(filter true,$(CI)),1,15)
export PYTHONUNBUFFERED := 1

.DEFAULT_GOAL := help
.PHONY: help demo test test-fast test-all lint format bench soak mutants pictures lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.installed ## bake the default service, test it, run it in full and call it; ONCE=1 stops by itself
	@$(BIN)/python tools/demo.py $(if $(ONCE),--once)

test: $(VENV)/.installed ## bake every combination, test each, run the whole stack: half an hour
	@$(BIN)/python tools/provide.py
	$(BIN)/python -m pytest

test-fast: $(VENV)/.installed ## leave out the tests that install and run services: a minute or two
	$(BIN)/python -m pytest -m "not slow"

# Each with an environment of its own; a shim that stands for no interpreter does not answer.
test-all: ## `make test` on every Python from 3.11 on that is found here: an hour and more
	@for version in 3.11 3.12 3.13 3.14; do \
	  if python$$version -c '' 2>/dev/null; then \
	    $(MAKE) test PYTHON=python$$version VENV=build/python$$version || exit 1; \
	  else \
	    echo "python$$version is not installed here: left out."; \
	  fi; \
	done

lint: $(VENV)/.installed ## check the template's own source
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/yamllint --strict .
	$(BIN)/shellcheck .ci/run
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/actionlint
	$(BIN)/zizmor --offline --quiet .github

format: $(VENV)/.installed ## put the template's own source in shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.installed ## measure what the template and the service cost
	$(BIN)/python -m benchmarks

soak: $(VENV)/.installed ## keep a service under load and in trouble for MINUTES (15; with CI=true 1): nothing fails, nothing grows
	@$(BIN)/python tools/provide.py
	@$(BIN)/python -m tools.soak $(MINUTES)

mutants: $(VENV)/.installed ## change the helpers' code in a thousand ways and see how often their suites notice: half an hour
	@$(BIN)/python -m tools.mutants

pictures: $(VENV)/.installed ## make the pictures of the README anew, which runs the demonstration
	$(BIN)/python -m tools.pictures

lock: $(VENV)/.installed ## resolve every requirement anew and write the lock files
	@$(BIN)/python tools/provide.py
	$(COMPILE) --upgrade requirements-dev.in --output-file requirements-dev.txt
	for backend in $(BACKENDS); do \
	  $(COMPILE) --upgrade $$backend/requirements.in --output-file $$backend/requirements.txt || exit 1; \
	done
	for user in benchmarks tests; do \
	  $(COMPILE) --upgrade $$user/requirements.in --output-file $$user/requirements.txt \
	    $(patsubst %,--constraint %/requirements.txt,$(BACKENDS)) || exit 1; \
	done
	for tool in checkov mutants openapi-client schemathesis; do \
	  $(COMPILE) --upgrade tests/$$tool.in --output-file tests/$$tool.txt || exit 1; \
	done
	npm update --prefix tests/typescript --package-lock-only --omit-lockfile-registry-resolved --ignore-scripts
	$(COMPILE) --upgrade $(TEMPLATE)/requirements-tools.in --output-file $(TEMPLATE)/requirements-tools.txt
	$(COMPILE) --upgrade $(TEMPLATE)/requirements-dev.in --output-file $(TEMPLATE)/requirements-dev.txt \
	  $(patsubst %,--constraint %/requirements.txt,$(BACKENDS))

clean: ## remove what the other targets made
	rm -rf $(VENV) build .hypothesis .mypy_cache .pytest_cache .ruff_cache

# The stamp is made last: an installation that was broken off is begun anew.
$(VENV)/.installed: requirements-dev.txt
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is not installed: Python 3.11 or later is needed." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed and $(PYTHON) is older: say make PYTHON=python3.13, for instance.")'
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "The venv module of $(PYTHON) is not installed (on Debian: apt-get install python3-venv)." >&2; exit 1; }
	@echo "Making $(VENV) with the development dependencies, which takes about a minute ..."
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@
