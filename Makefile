# make run    the product with everything it needs (PORT, METRICVAULT_DATA_DIR)
# make test   lint, import contracts, types, checks, tests; on servers, too, what can differ there (tests/asked.py)
# make test-thorough   the tests that `make test` leaves out to be quick
# make audit  known holes in what is installed, and bandit
# make test-servers   all that touches a database, and the main job, on PostgreSQL, Redis and InfluxDB
# make test-long   what takes minutes more: the API's fuzz and generated documents, plans and pushes in full, everybody at
#   every address, old backups
# make test-compose   Dockerfile and docker-compose.yml on stand-ins for the official images (root, Debian's docker.io)
# make cluster      a Kubernetes of one node (root; Debian's etcd-server, containerd, ...; Go builds the rest once)
# make test-cluster   the tests that need one
# Needs Python 3.11 or newer, and nothing else. What is installed is stamped with the sum of the file that asked for it.

# The embedded Redis comes as a wheel for Python 3.11 and 3.12, so one of those is taken where there is one.
FIND := for p in python3 python3.12 python3.11; do $$p -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' \
	2>/dev/null && echo $$p && exit; done; echo python3
PYTHON ?= $(shell $(FIND))
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install -qq --require-hashes
sum = $(shell cksum < $(1) | cut -d ' ' -f 1)
INSTALLED := $(VENV)/.run-$(call sum,requirements.txt)
INSTALLED_DEV := $(VENV)/.test-$(call sum,requirements-dev.txt)
BROWSER := node_modules/.made-$(call sum,package-lock.json)
CATALOGUES := $(patsubst %.po,%.mo,$(wildcard */locale/*/LC_MESSAGES/*.po))
UV := uv==0.13.9

.DELETE_ON_ERROR:
.PHONY: run test audit checks test-thorough test-servers test-long test-compose cluster test-cluster lint format messages requirements clean node_modules catalogues start-check

run: start-check $(INSTALLED) $(BROWSER) $(CATALOGUES)
	@exec $(BIN)/python -m metricvault.supervise

# Before minutes are spent on installing: is this Python new enough, is the port free? Standard library only.
start-check:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo 'Metric Vault needs Python 3.11 or newer. Where it has another name: make run PYTHON=python3.12' >&2; exit 1; }
	@$(PYTHON) -m metricvault.supervise --check

$(BIN)/python:
	@echo 'Making the virtual environment …'
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo 'Python cannot make virtual environments here. On Debian and Ubuntu: apt-get install python3-venv' >&2; exit 1; }

$(INSTALLED): | $(BIN)/python
	@echo 'Installing what the product needs …'
	@$(PIP) -r requirements.txt
	@rm -f $(VENV)/.run-* && touch $@

$(INSTALLED_DEV): | $(INSTALLED)
	@echo 'Installing what the tests need …'
	@$(PIP) -r requirements-dev.txt
	@rm -f $(VENV)/.test-* && touch $@

# Where the machine has no npm, a wheel brings it.
$(BROWSER): | $(INSTALLED)
	@echo 'Fetching what the pages need …'
	@command -v npm >/dev/null || test -x $(BIN)/npm || $(PIP) -r requirements-node.txt
	@PATH="$$PATH:$(CURDIR)/$(BIN)" npm ci --silent
	@touch $@

%.mo: %.po | $(INSTALLED)
	@$(BIN)/python -m metricvault.catalogues $<

node_modules: $(BROWSER)
catalogues: $(CATALOGUES)

# The tests' own data folder, so that nobody's data is touched. The checks run beside the tests and are shown before
# them; pytest's closing line stays the last one. With ARGS only those tests run, after the checks.
test: export METRICVAULT_DATA_DIR := $(CURDIR)/.data-test
# To write mypy's cache is a quarter of its time: not in a clone's first run, which may be the only one (a build's).
test: export MYPY_CACHE_DIR := $(or $(MYPY_CACHE_DIR),$(if $(wildcard .data-test .mypy_cache),.mypy_cache,/dev/null))
test: $(if $(ARGS),checks,$(INSTALLED_DEV) $(BROWSER) $(CATALOGUES))
	@mkdir -p $$METRICVAULT_DATA_DIR
	$(if $(ARGS),,METRICVAULT_TESTS=daily) $(BIN)/python -m $(if $(ARGS),pytest $(ARGS),tests.everything $(MAKE_COMMAND) --no-print-directory checks)

# .ci/run does both.
test-thorough: export METRICVAULT_DATA_DIR := $(CURDIR)/.data-test
test-thorough: $(INSTALLED_DEV) $(BROWSER) $(CATALOGUES)
	@mkdir -p $$METRICVAULT_DATA_DIR
	METRICVAULT_TESTS=thorough $(BIN)/python -m tests.everything

checks: lint
	@mkdir -p $${METRICVAULT_DATA_DIR:-.data-test}
	$(BIN)/python manage.py makemigrations --check --dry-run # makes Django's system checks first

# Known holes in what is installed, as PyPI and npm know them, and bandit over our code. Says what it could not ask.
audit: $(INSTALLED_DEV) $(BROWSER)
	@$(BIN)/python -m tests.auditing

# What takes long and says little more each day: the API's fuzz with the limits of
# every field and tokens of each scope, more generated examples, everybody at every address, upgrades of old backups.
test-long: export METRICVAULT_DATA_DIR := $(CURDIR)/.data-test
test-long: export METRICVAULT_LONG := 1
test-long: $(INSTALLED_DEV) $(BROWSER) $(CATALOGUES)
	@mkdir -p $$METRICVAULT_DATA_DIR
	$(BIN)/python -m pytest tests/test_api_fuzz.py tests/test_backup.py tests/access/test_matrix.py $(ARGS)
	$(BIN)/python -m pytest -m hypothesis metricvault projects history loadtests $(ARGS)

# On servers from Debian's packages, started for it and ended with it; what is missing is named.
test-servers: export METRICVAULT_DATA_DIR := $(CURDIR)/.data-test
test-servers: $(INSTALLED_DEV) $(BROWSER) $(CATALOGUES)
	@mkdir -p $$METRICVAULT_DATA_DIR
	@$(BIN)/python -m tests.on_servers $(ARGS)

# What is installed and cached for it lies in ~/.cache/metricvault-compose (METRICVAULT_COMPOSE_CACHE).
test-compose: $(INSTALLED)
	@$(BIN)/python -m tests.compose $(ARGS)

# Its programs are built into ~/.cache/metricvault-cluster (METRICVAULT_CLUSTER_CACHE). The end: python -m tests.cluster down
cluster: $(INSTALLED)
	@$(BIN)/python -m tests.cluster up

# On the cluster that `make cluster` left running, or on one of its own. Where there can be none it says so, and is no failure.
test-cluster: export METRICVAULT_DATA_DIR := $(CURDIR)/.data-test
test-cluster: $(INSTALLED_DEV) $(BROWSER) $(CATALOGUES)
	@mkdir -p $$METRICVAULT_DATA_DIR
	@$(BIN)/python -m tests.cluster test $(ARGS)

lint: $(INSTALLED_DEV) $(BROWSER) $(CATALOGUES)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

format: $(INSTALLED_DEV)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The catalogues' texts out of source and templates; ends with 1 while something is left to translate.
messages: $(INSTALLED_DEV)
	$(BIN)/python -m metricvault.messages

# The pinned files, for every platform at once, out of the .in files.
requirements: $(BIN)/python
	@$(BIN)/python -m pip install --quiet $(UV)
	@for name in requirements requirements-node requirements-dev; do \
	  UV_CUSTOM_COMPILE_COMMAND='make requirements' $(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
	    --generate-hashes --no-emit-index-url --no-config $$name.in --output-file $$name.txt || exit; done

# What was installed and made, but no data.
clean:
	rm -rf $(VENV) node_modules .data-test .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	rm -f $(CATALOGUES)
