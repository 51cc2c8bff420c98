# Two commands are all that a newcomer needs: `make demo` and `make test`. Both set up what they need first.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
SEEDS ?= 200
EXAMPLES ?= 5000
MILLION ?= 1000000

.PHONY: demo test install check fix bench fuzz world screenshots clean
.DEFAULT_GOAL := demo

demo: $(VENV)/demo                ## three simulated sites; a furnace resumes; the violation appears
	@$(BIN)/coldseal demo

test: install                     ## every check and every test; installs the system's parts when it may
	@sh tests/system_parts.sh
	@$(MAKE) --no-print-directory check
	@$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

install: $(VENV)/dev              ## the environment of a developer

check: $(VENV)/dev                ## style, types, the law of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fix: $(VENV)/dev                  ## what the tools can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/dev                ## from a reply above the limit to the stored violation, 1 and 200 meters; then the console, then polling
	$(BIN)/coldseal bench end-to-end --meters 1 --json
	$(BIN)/coldseal bench end-to-end --meters 200 --json
	$(BIN)/coldseal bench console --json
	$(BIN)/coldseal bench poll --json

fuzz: $(VENV)/dev                 ## every decoder against EXAMPLES hostile inputs each; a MILLION Modbus reads and frames
	COLDSEAL_EXAMPLES=$(EXAMPLES) COLDSEAL_READS=$(MILLION) COLDSEAL_FRAMES=$(MILLION) $(BIN)/python -m pytest tests/fuzz --timeout 0

world: $(VENV)/dev                ## real agent parts and real server over a faulty network, SEEDS seeds
	COLDSEAL_SEEDS=$(SEEDS) $(BIN)/python -m pytest tests/world --timeout 0

screenshots: $(VENV)/dev          ## every page, size, language and theme into screenshots/, four of them into docs/pictures
	$(BIN)/python -m tests.browser.screenshots screenshots
	cp screenshots/board-zh-1920.png screenshots/violation-zh.png screenshots/seal-en-dark.png screenshots/board-zh-390.png docs/pictures

clean:                            ## the environment
	rm -rf $(VENV)

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: apt install python3 python3-venv" >&2; exit 3; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$(PYTHON) is too old: expected Python 3.11 or newer, got $$($(PYTHON) -V)" >&2; exit 3; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "$(PYTHON) cannot make environments: install its venv with: apt install python3-venv" >&2; exit 3; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/demo: $(VENV)/bin/python pyproject.toml
	@echo "installing ColdSeal and what it stands on into $(VENV) (about a minute) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[demo]'
	@touch $@

$(VENV)/dev: $(VENV)/bin/python pyproject.toml
	@echo "installing ColdSeal, its tests and tools into $(VENV) (about a minute) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ $(VENV)/demo
