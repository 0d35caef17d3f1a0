# Two commands and no board: `make demo` and `make test`.
BOARD ?= microbit
VENV ?= .venv
export VENV

.PHONY: demo test test-tflm results guarantees alternatives search fuzz bench-engine bench-boards bench-faults bench-link docs lint setup plan clean help

help:
	@echo "make demo            train, convert, build, flash and bench inversek2j on an emulated micro:bit"
	@echo "make demo BOARD=native   the same as a process on this machine: needs a C compiler only"
	@echo "make test            every test"
	@echo "make test-tflm TFLM=dir  the tests and figures of the engine tflm, with the TensorFlow Lite Micro built there"
	@echo "make results         compare all methods on all kernels (hours; goes on where it stopped), write docs/results.md"
	@echo "make guarantees      what int8 and int16 are worth on all kernels over seeds; writes docs/guarantees.md"
	@echo "make alternatives    a lookup table and a polynomial beside the network for every kernel, write docs/alternatives.md"
	@echo "make search          axedge search against the hand-chosen networks, write docs/search.md (half an hour)"
	@echo "make fuzz            ten million executions of the firmware's frame and command core under sanitizers"
	@echo "make bench-engine    count what the generated code costs on emulated cores; writes docs/engine.md and out/engine.json"
	@echo "make bench-boards    four kernels on every board, emulated where it can be; writes docs/boards.md and out/boards.json"
	@echo "make bench-faults    100,000 samples through each kind of bad line, write docs/faults.md (some minutes)"
	@echo "make bench-link      how much of the line is payload, and what limits the link"
	@echo "make plan            what set-up would install, and how much it weighs"
	@echo "make docs            the documentation as a site, into out/site; needs no network"
	@echo "make lint            ruff"

demo:
	@scripts/setup.sh demo $(BOARD)
	@$(VENV)/bin/axedge run inversek2j --board $(BOARD)

test:
	@scripts/setup.sh test
	@$(VENV)/bin/python -m pytest -n 2 --dist loadgroup --no-unlisted-skips

# The tests of the engine tflm skip without a library; docs/tflm.md says how to build one.
test-tflm:
	@test -n "$(TFLM)" || { echo "Name the folder in which TensorFlow Lite Micro was built: make test-tflm TFLM=dir (docs/tflm.md)." >&2; exit 2; }
	@scripts/setup.sh test-tflm
	@TFLM="$(abspath $(TFLM))" $(VENV)/bin/python -m pytest -q -rsP -k with_built_tflm tests/end_to_end tests/convert/dropin
	@$(VENV)/bin/python -m benchmarks.tflm --tflm "$(TFLM)"

# Trainings are kept in out/, so this can be interrupted; the figures show the networks of `axedge train`.
KERNELS ?= inversek2j bessel_jnu blackscholes fft sobel kmeans jpeg jmeint wetbulb sunpos
SEEDS ?= 5

results:
	@scripts/setup.sh test
	@$(VENV)/bin/axedge compare $(KERNELS) --seeds $(SEEDS) --jobs 2
	@for kernel in $(KERNELS); do $(VENV)/bin/axedge train $$kernel || exit 1; done
	@$(VENV)/bin/python -m benchmarks.guarantees $(KERNELS) --seeds $(SEEDS) --write
	@$(VENV)/bin/python -m benchmarks.results_page

guarantees:
	@scripts/setup.sh test
	@$(VENV)/bin/python -m benchmarks.guarantees $(KERNELS) --seeds $(SEEDS) --write

# A table and a polynomial beside the network, for every kernel on one board (an hour; what is up to date is not done again).
# A network that can promise nothing in 8 bits is tried in 16; one that cannot then, or does not fit, has no row.
alternatives:
	@scripts/setup.sh test
	@for kernel in $(KERNELS); do \
	  $(VENV)/bin/axedge run $$kernel --board $(BOARD) \
	  || $(VENV)/bin/axedge run $$kernel --board $(BOARD) --activations int16 \
	  || echo "$$kernel: no row"; \
	done
	@$(VENV)/bin/python -m benchmarks.alternatives_page --board $(BOARD)

# What `axedge search` finds at the flash of the hand-chosen networks; finished trials are not done again.
search:
	@scripts/setup.sh test
	@$(VENV)/bin/python -m benchmarks.search_page inversek2j blackscholes kmeans wetbulb fft bessel_jnu

fuzz:
	@scripts/setup.sh test
	@$(VENV)/bin/python tests/fuzz/run.py --runs 10000000 --corpus out/fuzz

docs:
	@scripts/setup.sh test
	@NO_MKDOCS_2_WARNING=1 $(VENV)/bin/python -m mkdocs build --quiet && echo "out/site/index.html"

lint:
	@scripts/setup.sh test
	@$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check .

bench-engine:
	@scripts/setup.sh test
	@$(VENV)/bin/python -m benchmarks.engine

BOARD_KERNELS ?= inversek2j inversek2j_double bessel_jnu wetbulb

bench-boards:
	@scripts/setup.sh test
	@for kernel in $(BOARD_KERNELS); do $(VENV)/bin/axedge run $$kernel --board native >/dev/null || exit 1; done
	@$(VENV)/bin/python -m benchmarks.boards $(BOARD_KERNELS:%=--kernel %)

# Both run the native board; bench-faults also writes docs/faults.md.
bench-faults bench-link:
	@scripts/setup.sh test
	@$(VENV)/bin/axedge run inversek2j --board native >/dev/null
	@$(VENV)/bin/python -m benchmarks.$(@:bench-%=%)

plan:
	@scripts/setup.sh plan demo $(BOARD)

clean:
	rm -rf out build dist
