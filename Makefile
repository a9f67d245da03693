# make reproduce   the quick set: environment, notebooks, figures
# make test        the test suite
# make lint        style, unused and undeclared packages, types, notebooks without results
# make figures     the thesis set's figures from the kept tables, without training
#                  (SET=extended: those of a hundred seeds)
# make report      the gallery, outputs/<set>/index.html, from what is there (SET=quick)
# make gpu         the graphics card held against the CPU: one page to send
# make poster      outputs/<set>/poster.pdf and .png, A0, from what is kept (SET=thesis)
# make bench       speed and memory against stated peers
# make fuzz        damage, kill and misuse it for minutes; nothing may be silent or raw
# make lab         JupyterLab
# make media       the README's moving picture
# make readmes     the README of each folder
# make help        this text
PYTHON ?= python3
SET ?= quick
BIN := .venv/bin
READY := .venv/.ready
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
ALL := -c constraints.txt -e '.[test]'

.PHONY: help reproduce figures report poster test gpu bench fuzz lab media readmes lint clean
.DEFAULT_GOAL := help

help:
	@sed -n '/^#/!q; s/^# //p' Makefile

# uv installs in parallel; where it cannot be had or fails, pip does the same more slowly.
# Compiled once, every start is seconds faster.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed; this is $$($(PYTHON) --version)."; \
	       echo "Try: make PYTHON=python3.12"; exit 1; }
	@echo "[1/2] creating .venv"
	@rm -rf .venv && $(PYTHON) -m venv .venv
	@echo "[2/2] installing the packages of constraints.txt"
	@echo "      (torch alone is several GB; one to some minutes)"
	@$(PIP) uv 2>/dev/null \
	  && $(BIN)/python -m uv pip install --python $(BIN)/python --quiet --compile-bytecode $(ALL) \
	  || $(PIP) $(ALL)
	@touch $@

reproduce: $(READY)
	@$(BIN)/python -m lth_utils run all --set $(SET)

figures: SET = thesis
figures: $(READY)
	@$(BIN)/python -m lth_utils figures --set $(SET)

report: $(READY)
	@$(BIN)/python -m lth_utils report --set $(SET)

poster: SET = thesis
poster: $(READY)
	@$(BIN)/python -m lth_utils poster --set $(SET)

test: $(READY)
	@$(BIN)/python -m pytest -q -n auto --dist loadfile --no-loadscope-reorder

gpu: $(READY)
	@$(BIN)/python -m lth_utils selftest --device cuda

bench: $(READY)
	@$(BIN)/python tests/bench.py

fuzz: $(READY)
	@$(BIN)/python -W ignore tests/fuzz.py --damages 2000 --kills 200
	@$(BIN)/python -W ignore tests/fuzz_inputs.py --inputs 2000

lab: $(READY)
	@$(BIN)/jupyter lab notebooks

media: $(READY)
	@$(BIN)/python tests/media.py

readmes: $(READY)
	@$(BIN)/python -m lth_utils readmes

# the last line only reports: how the code compares with the house's own measures
lint: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/nbstripout --verify notebooks/*.ipynb
	@$(BIN)/deptry lth_utils
	@$(BIN)/mypy
	-@$(BIN)/python tests/house_metrics.py

clean:
	rm -rf .venv
