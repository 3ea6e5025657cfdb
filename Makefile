# One target a job; CI calls the same ones.

PYTHON ?= python3
# What is installed uncompiled is compiled by the first process that needs it, and not by each again.
unexport PYTHONDONTWRITEBYTECODE
SOURCES := durable components plan policies pictures local database backups workers failover host scripts bench
# What the bundles are made from, and they themselves, by content: a time tells neither a file that is gone nor one that
# was copied back.
SUM := LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -c-64
FROM := find apps nx.json package.json package-lock.json tsconfig*.json -type f -not -path '*/node_modules/*' \
	-not -path '*/dist/*' -not -path '*/.built/*' -not -name made -print0 | $(SUM)
BUNDLES := find apps/*/dist -type f -print0 | $(SUM)

# Most of the tests wait.
WORKERS ?= $(shell expr 3 \* $$(nproc))
PYTEST := .venv/bin/python -m pytest --numprocesses=$(WORKERS) --dist=loadgroup --no-loadscope-reorder \
	$(patsubst --durations,--durations=20,$(ARGS))

.PHONY: help up test test-long passed check pages lint arguments setup installed installed-test machine packages down clean lock bench wheel

help: ## what there is
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

# Two at once in one clone would install over each other. The kernel forgets the lock with its holder.
ALONE = @flock --nonblock Makefile true || echo "waiting for another make that sets up this clone" >&2; \
	exec flock --no-fork Makefile $(MAKE) --no-print-directory -j4

up: ## set everything up; record, gate and realise the dev stack here; verify it end to end where it changed
	$(ALONE) installed
	@./hybrid local up --verify

test: ## set everything up; run every check and test (what CI runs); ARGS="--durations=20 --cov" as for pytest
	$(ALONE) JOB=test installed-test arguments lint
	$(PYTEST)
	@.venv/bin/python -m scripts.versions

passed: ## after a `make test` that passed: write down the versions that nothing pins
	.venv/bin/python -m scripts.versions --passed

TIMES ?= 1
test-long: ## the soak: every kill point, long outages, random order; TIMES=3 repeats it
	$(ALONE) JOB=test installed-test arguments
	@for round in $$(seq $(TIMES)); do \
		seed=$${SEED:-$$(od -An -N3 -tu4 /dev/urandom | tr -d ' ')}; echo "soak $$round of $(TIMES), SEED=$$seed" >&2; \
		HYBRID_SOAK=1 $(PYTEST) --random-order --random-order-seed=$$seed & \
		trap "kill -TERM $$!" INT TERM; \
		wait $$! || { wait $$!; exit 1; }; \
	done

check: ## what to run before each commit: formatting, lint, types and the quick tests, in under a minute
	$(ALONE) arguments lint apps/made
	@$(PYTEST) --quiet tests/scripts tests/bench tests/durable tests/components tests/pictures tests/edge tests/test_repository.py

COMMANDS_PAGE = PYTHONPATH=. .venv/bin/typer scripts.__main__ utils docs --name ./hybrid --title "Commands (by make pages)"
pages: apps/made ## write what is generated again: docs/commands.md, docs/api.md, the rules' page, the table of parts in docs/architecture.md
	$(COMMANDS_PAGE) --output docs/commands.md
	node_modules/.bin/node apps/api-page.mjs >docs/api.md
	.venv/bin/python -m policies.reports.rules_page
	.venv/bin/python -m local.stack.parts_table

# A wrong one would be found after minutes; and what is compiled here, each worker would compile for itself.
arguments: | .venv/made
	@said=$$($(PYTEST) --collect-only -qq) || [ $$? = 5 ] || { echo "$$said"; exit 1; }

# mypy gives its workers three seconds to start; where a busy machine takes longer, it checks alone (its own fault is 2).
lint: | .venv/made node_modules/made
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy --num-workers=$(shell nproc) $(SOURCES) tests || \
		{ [ $$? = 2 ] && .venv/bin/mypy $(SOURCES) tests; }
	.venv/bin/mypy __main__.py
	PYTHONPATH=. .venv/bin/lint-imports --no-logo --no-cache
	npm run --silent lint

setup: ## install all that `up` runs on, and start nothing
	$(ALONE) installed

# The tests need a few Debian packages more.
JOB := up
installed: packages .venv/made node_modules/made apps/made .venv/root
installed-test: installed .venv/bare

machine:
	@$(PYTHON) scripts/machine.py $(JOB)

packages:
	@$(PYTHON) scripts/debian_packages.py $(JOB)

# uv takes a fifth of pip's time; where it can't reach the index that pip is set up for, pip does it.
INSTALL := install --quiet --disable-pip-version-check --no-compile --require-hashes --requirement
.venv/made: requirements.lock | packages
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; $$($(PYTHON) --version) was found. Name another: make PYTHON=python3.12" >&2; exit 1; }
	@echo "installing the Python environment" >&2
	@$(PYTHON) -m venv --clear .venv
	@sed -n '/^uv==/,/[^\\]$$/p' requirements.lock >.venv/uv.lock
	@.venv/bin/python -m pip $(INSTALL) .venv/uv.lock
	@VIRTUAL_ENV=.venv .venv/bin/uv pip install --quiet --require-hashes --requirement requirements.lock || \
		.venv/bin/python -m pip $(INSTALL) requirements.lock
	@touch $@

# Here already, because the rest of the installation leaves a core idle; whoever needs one later makes it.
.venv/root: .venv/made
	@.venv/bin/python -m local.host.root_filesystem
	@touch $@

.venv/bare: .venv/made
	@.venv/bin/python -m tests.host.bare_machine
	@touch $@

node_modules/made: package-lock.json | machine
	@echo "installing the Node.js packages" >&2
	@npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
	@touch $@

apps/made: node_modules/made \
		$(shell { [ "$$($(FROM); $(BUNDLES))" = "$$(cat apps/made)" ]; } 2>/dev/null || echo always)
	@echo "bundling the Worker and the site" >&2
	@from=$$($(FROM)) && { said=$$(npm run --silent build 2>&1) || { echo "$$said" >&2; exit 1; }; } && \
		{ echo $$from; $(BUNDLES); } >$@

.PHONY: always
always:

# Only the command can end what runs, and remove what belongs to mapped users. Each folder in .state is a stack, but
# for the evidence of drills in the cloud, which stays.
STACKS = $(or $(HYBRID_STATE),$(filter-out .state/drills,$(wildcard .state/*)))
down = if ./hybrid --help >/dev/null 2>&1; then \
	for stack in $(or $(STACKS),.state/local); do HYBRID_STATE=$$stack ./hybrid local down $(1) || exit 1; done; \
	elif test -n "$(STACKS)"; then \
	echo "a local stack is here, and the Python environment that ends it is not; make it with: make setup" >&2; exit 1; fi

# Built in a copy: setuptools leaves its own traces where the sources are.
WHEELS ?= dist
wheel: .venv/made ## the rollback alone, for the laptops of on-call: dist/hybrid_failover-….whl
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && cp -r failover/. durable "$$folder" && \
		.venv/bin/python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation \
		--wheel-dir "$(WHEELS)" "$$folder"

down: ## stop the local stack, and every other one in .state
	@$(call down)

clean: ## remove all that up and test made
	@$(call down,--remove --cache)
	find . -name __pycache__ -not -path './.venv/*' -not -path './node_modules/*' -prune -exec rm -rf {} +
	rm -rf .venv node_modules dist apps/*/node_modules apps/*/dist apps/*/.built apps/made .pytest_cache .mypy_cache .mypy_worker.* .ruff_cache .hypothesis .coverage*
	@rmdir .state 2>/dev/null || true

COMPILE := .venv/bin/uv pip compile --quiet --generate-hashes --no-header --no-annotate

lock: .venv/made ## make the lockfiles again, of the newest versions that are allowed
	$(COMPILE) --upgrade --output-file requirements.lock requirements.in
	$(COMPILE) --output-file host/requirements.lock host/requirements.in
	npm update --package-lock-only --ignore-scripts --omit-lockfile-registry-resolved

bench: ## measure the running stack; ARGS=--cold also `make up` from nothing, ARGS=--failover the rollback; without a stack --recovery a restore, --api the API, --suite the tests
	.venv/bin/python -m bench $(ARGS)
