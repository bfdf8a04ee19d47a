# Everything sets itself up on first use: virtual environment, packages, models (tools/setup.py).
.DEFAULT_GOAL := help
.PHONY: help talk relay flash test check bench bench-device clean
PYTHON ?= python3
VENV_PYTHON := .venv/bin/python
# make talk QUESTION=my.wav     ask your own recording      make talk LIVE=1   talk into a microphone
# make bench BENCH=latency      one benchmark, with its own arguments in ARGS="..."
QUESTION ?=
LIVE ?=
BENCH ?=
ARGS ?=

help: ## show this list
	@echo "Bramble: a talking toy that stays at home"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

talk: ## ask the toy spoken questions and hear its answers (QUESTION=my.wav, LIVE=1)
	@$(PYTHON) -m tools.setup talk $(if $(LIVE),--with microphone)
	@$(VENV_PYTHON) -m tools.talk $(if $(QUESTION),--question "$(QUESTION)") $(if $(LIVE),--live) $(ARGS)

relay: ## run the relay on this computer, for real toys
	@$(PYTHON) -m tools.setup talk
	@$(VENV_PYTHON) -m relay $(ARGS)

flash: ## make a toy out of a board on USB (ARGS="--pair Bramble --age 7"; --help)
	@$(PYTHON) -m tools.setup talk --with flash
	@$(VENV_PYTHON) -m tools.flash $(ARGS)

test: ## set up, then check and test everything
	@$(PYTHON) -m tools.setup test
	@$(MAKE) --no-print-directory check
	@# Most tests wait for sound to pass in real time: three at once leave two cores half idle.
	@$(VENV_PYTHON) -m pytest -q -n 3 --dist worksteal --durations=15 $(ARGS)
	@$(VENV_PYTHON) -m tools.left_out

check: ## formatting, lint, types, and the firmware against the ESP32's own interfaces
	@$(PYTHON) -m tools.setup test
	$(VENV_PYTHON) -m ruff check .
	$(VENV_PYTHON) -m ruff format --check .
	$(VENV_PYTHON) -m mypy
	$(VENV_PYTHON) -m tools.check_device

bench: ## measure (BENCH=latency|websocket|..., ARGS="--json out.json")
	@$(PYTHON) -m tools.setup test
	@$(VENV_PYTHON) -m tools.bench $(BENCH) $(ARGS)

bench-device: ## measure the firmware against its budgets, in one table
	@$(PYTHON) -m tools.setup test
	@$(VENV_PYTHON) -m tools.bench device $(ARGS)

clean: ## remove what was made here, except the downloaded models
	rm -rf .venv out build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +
