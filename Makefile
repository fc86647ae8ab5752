# GNU make 4.3 or newer. A fresh machine needs python3.11 (or newer) with venv, and make: nothing else.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
BOX := .venv
LAB := .venv-lab
BOX_PIP := $(BOX)/bin/python -m pip --disable-pip-version-check
LAB_PIP := $(LAB)/bin/python -m pip --disable-pip-version-check
ONCE ?=

# An environment is ready for exactly these contents in exactly this place: otherwise it is brought up to date.
key = $(shell { echo $(CURDIR); cat $(1) pyproject.toml; } | sha256sum | cut -c1-16)
BOX_READY := $(BOX)/.ready-$(call key,requirements-dev.txt)
LAB_READY := $(LAB)/.ready-$(call key,constraints-lab.txt)

##  setup    .venv: the box and its workshop, from the lock with hashes (no torch)
.PHONY: setup
setup: $(BOX_READY)

# Hatchling comes from the lock like everything else, hence no build isolation: nothing unhashed is fetched.
$(BOX_READY):
	@$(call say-what-python-lacks)
	test -x $(BOX)/bin/pip || $(PYTHON) -m venv $(BOX)
	$(BOX_PIP) install --quiet --require-hashes --requirement requirements-dev.txt
	$(BOX_PIP) install --quiet --no-deps --no-build-isolation --editable .
	$(BOX_PIP) check
	rm -f $(BOX)/.ready-*
	touch $@

##  lab      .venv-lab: the same and torch, MLflow, ONNX, pandas (2 GB, two minutes)
.PHONY: lab
lab: $(LAB_READY)

# No hashes: torch's differ between the CPU and the CUDA build, and one hash would demand all.
$(LAB_READY):
	@$(call say-what-python-lacks)
	test -x $(LAB)/bin/pip || $(PYTHON) -m venv $(LAB)
	$(LAB_PIP) install --quiet --constraint constraints-lab.txt pip hatchling
	$(LAB_PIP) install --quiet --constraint constraints-lab.txt --no-build-isolation --editable '.[dev,lab]'
	$(LAB_PIP) check
	rm -f $(LAB)/.ready-*
	touch $@

##  fmt      format the code and mend what can be mended
.PHONY: fmt
fmt: setup
	$(BOX)/bin/ruff check --fix .
	$(BOX)/bin/ruff format .

.PHONY: lint
lint: setup
	$(BOX)/bin/ruff check .
	$(BOX)/bin/ruff format --check .
	$(BOX)/bin/mypy
	$(BOX)/bin/lint-imports --no-logo

##  check    lint, types, layers and fast tests: two minutes
.PHONY: check
check: lint ui-check
	$(FAST_TESTS)

.PHONY: ui-check
ui-check: ui
	$(BOX)/bin/python ui/hatch_build.py check test

# One process a core: they share nothing but the machine.
FAST_TESTS = $(BOX)/bin/python -m pytest --quiet --numprocesses auto -m "not lab and not system and not torture and not browser"

##  test     everything: lint, types in both environments, then every test
.PHONY: test
test: lint lab tools ui-check
	$(LAB)/bin/mypy --cache-dir .mypy_cache/lab models
	$(LAB)/bin/python -m pytest --quiet --numprocesses 2 --dist loadfile -m lab
	$(FAST_TESTS)
	$(BOX)/bin/python -m pytest --quiet -m system
	$(BOX)/bin/python -m pytest --quiet -m "browser and alone"
	$(BOX)/bin/python -m pytest --quiet -m "browser and not alone" --numprocesses 3  # they mostly wait for sound
	$(call under-fire)

##  torture  the promises under fire at full length; ONLY=name SEED=n repeats one, LENGTH= in short
.PHONY: torture
LENGTH ?= --long
torture: setup tools
	$(if $(ONLY),$(TRIALS) $(LENGTH) -k '$(ONLY)' $(if $(SEED),--seed $(SEED)),$(call under-fire,$(LENGTH)))

# What measures time has the machine to itself; then the others, a file a core, and all of them whatever failed.
TRIALS = $(BOX)/bin/python -m pytest --quiet tests/torture
under-fire = failed=0; \
	$(TRIALS) $(1) -m alone || failed=1; \
	$(TRIALS) $(1) -m "not alone" --numprocesses auto --dist loadfile --no-loadscope-reorder || failed=1; \
	exit $$failed

# Debian's packages that some tests need; without root or apt those are skipped, saying why.
.PHONY: tools
TOOLS := chromium faketime fusermount3:fuse3 mkfs.ext4:e2fsprogs Rscript:r-base-core strace unshare:util-linux
tools:
	@missing=; for tool in $(TOOLS); do \
		PATH=$$PATH:/usr/sbin:/sbin command -v $${tool%:*} >/dev/null || missing+=" $${tool#*:}"; \
	done; \
	if [ -n "$$missing" ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	elif [ -n "$$missing" ]; then \
		echo "some tests will be skipped: as root, apt install$$missing" >&2; \
	fi

##  ui       build the web app into appliance/ui, where the box serves it from
.PHONY: ui
ui: setup
	$(BOX)/bin/python ui/hatch_build.py

##  demo     send the golden recordings through a demonstration box in var/demo, leave it running (ONCE=1: stop it)
.PHONY: demo
demo: setup ui
	ONCE=$(ONCE) $(BOX)/bin/spira demo

##  retrain  train the demonstration model anew and hold it to its stated accuracy and to parity (8 minutes)
.PHONY: retrain
retrain: lab
	$(LAB)/bin/python -m models.retrain --out var/retrained

##  docs     write the generated references anew: CLI, OpenAPI, schema, CSV header, errors
.PHONY: docs
docs: setup
	UPDATE_SNAPSHOTS=1 $(BOX)/bin/python -m pytest --quiet tests/test_snapshots.py

##  lock     resolve pyproject.toml anew, the lab first: both environments share one version of a library (but dateutil)
.PHONY: lock
LOCK = var/lock/bin/uv pip compile --quiet pyproject.toml --python-version 3.11 --no-header --no-annotate \
	--no-emit-index-url --no-emit-find-links $(if $(UPGRADE),--upgrade)
LOCK_HASHED = $(LOCK) --generate-hashes --universal --fork-strategy fewest --constraints var/lock/shared.txt
lock:
	$(PYTHON) -m venv var/lock
	var/lock/bin/pip --disable-pip-version-check install --quiet uv
	$(LOCK) --extra dev --extra lab --output-file constraints-lab.txt
	sed -i -E '/^(nvidia|cuda|triton)/d' constraints-lab.txt  # torch fixes those itself, where it wants them
	grep -v '^python-dateutil=' constraints-lab.txt >var/lock/shared.txt  # the lab's S3 client wants an old one
	$(LOCK_HASHED) --output-file requirements.txt
	$(LOCK_HASHED) --extra dev --output-file requirements-dev.txt

##  clean    remove the environments, caches and builds; var/ (boxes with their recordings) stays
.PHONY: clean
clean:
	rm -rf $(BOX) $(LAB) build dist .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -not -path './ui/*' -prune -exec rm -rf {} +

.PHONY: help
help:
	@echo 'make TARGET, where TARGET is'
	@sed -n 's/^##  /  /p' $(MAKEFILE_LIST)

define say-what-python-lacks
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	|| { echo '$(PYTHON) is not Python 3.11 or newer: install one and run make PYTHON=python3.11' >&2; exit 1; }; \
$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null \
	|| { echo '$(PYTHON) lacks venv: on Debian, apt install python3-venv' >&2; exit 1; }
endef
