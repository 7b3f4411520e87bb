# Needs Go and a C compiler (for -race); tools/go.mod pins the rest.

.DEFAULT_GOAL := help
.NOTPARALLEL:

# How long each fuzz target runs: a duration or, as 20000x, a number of inputs.
FUZZTIME ?= 10m
FUZZTIME_SHORT ?= 20000x

# tools/ holds pins and scripts, no Go code.
MODULES := $(sort $(dir $(shell find . -name go.mod ! -path '*/.*')))
CODE := $(filter-out ./tools/,$(MODULES))

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
	$(call each,$(CODE),go generate ./...)

.PHONY: test
test: ## Run the tests.
	go test ./...

.PHONY: run
run: ## Run the example program against its embedded server.
	go run ./examples/update-session

.PHONY: bench
bench: ## Measure this client beside its peers; writes the README's tables.
	cd bench && go run . -markdown ../README.md

.PHONY: soak
soak: ## Run the long test under the race detector.
	cd internal/faults && KODEXA_SOAK=1 go test -race -run '^TestSoak$$' -count=1 -timeout 60m -v .

.PHONY: fuzz
fuzz: ## Run every fuzz target for FUZZTIME (10m).
	@sh tools/fuzz.sh $(FUZZTIME) $(CODE)

.PHONY: check
check: check-gen check-tidy check-fmt check-vet check-lint check-vuln check-race check-fuzz ## Run all checks below.
	@echo "== check: passed"

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
check-vet: ## go vet has nothing to say.
	@echo "== $@"
	$(call each,$(CODE),go vet ./...)

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

.PHONY: check-fuzz
check-fuzz: ## Every fuzz target survives a short run.
	@echo "== $@"
	@sh tools/fuzz.sh $(FUZZTIME_SHORT) $(CODE)
