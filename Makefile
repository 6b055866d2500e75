# make run     builds and starts everything on this machine
# make test    Go tests, then the tests in Node (real clients over real sockets)
# make lint    formatting, vet, golangci-lint
# make bench   benchmarks with right answers; BENCH="--sf 0.1" passes options
# make fuzz    every fuzz target for FUZZTIME
# make cross   builds what must build elsewhere
#
# What a target needs and can be fetched, it fetches: Go tools by tools.mod,
# Node packages by npm ci, Chromium by the system's packages.

BIN       := $(CURDIR)/bin/cognate
FUZZTIME  ?= 10s
TESTFLAGS ?=
LINT      := go tool -modfile=tools.mod golangci-lint
# Folders with Node packages of ours: the web client and tests.
NODE_DIRS := $(patsubst %/package-lock.json,%,$(wildcard services/web/package-lock.json services/web/test/package-lock.json test/*/package-lock.json))
# What runs on other systems too, the engine in browsers included.
CROSS_DIRS    := $(wildcard simd storage qvd qvf engine)
CROSS_TARGETS := linux/arm64 js/wasm

export COGNATE_BIN := $(BIN)

.PHONY: build run test test-go test-node lint fmt bench fuzz cross node-modules chromium clean

build:
	go build -o $(BIN) ./cmd/cognate

run: build
	$(BIN) run $(RUN)

test: test-go test-node

test-go:
	go test $(TESTFLAGS) ./...

test-node: build node-modules chromium
	@set -e; for dir in $(NODE_DIRS); do \
		if node -e 'process.exit(require("./'$$dir'/package.json").scripts?.test ? 0 : 1)'; then \
			echo "npm test in $$dir"; npm --prefix $$dir test; \
		fi; \
	done

# A stamp in node_modules says which lock file was installed.
node-modules:
	@set -e; for dir in $(NODE_DIRS); do \
		if ! cmp -s $$dir/package-lock.json $$dir/node_modules/.installed; then \
			npm ci --ignore-scripts --no-audit --no-fund --prefix $$dir; \
			cp $$dir/package-lock.json $$dir/node_modules/.installed; \
		fi; \
	done

chromium:
	@.ci/chromium $(NODE_DIRS)

lint:
	$(LINT) run ./...
	$(LINT) fmt --diff ./...

fmt:
	$(LINT) fmt ./...

bench: build
	$(BIN) bench $(BENCH)

fuzz:
	@set -e; for pkg in $$(go list ./...); do \
		for target in $$(go test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
			echo "$$pkg $$target"; \
			go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$pkg; \
		done; \
	done

cross:
	@set -e; for target in $(CROSS_TARGETS); do \
		echo "build for $$target: $(CROSS_DIRS)"; \
		CGO_ENABLED=0 GOOS=$${target%/*} GOARCH=$${target#*/} go build $(CROSS_DIRS:%=./%/...); \
	done

clean:
	rm -rf bin
