# Needs Go and a C compiler (for -race); tools/go.mod pins the rest.

.DEFAULT_GOAL := help
.NOTPARALLEL:

# How long each fuzz target runs: a duration or, as 20000x, a number of inputs.
FUZZTIME ?= 10m
FUZZTIME_SHORT ?= 20000x

# tools/ holds pins and scripts, no Go code.
MODULES := $(sort $(dir $(shell find . -name go.mod ! -path '*/.*')))
CODE := $(filter-out ./tools/,$(MODULES))

# The two versions that the Go project supports. The first is the one that go.mod needs at least.
GO_VERSIONS ?= go1.26.8 go1.27.2

# What the root package, internal/contract and internal/json hold: lines of code. The goal is 2000; this only goes down.
MOST_LINES := 3012

TOOL := go tool -modfile="$(CURDIR)/tools/go.mod"

# The go command takes no -modfile inside a workspace.
export GOWORK := off

# $(call each,modules,command) runs the command in each module and stops at the first that fails.
each = @set -e; for module in $(1); do echo "-- $$module"; (cd "$$module" && $(2)); done

.PHONY: help
help: ## Print this list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "%-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: generate
generate: ## Write all generated code anew from openapi.yaml.
	@sh tools/generate.sh $(filter-out ./,$(CODE))

.PHONY: test
test: ## Run the tests.
	go test ./...

.PHONY: run
run: ## Run the example program against its embedded server.
	go run ./examples/update-session

.PHONY: bench
bench: ## Measure this client beside its peers; writes the tables of bench/README.md.
	cd bench && go run . -markdown README.md

.PHONY: soak
soak: ## Run the long tests under the race detector; writes the tables of internal/faults/README.md.
	cd internal/faults && KODEXA_SOAK=1 KODEXA_TABLES=1 go test -race -run '^TestSoak' -count=1 -timeout 120m -v .

.PHONY: fuzz
fuzz: ## Run every fuzz target for FUZZTIME (10m).
	@sh tools/fuzz.sh $(FUZZTIME) $(CODE)

.PHONY: check
check: check-lines check-gen check-tidy check-fmt check-vet check-lint check-vuln check-race check-versions check-fuzz ## Run all checks below.
	@echo "== check: passed"

.PHONY: check-lines
check-lines: ## The layer is as thin as it has to be.
	@echo "== $@"
	@sh tools/lines.sh $(MOST_LINES)

.PHONY: check-gen
check-gen: ## Generated code is what the generators write, no more and no less.
	@echo "== $@"
	@sh tools/check-gen.sh $(CODE)

.PHONY: check-tidy
check-tidy: ## Every go.mod and go.sum is tidy.
	@echo "== $@"
	$(call each,$(MODULES),go mod tidy -diff)

.PHONY: check-fmt
check-fmt: ## Every Go file is formatted.
	@echo "== $@"
	@gofmt -d .

.PHONY: check-vet
check-vet: ## go vet has nothing to say, also for a 32-bit machine.
	@echo "== $@"
	$(call each,$(CODE),go vet ./...)
	GOARCH=386 CGO_ENABLED=0 go vet ./...

.PHONY: check-lint
check-lint: ## golangci-lint has nothing to say.
	@echo "== $@"
	$(call each,$(CODE),$(TOOL) golangci-lint run)

.PHONY: check-vuln
check-vuln: ## The module reaches no known vulnerability.
	@echo "== $@"
	@sh tools/govulncheck.sh

.PHONY: check-race
check-race: ## The tests pass under the race detector.
	@echo "== $@"
	$(call each,$(CODE),go test -race ./...)

.PHONY: check-versions
check-versions: ## The tests pass on both supported Go versions.
	@echo "== $@"
	@sh tools/versions.sh "$(GO_VERSIONS)" $(CODE)

.PHONY: check-fuzz
check-fuzz: ## Every fuzz target survives a short run.
	@echo "== $@"
	@sh tools/fuzz.sh $(FUZZTIME_SHORT) $(CODE)
