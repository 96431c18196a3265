# make run    set up on first use, then serve the dashboard to this machine; make run HOST=0.0.0.0 to all
# make test   set up on first use, then run every check; types are checked beside the tests
# make lint   ruff, mypy, and biome for the script
# make check  the longer forms of the checks
# make examples  the answers of the shipped examples, after the shipped models changed
# make bench  the table of figures of this machine
# make gpu    what a machine with a GPU is asked once: MINUTES=9, OUT=runs/gpu; uses the python3 at hand, installs nothing

PYTHON ?= python3
HOST ?= localhost
PORT ?= 8501
MINUTES ?= 9
OUT ?= runs/gpu
# code that was translated once is kept: hundreds of processes of the tests import the same packages
unexport PYTHONDONTWRITEBYTECODE
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test check style lint examples bench gpu clean

$(VENV)/.runtime: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Locuscope needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Name another one: make PYTHON=python3.12")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-compile -r requirements.txt
	touch $@

$(VENV)/.tests: tests/requirements.txt $(VENV)/.runtime
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-compile -r tests/requirements.txt
	touch $@

run: $(VENV)/.runtime
	$(BIN)/python -m streamlit run app.py --server.address $(HOST) --server.port $(PORT)

style: $(VENV)/.tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/biome ci --config-path=.biome.json static tests/static

lint: style
	$(BIN)/mypy

test: style
	$(BIN)/python -m tests.browser.chromium
	@echo "mypy runs beside the tests; what it says stands at their end"
	@$(BIN)/mypy > $(VENV)/types.txt 2>&1 & types=$$!; \
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder --durations=20 -m "not long"; tests=$$?; \
	wait $$types; types=$$?; cat $(VENV)/types.txt; exit $$((tests || types))

check: $(VENV)/.tests
	OMP_NUM_THREADS=1 LOCUSCOPE_EXAMPLES=100000 $(BIN)/python -m pytest --timeout=7200 tests/test_properties.py
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --timeout=7200 -m long
	$(BIN)/python -m tests.load --visitors 20 --browsers 2
	$(BIN)/python -m tests.load --visitors 8 --minutes 10
	LOCUSCOPE_PROCESSES=50 $(BIN)/python -m pytest tests/service/test_same_bytes.py

examples: $(VENV)/.runtime
	$(BIN)/python -m engine.service.answers

bench: $(VENV)/.tests
	$(BIN)/python -m engine bench
	$(BIN)/python -m tests.browser.timings

gpu:
	$(PYTHON) -m engine.bench.gpu --minutes $(MINUTES) --out $(OUT) $(GPU)

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +
