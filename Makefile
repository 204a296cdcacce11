# `make demo` and `make test` each do all their own set-up.
.PHONY: setup build demo test bench docs format lint clean

setup:
	@scripts/setup
build: setup
	swift build -c release
test: setup
	swift test
demo: build
	@scripts/demo
bench: build
	@Benchmarks/run
docs: setup
	@scripts/docs
format:
	swift format --in-place --recursive --parallel Package.swift Sources Tests
lint:
	swift format lint --strict --recursive --parallel Package.swift Sources Tests
clean:
	rm -rf .build
