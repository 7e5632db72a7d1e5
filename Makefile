# make run    sets up a fresh machine and runs the program; settings go into ARGS="--api-port 9000"
# make test   sets up and runs every check
VENV := .venv
PYTHON ?= python3
BIN := $(VENV)/bin

.PHONY: run test drill soak page bench clean

run: $(VENV)/run.stamp
	@$(BIN)/python main.py $(ARGS)

test: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest $(ARGS)

# Every fault of the replay rig against the real program, with recovery times.
drill: $(VENV)/dev.stamp
	$(BIN)/python -m tests.replay.drill

# Memory and CPU of each process on the simulated exchange; MINUTES=10 by default.
soak: $(VENV)/dev.stamp
	$(BIN)/python -m tests.soak --minutes $(or $(MINUTES),10)

# Drawing times, heap and WebGL contexts of the page in headless Chromium; MINUTES=10 by default.
page: $(VENV)/dev.stamp
	$(BIN)/python -m tests.dashboard.measure --minutes $(or $(MINUTES),10)

# The engine's work in multiples of decoding, with the goals; others too with ARGS=--peers.
bench: $(VENV)/dev.stamp
	$(BIN)/python -m tests.benchmarks $(ARGS)

clean:
	rm -rf $(VENV)

$(VENV)/run.stamp: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; name one with PYTHON=python3.12"; exit 2; }
	@echo "Installing into $(VENV) (once) ..."
	@$(PYTHON) -m venv $(VENV) || { echo "venv is missing; on Debian: apt-get install python3-venv"; exit 2; }
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/dev.stamp: requirements-dev.txt $(VENV)/run.stamp
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@
