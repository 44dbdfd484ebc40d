# `make` alone prints what there is. Everything runs in .venv, which the first target that needs it makes.
.DEFAULT_GOAL := help
.PHONY: help setup test test-slow app-test demo lint format clean

# That of .venv, or the first Python that runs and is one that works; any other is refused by the
# set-up with a reason.
WORKS := import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))
PYTHON ?= $(shell for p in .venv/bin/python python3.11 python3.12 python3.10; do \
	$$p -c '$(WORKS)' >/dev/null 2>&1 && echo $$p && exit; done; command -v python3)
VENV := $(CURDIR)/.venv
BIN := $(VENV)/bin
PATHS := ktn_mm tools tests

help:  ## print this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup:  ## make .venv: pinned versions, mmcv compiled once and cached (20 to 30 minutes the first time)
	@if [ -z "$(PYTHON)" ]; then echo 'setup: no Python found: install Python 3.11 (3.10 and 3.12 work too)' >&2; exit 1; fi
	@$(PYTHON) tools/setup_env.py

test: setup  ## the test suite, without what is marked slow
	$(BIN)/python -m pytest -m 'not slow' --durations=10

test-slow: setup  ## everything: installed wheels, mim, long training
	$(BIN)/python -m pytest --durations=20

app-test: setup  ## the page in a browser: installs gradio beside .venv; needs Chromium
	@test -x .venv-app/bin/python || $(BIN)/python -m venv .venv-app
	@$(BIN)/python -c "import sysconfig; print(sysconfig.get_path('purelib'))" > \
		"$$(.venv-app/bin/python -c "import sysconfig; print(sysconfig.get_path('purelib'))")/below.pth"
	@cp $(BIN)/../lib/python*/site-packages/ktn_mm_clone.pth \
		"$$(.venv-app/bin/python -c "import sysconfig; print(sysconfig.get_path('purelib'))")/"
	.venv-app/bin/python -m pip install -q -c requirements.txt $$($(BIN)/python -c "from \
		setuptools.config.pyprojecttoml import load_file as load; \
		extras = load('pyproject.toml')['project']['optional-dependencies']; \
		print(*extras['app'], *extras['app-test'])")
	.venv-app/bin/python -m pytest tests/app tests/cli/test_app.py

demo: setup  ## show the shipped network, then make people, train, score and paint one of its own
	PATH="$(BIN):$$PATH" $(BIN)/python tools/demo.py

lint: setup  ## ruff: rules and layout
	$(BIN)/ruff check $(PATHS)

format: setup  ## ruff: put right what it can
	$(BIN)/ruff check --fix $(PATHS)

clean:  ## remove .venv and what tests and builds left (the compiled mmcv stays in its cache)
	rm -rf .venv .venv-app .venv-setup.log .venv-setup.lock build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
	find $(PATHS) -name __pycache__ -type d -prune -exec rm -rf {} +
