# `make demo` and `make test` each do all their own set-up on a fresh machine.
.PHONY: setup build demo test fuzz sanitize bench bench-all experiment experiment-real chaos share wheel wheel-test docs format lint clean

setup:
	@scripts/setup

build: setup
	@echo "build: the program, optimised, to .build/release/headway (a first build takes several minutes)"
	swift build -c release --product headway

demo: build
	@echo "demo: a small world, a model of it and what its attention heads do, to headway-demo/"
	.build/release/headway demo --out headway-demo --resume

test: setup
	@echo "test: building everything and its tests (a first build takes several minutes), then running them"
	swift test

# What is promised of files from elsewhere, and what holds it: docs/Security.md. SECONDS is for each of READERS.
SECONDS ?= 300
READERS ?=
fuzz: setup
	@echo "fuzz: libFuzzer over each reader of files, $(SECONDS) seconds each (a first build takes several minutes)"
	@scripts/fuzz --seconds $(SECONDS) $(READERS)

sanitize: setup
	@echo "sanitize: the tests of what handles memory and threads, under the compilers' sanitizers (half an hour of building on two cores)"
	@scripts/sanitize address
	@scripts/sanitize thread

bench: build
	@echo "bench: patterns, long samples, fine-tuning and ablation beside their rivals and the machine's limit (half an hour on two cores; Benchmarks/run --help for less)"
	@Benchmarks/run

bench-all: build
	@echo "bench-all: the same with more samples, every rival, a model of 16 GB, generation, evaluation, and how cost grows (hours, and 30 GB of disk)"
	@Benchmarks/run --all
	@Benchmarks/run --growth

# Both go on where they were stopped; scripts/experiment/run.py KIND --dry-run tells what is left (docs/Findings-plan.md).
experiment: build
	@echo "experiment: the paper's claims on ten seeds of the small world, to experiment-small-world/"
	@scripts/experiment/run.py small-world

experiment-real: build
	@echo "experiment: real data and weights of ../shared, to experiment-real/"
	@scripts/experiment/run.py real

# For less of it, or where no file system can be made: scripts/chaos/run.py --help.
chaos: build
	@echo "chaos: 100 kills at random moments and full disks, each run held against an undisturbed one (a quarter of an hour; full disks need root)"
	@scripts/chaos/run.py

# What a package installs below share/: completions for bash, zsh and fish, and the manual page.
share: build
	@scripts/share .build/release/headway .build/share

# dist/headway-VERSION-….whl, for pip (docs/Installing.md); wheel-test installs it into an environment of its own, which takes a GB from PyPI once.
wheel: setup
	@scripts/wheel/build.py

wheel-test: wheel
	@scripts/wheel/test.py

docs: setup
	@scripts/docs

format:
	swift format --in-place --recursive --parallel Package.swift Sources Tests Examples/Program

lint:
	swift format lint --strict --recursive --parallel Package.swift Sources Tests Examples/Program
	@python3 scripts/checks/imports.py >/dev/null
	@python3 scripts/checks/examples.py

clean:
	rm -rf .build .build-wheel .build-fuzz .build-address* .build-undefined .build-thread dist
