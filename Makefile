.DEFAULT_GOAL := help
SHELL := /bin/bash

VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
CODE := contract controlplane dataplane upstream mirrormaker sandbox interlock.py
ALL_PYTHON := $(CODE) $(wildcard clients reliability tests benchmarks migrations fuzz)

.PHONY: help
help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(VENV)/.installed: requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing the locked Python packages into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

.PHONY: setup
setup: $(VENV)/.installed ## install all that the other targets need; compile the data path where that can be done
	@$(BIN)/python -m compileall -q $(CODE)
	@$(BIN)/python -m dataplane.building

.PHONY: check
check: style ## style, types, layers and unit tests, in a minute or two
	@$(BIN)/python -m pytest -q -m "not environment and not model"

.PHONY: style
style: $(VENV)/.installed ## style, types and layers alone
	@$(BIN)/ruff format --quiet --check $(ALL_PYTHON)
	@$(BIN)/ruff check --quiet $(ALL_PYTHON)
	@$(BIN)/mypy
	@$(BIN)/pyright --warnings --pythonpath $(BIN)/python
	@$(BIN)/lint-imports

.PHONY: test
test: setup ## all tests, on real Kafka and real Postgres that it sets up itself
	@$(BIN)/python -m pytest --numprocesses=2 --dist=loadgroup --durations=25
	@$(MAKE) --no-print-directory interpreted

.PHONY: interpreted
interpreted: $(VENV)/.installed ## the data path's unit tests, and those that need it so, with its sources interpreted
	@INTERLOCK_INTERPRETED=1 $(BIN)/python -m pytest -q --numprocesses=2 --dist=loadgroup \
	  -m "not environment and not model" \
	  tests/dataplane tests/model tests/simulation
	@INTERLOCK_INTERPRETED=1 $(BIN)/python -m pytest -q \
	  tests/dataplane/gateway/test_repeated_answers.py \
	  tests/dataplane/gateway/test_renumbered_clients.py

.PHONY: demo
demo: setup ## the whole scenario on this machine: two clusters, a switch, and what it cost
	@$(BIN)/interlock sandbox demo

.PHONY: demo-secure
demo-secure: setup ## the same with TLS and log-ins everywhere, tried by a test in some minutes
	@INTERLOCK_SECURE_DEMO=1 $(BIN)/python -m pytest -q tests/sandbox/demo/test_demo_secure.py

.PHONY: readers
readers: setup ## consumer groups of every library and kind over planned switches, in some minutes
	@INTERLOCK_ALL_READERS=1 $(BIN)/python -m pytest -q tests/system/test_groups.py

.PHONY: bench
bench: setup ## measure against direct, and BEFORE=COMMIT, in one run of some minutes; writes docs/benchmarks.md
	@PYTHONPATH=. $(BIN)/python benchmarks/gateway.py

.PHONY: cost
cost: setup ## processor time of a request beside that at another commit (BEFORE=main), in two minutes
	@PYTHONPATH=. $(BIN)/python benchmarks/side_by_side.py $(or $(BEFORE),main)

.PHONY: watch-cost
watch-cost: setup ## what the watch and the proof cost by size (TOPICS="5 20 50"), some minutes; writes docs/watch-cost.md
	@PYTHONPATH=. $(BIN)/python benchmarks/watching.py $(TOPICS)

.PHONY: scale
scale: setup ## the switch by size (SIZES="50 500 2000" partitions), some minutes each; writes docs/scale.md
	@$(BIN)/python -m benchmarks.scale $(SIZES)

.PHONY: long-log
long-log: setup ## a log of EVENTS=1000000: start, pages, the walk over its chain; writes docs/long-log.md
	@PYTHONPATH=. $(BIN)/python benchmarks/long_log.py --events $(or $(EVENTS),1000000)

.PHONY: fuzz
fuzz: setup ## fuzz all code that reads foreign bytes (SECONDS=1800); writes docs/fuzzing.md
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r fuzz/requirements.txt
	@$(BIN)/python -m fuzz.run --seconds $(or $(SECONDS),1800)

.PHONY: clients
clients: setup ## every client library through the gateway, in some minutes; writes docs/clients.md
	@$(BIN)/python -m clients
	@INTERLOCK_ALL_CLIENTS=1 INTERLOCK_INTERPRETED=1 $(BIN)/python -m pytest -q \
	  tests/dataplane/gateway/test_repeated_answers.py \
	  tests/dataplane/gateway/test_renumbered_clients.py

.PHONY: switch-soak
switch-soak: setup ## planned switches under load (SWITCHES=100), about an hour; writes docs/reliability.md
	@$(BIN)/python -m reliability --switches $(or $(SWITCHES),100)

.PHONY: simulate
simulate: setup ## the switch in a world that fails (SEEDS=100000), about an hour
	@PYTHONPATH=. $(BIN)/python -m tests.simulation.seeds $(or $(SEEDS),100000)

.PHONY: worlds
worlds: setup ## a tenant that changes and deletes, there and back (WORLDS=20), a minute for each
	@INTERLOCK_WORLDS=$(or $(WORLDS),20) $(BIN)/python -m pytest -q tests/system/test_parity.py

.PHONY: crashes
crashes: setup ## a control plane is killed after each event of a switch, in some ten minutes
	@INTERLOCK_ALL_CRASHES=1 $(BIN)/python -m pytest -q tests/system/test_crash.py \
	  tests/controlplane/coordinator/test_switching.py

.PHONY: upgrade
upgrade: setup ## a rolling upgrade from BEFORE=COMMIT under load, and back, in some ten minutes; writes docs/upgrades.md
	@$(BIN)/python -m reliability.upgrade $(or $(BEFORE),HEAD)

.PHONY: restores
restores: setup ## the database goes back to before each event of a switch, in some minutes; writes docs/restores.md
	@INTERLOCK_ALL_RESTORES=1 $(BIN)/python -m pytest -q tests/system/test_restored.py \
	  tests/controlplane/test_lost_tail.py

.PHONY: records
records: setup ## whatever a broker takes, mirrored and proved (ROUNDS=12), some minutes; writes docs/records.md
	@INTERLOCK_RECORDS=$(or $(ROUNDS),12) $(BIN)/python -m pytest -q tests/system/test_mirror.py \
	  -k whatever_a_broker_takes

.PHONY: console-shots
console-shots: setup ## pictures of the console's pages, from a real browser; writes docs/console
	@$(BIN)/python -m pytest -q tests/system/test_console.py --console-shots docs/console

.PHONY: console-offline
console-offline: setup ## the same browser where there is no network but loopback; needs root (unshare)
	@unshare --net sh -c 'ip link set lo up && exec $(BIN)/python -m pytest -q tests/system/test_console.py'

.PHONY: explore
explore: setup ## every state of a switch with a change of leader or an abort, and what each rule is for, some minutes
	@PYTHONPATH=. $(BIN)/python -m tests.model

.PHONY: forced-soak
forced-soak: setup ## forced switches, the active cluster killed (SWITCHES=30 SEED=1); writes docs/forced.md
	@$(BIN)/python -m reliability --forced --switches $(or $(SWITCHES),30) --seed $(or $(SEED),1)

.PHONY: attack
attack: setup ## one tenant against all, with a switch every minute (SECONDS=600); writes docs/attack.md
	@$(BIN)/python -m reliability.attack --seconds $(or $(SECONDS),600)

.PHONY: faults
faults: setup ## every fault in every state of a switch, some hours, goes on where it was (STATE=, FAULT=); writes docs/faults.md
	@$(BIN)/python -m tests.faults $(if $(STATE),--state "$(STATE)") $(if $(FAULT),--fault "$(FAULT)")

.PHONY: format
format: setup ## format and mend what can be mended by itself
	@$(BIN)/ruff format $(ALL_PYTHON)
	@$(BIN)/ruff check --fix $(ALL_PYTHON)

.PHONY: lock
lock: ## lock what pyproject.toml asks for anew; all else stays, but for PACKAGES="kio httpx"
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv pip compile --quiet $(PACKAGES:%=--upgrade-package %) \
	  --generate-hashes --no-emit-index-url --no-header \
	  --all-extras --python-version 3.11 pyproject.toml -o requirements.lock
	@$(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header \
	  --constraint requirements.lock --python-version 3.11 pyproject.toml -o deploy/requirements.lock
