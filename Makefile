# Two targets do all set-up on a fresh machine with Python 3.11 and pip, each on its own:
#   make demo   the main job on the example data; says where the results lie
#   make test   linters, types, layers, the whole test suite, the built wheel in a clean environment
# Both fetch the default model, SmolLM2-135M-Instruct (93 MB), once.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OUT := out/demo
export OMP_NUM_THREADS := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test check format model clean

$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "pasta-toolkit needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable ".[all,dev]"
	@touch $@

model: $(VENV)/.installed
	@$(BIN)/pasta model fetch

demo: model
	@PATH="$(abspath $(BIN)):$$PATH" bash examples/demo.sh $(OUT)

test: check model
	$(BIN)/pytest

check: $(VENV)/.installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.installed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) out build dist
