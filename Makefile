# make run    sets up a fresh machine and runs the program; settings go into ARGS="--api-port 9000"
# make test   sets up and runs every check
VENV := .venv
PYTHON ?= python3
BIN := $(VENV)/bin
SOURCES := $(wildcard *.py) data_ingestion orderbook features state api dashboard processes
MODULE_TESTS := $(wildcard tests/dashboard/unit/*.test.mjs tests/dashboard/unit/*/*.test.mjs)

# A start imports a thousand modules, which takes twice as long where none is kept as bytecode.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test check-python check-types check-modules help fast pure drill evaluate campaign cluster clients load orders fuzz soak page bench latency scale pins clean

run: $(VENV)/run.stamp
	@$(BIN)/python main.py $(ARGS)

test:
	@$(MAKE) --no-print-directory -j 2 node_modules/.stamp $(VENV)/dev.stamp
	@$(MAKE) --no-print-directory -j 2 check-python check-types check-modules
	$(BIN)/python -m pytest tests --ignore=tests/dashboard -n 4 --dist loadfile --no-loadscope-reorder
	$(BIN)/python -m pytest tests/dashboard -n 3 --dist loadfile --no-loadscope-reorder

check-python: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy --platform win32 --cache-dir .mypy_cache/win32 $(SOURCES)

check-types: $(VENV)/dev.stamp
	$(BIN)/mypy
	$(BIN)/mypy --platform darwin --cache-dir .mypy_cache/darwin $(SOURCES)

check-modules: node_modules/.stamp
	npx --no-install tsc
	npx --no-install eslint --no-error-on-unmatched-pattern dashboard/assets tests/dashboard
	$(if $(MODULE_TESTS),node --test $(MODULE_TESTS))

help:
	@echo 'make run       set up and run; settings go into ARGS="--api-port 9000"'
	@echo 'make test      set up and run every check'
	@echo 'make fast      compile the core by mypyc, which the program then runs; needs a C compiler'
	@echo 'make pure      remove what make fast compiled'
	@echo 'make drill     every fault of the replay rig against the program, with recovery times'
	@echo 'make evaluate  precision and recall of the detectors on staged patterns (PATTERNS, SEED, HOURS) or in a RECORDING'
	@echo 'make campaign  thousands of random faults, all that is live checked against the truth (FAULTS, SEED)'
	@echo 'make cluster   engines of two hosts and three APIs over NATS, each killed in turn under CLIENTS'
	@echo 'make clients   clients of others on the simulated exchange, with faults (SECONDS, CLIENTS_PYTHON)'
	@echo 'make load      delivery lag to a thousand clients and more (CLIENTS)'
	@echo 'make orders    simulated orders against the whole book of the replay rig, and their latency (ORDERS)'
	@echo 'make fuzz      the decoders under libFuzzer (SECONDS)'
	@echo 'make soak      memory and CPU of each process (MINUTES, PAGE=1 opens the page too)'
	@echo 'make page      drawing times, heap and WebGL contexts of the page (MINUTES)'
	@echo 'make bench     stages of the engine in multiples of decoding (ARGS="--peers")'
	@echo 'make latency   socket to book and to frame inside an engine, at 1x and 50x the real rate'
	@echo 'make pins      pin anew all that requirements*.in need, with hashes'
	@echo 'make scale     CPU and latency with 2, 10 and 50 symbols (SYMBOLS=2,10,50)'

# The core compiled by mypyc, into .fast beside the sources; the program uses it for as long as it is of them.
fast: $(VENV)/dev.stamp
	@$(BIN)/python -m tests.tools.compile_core

pure:
	@rm -rf .fast

# Precision and recall of the detectors: on staged patterns, with flags where nothing is staged; or with RECORDING=file
# SYMBOL=name on patterns woven into a recording, by strength.
evaluate: $(VENV)/dev.stamp
	$(if $(RECORDING),$(BIN)/python -m tests.tools.detection.injection --recording $(RECORDING) --symbol $(or $(SYMBOL),BTCUSDT) \
		--patterns $(or $(PATTERNS),20) --seed $(or $(SEED),4000),\
		$(BIN)/python -m tests.tools.detection.evaluate --patterns $(or $(PATTERNS),200) --seed $(or $(SEED),2000) \
		--hours $(or $(HOURS),1))

# Every fault of the replay rig against the real program, with recovery times.
drill: $(VENV)/dev.stamp
	$(BIN)/python -m tests.replay.drill

# Thousands of random faults, all that is live checked against the exchange's own book; FAULTS=10000 SEED=1 by default.
campaign: $(VENV)/dev.stamp
	$(BIN)/python -m tests.tools.campaign --faults $(or $(FAULTS),10000) --seed $(or $(SEED),1)

# Engines of two hosts and three APIs over NATS, each engine and the server killed in turn; CLIENTS=500 by default.
cluster: $(VENV)/dev.stamp
	$(BIN)/python -m tests.tools.cluster --clients $(or $(CLIENTS),500)

# Other people's clients against the simulated exchange, in .venv-clients; SECONDS=60 by default.
clients: $(VENV)/dev.stamp
	$(BIN)/python -m tests.tools.clients --seconds $(or $(SECONDS),60)

# How many WebSocket clients get their frames in time, and what misbehaving ones change; CLIENTS=1000 by default.
load: $(VENV)/dev.stamp
	$(BIN)/python -m tests.tools.load --clients $(or $(CLIENTS),1000)

# Simulated orders at depth=known, checked against the whole book of the replay rig; ORDERS=10000 by default.
orders: $(VENV)/dev.stamp
	$(BIN)/python -m tests.tools.load.orders --orders $(or $(ORDERS),10000)

# The decoders under libFuzzer; SECONDS=60 by default. Needs a wheel of atheris, which there is for Linux.
fuzz: $(VENV)/dev.stamp
	@$(BIN)/pip install --quiet --disable-pip-version-check --only-binary :all: atheris==3.0.0
	$(BIN)/python -m tests.fuzz.decoders -max_total_time=$(or $(SECONDS),60)

# Memory and CPU of each process on the simulated exchange; MINUTES=10 by default. PAGE=1 opens the page as well.
soak: $(VENV)/dev.stamp
	$(BIN)/python -m tests.tools.soak --minutes $(or $(MINUTES),10) $(if $(PAGE),--page --plot docs/soak.svg)

# Drawing times, heap and WebGL contexts of the page in headless Chromium; MINUTES=10 by default.
page: $(VENV)/dev.stamp
	$(BIN)/python -m tests.dashboard.measure --minutes $(or $(MINUTES),10)

# The engine's work in multiples of decoding, with the goals; others too with ARGS=--peers.
bench: $(VENV)/dev.stamp
	$(BIN)/python -m tests.tools.with_core auto tests.tools.benchmarks $(ARGS)

# From a depth message on its way to a book that has it, and to an encoded frame, at 1x and 50x the real rate.
latency: $(VENV)/dev.stamp
	$(BIN)/python -m tests.tools.with_core auto tests.tools.benchmarks latency $(ARGS)

# The whole program with more and more simulated symbols; SYMBOLS=2,10,50 by default. Draws docs/scale.svg.
scale: $(VENV)/dev.stamp
	$(BIN)/python -m tests.tools.benchmarks scale --symbols $(or $(SYMBOLS),2,10,50) --plot docs/scale.svg $(ARGS)

# Pins all that requirements*.in need, for every Python from 3.11 on and every system, with hashes.
pins:
	@for name in requirements requirements-dev; do \
		$(BIN)/uv pip compile $$name.in --quiet --universal --python-version 3.11 --generate-hashes \
			--custom-compile-command "make pins" --output-file $$name.txt && \
		echo "# of $$name.in, sha256 $$(sha256sum < $$name.in | cut -d' ' -f1)" >> $$name.txt; \
	done

clean:
	rm -rf $(VENV) node_modules .fast

$(VENV)/run.stamp: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; name one with PYTHON=python3.12"; exit 2; }
	@echo "Installing into $(VENV) (once) ..."
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo "Python's venv is missing; on Debian and Ubuntu: apt-get install python3-venv"; exit 2; }
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-compile -r requirements.txt
	@touch $@

$(VENV)/dev.stamp: requirements-dev.txt $(VENV)/run.stamp
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-compile -r requirements-dev.txt
	@touch $@

# What checks the page's modules. Nothing of it is needed to run the program.
node_modules/.stamp: package-lock.json
	@command -v npm >/dev/null && node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a * 100 + b < 2019 ? 1 : 0)' \
		|| { echo "make test needs Node 20.19 or newer, and npm; Debian 12 has an older one, nodejs.org a newer"; exit 2; }
	@npm ci --no-audit --no-fund --silent
	@touch $@
