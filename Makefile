# make run     builds and starts a site with a sample app, in the folder SITE; RUN="--listen …" passes options
# make serve   engine and page without a log-in, for one person
# make test    Go tests, then the tests in Node (real clients over real sockets)
# make lint    formatting, vet, golangci-lint
# make bench   everything beside other engines, into bench/out/; BENCH="…" passes options
# make bench-quick   the same in two minutes, smaller
# make bench-peers   installs the other engines for it; PEERS=all installs ClickHouse, too
# make bench-tables  figures of one data set or of files as a table; BENCH="--data formats"
# make bench-v3      clicks and charts, built for any processor and for x86-64-v3
# make profile WORKLOAD=states   profiles of one workload, into bench/out/
# make kill    kills a process that saves an app KILLS times
# make generate writes the assembly of simd/ from its generator
# make fuzz    every fuzz target for FUZZTIME
# make cross   builds what must build elsewhere
#
# What a target needs and can be fetched, it fetches: Go tools by tools.mod,
# Node packages by npm ci, Chromium, PostgreSQL and OpenLDAP by the system's packages.

BIN       := $(CURDIR)/bin/cognate
FUZZTIME  ?= 10s
KILLS     ?= 300
TESTFLAGS ?=
LINT      := go tool -modfile=tools.mod golangci-lint
# Folders with Node packages of ours: the web client and tests.
NODE_DIRS := $(patsubst %/package-lock.json,%,$(wildcard services/web/package-lock.json services/web/test/package-lock.json test/*/package-lock.json))
# What runs on other systems too, the engine in browsers included.
CROSS_DIRS    := $(wildcard simd storage qvd qvf engine)
CROSS_TARGETS := linux/arm64 js/wasm
# Files of kernels in assembly, simd/NAME_amd64.s.
KERNELS       := bitmap member packed rows structure sums translate unpack
# The npm package vega-datasets: data of the sample app and of a benchmark.
SAMPLE      := services/web/sample
SAMPLE_DATA := $(SAMPLE)/node_modules/vega-datasets/data

BENCH_OUT   := bench/out
SITE        ?= site
WORKLOAD    ?= states

export COGNATE_BIN := $(BIN)

# $(call npm-ci,folders): installs what their lock files say. A stamp in
# node_modules says which lock file was installed.
define npm-ci
	@set -e; for dir in $(1); do \
		if ! cmp -s $$dir/package-lock.json $$dir/node_modules/.installed; then \
			echo "fetching the Node packages of $$dir"; \
			npm ci --ignore-scripts --no-audit --no-fund --loglevel=error --prefix $$dir; \
			cp $$dir/package-lock.json $$dir/node_modules/.installed; \
		fi; \
	done
endef

.PHONY: build run serve test test-go test-portable test-node generate lint fmt bench bench-quick bench-tables bench-peers bench-v3 profile kill fuzz cross node-modules sample-data chromium postgres slapd clean

build:
	go build -o $(BIN) ./cmd/cognate

run: build sample-data
	$(BIN) site --dir $(SITE) --sample $(SAMPLE_DATA) $(RUN)

serve: build sample-data
	$(BIN) serve --sample $(SAMPLE_DATA) $(RUN)

test: test-go test-node

test-go: postgres slapd
	go test $(TESTFLAGS) ./...

# The kernels' twins without assembly, each load in bounds.
test-portable:
	go test $(TESTFLAGS) -tags purego,checked ./simd ./qvd

test-node: build node-modules chromium
	@set -e; for dir in $(NODE_DIRS); do \
		if node -e 'process.exit(require("./'$$dir'/package.json").scripts?.test ? 0 : 1)'; then \
			echo "npm test in $$dir"; npm --prefix $$dir test; \
		fi; \
	done

node-modules:
	$(call npm-ci,$(NODE_DIRS))

sample-data:
	$(call npm-ci,$(SAMPLE))

chromium:
	@.ci/chromium $(NODE_DIRS)

postgres:
	@.ci/postgres

slapd:
	@.ci/slapd

# The generator is a module of its own.
generate:
	@set -e; cd simd/_asm; go build -o $(CURDIR)/bin/asm .; for file in $(KERNELS); do \
		$(CURDIR)/bin/asm -file $$file -out ../$${file}_amd64.s -pkg simd; \
	done

lint:
	$(LINT) run ./...
	$(LINT) fmt --diff ./...

fmt:
	$(LINT) fmt ./...

bench: build sample-data
	$(BIN) bench --sf 1 --flights $(SAMPLE_DATA) --out $(BENCH_OUT) $(BENCH)

bench-quick: build
	$(BIN) bench --sf 0.1 --repetitions 2 --sessions 1,10,100 --think 1s --measured 5s --idle 500 --idle-rest 5s --out $(BENCH_OUT) $(BENCH)

bench-tables: build sample-data
	$(BIN) bench --data all --folder $(SAMPLE_DATA) $(BENCH)

# Not npm ci: packages of Polars for other systems are not in every registry,
# and so not in the lock file. ClickHouse has half a gigabyte.
bench-peers:
	npm install --no-save --ignore-scripts --no-audit --no-fund --loglevel=error --prefix bench/peers $(if $(filter all,$(PEERS)),chdb@3.4.0)

bench-v3:
	@set -e; for level in v1 v3; do \
		GOAMD64=$$level go build -o $(BIN)-$$level ./cmd/cognate; echo "GOAMD64=$$level"; \
		$(BIN)-$$level bench --sf 1 --workload bandwidth,states,queries --out $(BENCH_OUT)/$$level $(BENCH); \
	done

profile: build
	$(BIN) bench --sf 1 --workload $(WORKLOAD) --profile --out $(BENCH_OUT) $(BENCH)

kill:
	go test ./engine/app -run '^TestKill$$' -count=1 -timeout 30m -v -kills $(KILLS)

fuzz:
	@set -e; for pkg in $$(go list ./...); do \
		for target in $$(go test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
			echo "$$pkg $$target"; \
			go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$pkg; \
		done; \
	done

cross:
	@set -e; for target in $(CROSS_TARGETS); do \
		echo "build for $$target: $(CROSS_DIRS)"; \
		CGO_ENABLED=0 GOOS=$${target%/*} GOARCH=$${target#*/} go build $(CROSS_DIRS:%=./%/...); \
	done

clean:
	rm -rf bin
