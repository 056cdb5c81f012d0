# Tintype. `make` opens the shop; `make help` lists the rest.
PYTHON ?= python3
PY := .venv/bin/python
EXTRAS := s3 sentry otel all
APPS := accounts billing generations webhooks
PIP := $(PY) -m pip install --quiet --disable-pip-version-check --no-input --require-hashes
BOTH = $(PY) -m tests.run
MAKEFLAGS += --no-print-directory
.DELETE_ON_ERROR:
.PHONY: run help test test-gpu coverage proof bench screenshots messages lint lock gpu-setup chromium gettext php
# A GPU's build of torch depends on its driver, so the operator may name another: make gpu-setup TORCH='torch==…'.
TORCH ?= torch==2.13.0

run: .venv/runtime.stamp  ## open the shop (PORT=8000 DATA_DIR=var)
	@exec $(PY) manage.py up

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 18

test: .venv/dev.stamp chromium gettext php  ## every promise with small counts, on SQLite and PostgreSQL (aim: 10 minutes)
	@BY_TURNS=1 $(BOTH) --limit-s 2700 --three -- -m pytest -q
	@cat build/runs/summary.txt

test-gpu: .venv-gpu/stamp  ## the own GPU's engine with a tiny model on the processor (under a minute once torch is there)
	@TEST_GPU=1 .venv-gpu/bin/python -m pytest -q tests/gpu

gpu-setup: .venv/runtime.stamp requirements/gpu.txt  ## what an own GPU needs beside the shop: torch, diffusers (gigabytes)
	@$(PIP) --no-deps -r requirements/gpu.txt
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-input '$(TORCH)'

coverage: .venv/dev.stamp chromium gettext php  ## the same with branch coverage, which takes half as long again; fails below 95 %
	@rm -rf build/coverage && mkdir -p build/coverage
	@$(BOTH) --limit-s 3600 --measured sqlite -- -m pytest -q
	@$(PY) -m coverage combine --quiet
	@failed=0; for app in $(APPS); do \
		$(PY) -m coverage report --include="$$app/*" --format=total >build/coverage/$$app.percent; \
		echo "branch coverage of $$app: $$(cat build/coverage/$$app.percent) %"; \
		$(PY) -m coverage report --include="$$app/*" --fail-under=95 --show-missing --skip-covered >build/coverage/$$app.txt || \
			{ cat build/coverage/$$app.txt; failed=1; }; \
	done; cat build/runs/summary.txt; exit $$failed

proof: coverage  ## what does more with full counts, and timed promises (an hour, after all tests); writes docs/proof.md
	@rm -rf build/proof
	@PROOF=1 $(BOTH) --limit-s 4800 -- -m pytest -q -o faulthandler_timeout=1800
	@cat build/runs/summary.txt

bench: .venv/dev.stamp chromium  ## what the shop can do on this machine, as ratios (15 minutes; QUICK=1: 3); writes docs/performance.md
	@timeout --foreground --signal INT --kill-after 60 1500 $(PY) -m benchmarks $(if $(QUICK),--quick)

screenshots: .venv/dev.stamp chromium  ## every page, desktop and phone, light and dark (LANGUAGES="en de", ONLY=usage: some alone), into build/screenshots; PICTURES=1 renews the README's
	@$(PY) -m tests.screenshots $(if $(LANGUAGES),--languages $(LANGUAGES)) $(if $(ONLY),--only '$(ONLY)') $(if $(PICTURES),--pictures)

messages: export DATA_DIR = build/lint
messages: .venv/dev.stamp gettext  ## after a change of words: takes them into locale/, where translations are written, and compiles those
	@$(PY) manage.py makemessages -v0 --no-location --no-obsolete -l de -l zh_Hans $(NO_WORDS)
	@$(PY) manage.py compilemessages -v0 -l de -l zh_Hans --ignore '.venv*'
# Folders whose words nobody reads in a shop.
NO_WORDS = $(addprefix --ignore ,'.venv*' build var tests benchmarks clients deploy)

lint: export DATA_DIR = build/lint
lint: .venv/dev.stamp  ## style, types, import rules, missing migrations, clean locks
	@mkdir -p build
	@$(PY) -m ruff check --quiet .
	@$(PY) -m ruff format --check --quiet . || { echo "cure: $(PY) -m ruff format ."; exit 1; }
	@$(PY) -m mypy --no-error-summary .
	@.venv/bin/lint-imports >build/import-linter.txt || { cat build/import-linter.txt; exit 1; }
	@$(PY) manage.py makemigrations --check --dry-run --verbosity 0 || { echo "cure: $(PY) manage.py makemigrations"; exit 1; }
	@! grep -n '://' requirements/*.txt || { echo "cure: no address belongs into a lock; use make lock"; exit 1; }

lock: .venv/dev.stamp  ## renew requirements/ from pyproject.toml
	@$(call compile,,runtime)
	@$(call compile,--extra dev,dev)
	@for extra in $(EXTRAS); do \
		cp requirements/dev.txt requirements/$$extra.txt;  `# so that it takes the versions that the tests ran with` \
		$(call compile,--extra $$extra,$$extra) || exit 1; \
	done
	@cp requirements/dev.txt requirements/gpu.txt
	@$(call compile,--extra gpu --override requirements/without-torch.in --no-emit-package torch,gpu)
compile = $(PY) -m uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header $(1) pyproject.toml -o requirements/$(2).txt

.venv/runtime.stamp: requirements/runtime.txt | .venv/bin/pip
	@echo "Installing what Tintype runs on (once, under a minute) ..." >&2
	@$(PIP) -r $<
	@touch $@

.venv/dev.stamp: requirements/dev.txt requirements/runtime.txt | .venv/bin/pip
	@echo "Installing what the tests need (once, under a minute) ..." >&2
	@$(PIP) -r $<
	@touch $@ .venv/runtime.stamp

.venv-gpu/stamp: requirements/dev.txt requirements/gpu.txt
	@echo "Installing what the tests of the GPU's engine need (once, two minutes) ..." >&2
	@$(PYTHON) -m venv --clear .venv-gpu
	@$(subst .venv/,.venv-gpu/,$(PIP)) -r requirements/dev.txt
	@$(subst .venv/,.venv-gpu/,$(PIP)) --no-deps -r requirements/gpu.txt
	@.venv-gpu/bin/python -m pip install --quiet --disable-pip-version-check --no-input '$(TORCH)'
	@touch $@

.venv/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "Tintype needs Python 3.11 or newer as $(PYTHON); cure: apt install python3, or make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "$(PYTHON) cannot make virtual environments; cure: apt install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv --clear .venv

chromium:
	@if ! command -v chromium >/dev/null; then \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			echo "Installing Chromium for the browser tests ..." >&2; \
			{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium; } \
				>/dev/null 2>&1 || echo "Chromium could not be installed; browser tests will fail." >&2; \
		else \
			echo "Browser tests need Chromium; as root: apt-get install --no-install-recommends chromium" >&2; \
		fi; \
	fi
	@if ! command -v chromium-headless-shell >/dev/null && [ "$$(id -u)" = 0 ] && \
		apt-cache show chromium-headless-shell >/dev/null 2>&1; then \
		echo "Installing Chromium's headless shell, in which the browser tests take less time ..." >&2; \
		DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium-headless-shell \
			>/dev/null 2>&1 || echo "It could not be installed; Chromium takes its place." >&2; \
	fi

gettext:
	@if ! command -v xgettext >/dev/null; then \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			echo "Installing gettext for the tests of translations ..." >&2; \
			{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends gettext; } \
				>/dev/null 2>&1 || echo "gettext could not be installed; tests of translations will fail." >&2; \
		else \
			echo "Tests of translations need gettext; as root: apt-get install --no-install-recommends gettext" >&2; \
		fi; \
	fi

php:
	@if ! command -v php >/dev/null; then \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			echo "Installing PHP for the tests of what the docs show ..." >&2; \
			{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends php-cli; } \
				>/dev/null 2>&1 || echo "PHP could not be installed; the docs' programs in it are not run." >&2; \
		else \
			echo "The docs' programs in PHP are not run; as root: apt-get install --no-install-recommends php-cli" >&2; \
		fi; \
	fi
