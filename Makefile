# Needs Go and a C compiler (for -race); tools/go.mod pins the rest.

.DEFAULT_GOAL := help
.NOTPARALLEL:

# How long each fuzz target runs: a duration or, as 20000x, a number of inputs.
FUZZTIME ?= 10m
FUZZTIME_SHORT ?= 20000x

# tools/ holds pins and scripts, docs/ pages: no Go code.
MODULES := $(sort $(dir $(shell find . -name go.mod ! -path '*/.*')))
CODE := $(filter-out ./tools/ ./docs/,$(MODULES))

# Modules that test the whole from outside. Each is tested once, in its folder: go test answers from no cache then, which does not
# see the root's files, and prints what is skipped.
WHOLE := ./internal/browser/ ./internal/importers/ ./internal/judges/ ./internal/release/
PARTS := $(filter-out $(WHOLE),$(CODE))

# The two versions that the Go project supports. The first is the one that go.mod needs at least.
GO_VERSIONS ?= go1.26.8 go1.27.2

# What the root package, internal/contract and internal/json hold: lines of code. The goal is 2000; this only goes down.
MOST_LINES := 2806

TOOL := go tool -modfile="$(CURDIR)/tools/go.mod"

# The go command takes no -modfile inside a workspace.
export GOWORK := off

# Where the environment has no HOME the go command takes GOCACHE, and golangci-lint nothing.
ifeq ($(HOME)$(XDG_CACHE_HOME)$(GOLANGCI_LINT_CACHE),)
export GOLANGCI_LINT_CACHE := $(shell go env GOCACHE)-lint
endif

# $(call each,modules,command) runs the command in each module and stops at the first that fails.
each = @set -e; for module in $(1); do echo "-- $$module"; (cd "$$module" && $(2)); done

.PHONY: help
help: ## Print this list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "%-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: generate
generate: ## Write all generated code anew from openapi.yaml.
	@sh tools/generate.sh $(filter-out ./,$(CODE))

.PHONY: docs
docs: ## Make docs/contract.html, the contract as a page.
	@sh tools/docs.sh

.PHONY: test
test: ## Run the tests.
	go test ./...

.PHONY: run
run: ## Run the example program against its embedded server.
	go run ./examples/update-session

.PHONY: bench
bench: ## Measure this client beside its peers; writes the tables of bench/README.md and docs/speed.svg.
	cd bench && go run . -markdown README.md
	@$(MAKE) --no-print-directory pictures

.PHONY: soak
soak: ## Run the long tests under the race detector; writes the tables of internal/faults/README.md and docs/reliability.svg.
	cd internal/faults && KODEXA_SOAK=1 KODEXA_TABLES=1 go test -race -run '^TestSoak' -count=1 -timeout 120m -v .
	@$(MAKE) --no-print-directory pictures

.PHONY: pictures
pictures: ## Try what the peers check, and draw docs/*.svg anew from the tables.
	cd bench && KODEXA_TABLES=1 go test -count=1 -run '^TestChecks$$' . && KODEXA_TABLES=1 go test -count=1 -run '^Test(Picture|Sentence)$$' .
	cd internal/faults && KODEXA_TABLES=1 go test -count=1 -run '^Test(Picture|Sentence)$$' .

.PHONY: fuzz
fuzz: ## Run every fuzz target for FUZZTIME (10m).
	@sh tools/fuzz.sh $(FUZZTIME) $(CODE)

.PHONY: mutate
mutate: ## Break the code in small ways, one by one: do the tests see it? Takes an hour.
	@sh tools/mutate.sh . ./internal/contract

.PHONY: nightly
nightly: ## All that takes hours: check, run, fuzz, mutate, soak, bench, and drift if SPEC is set. Writes no table.
	@$(MAKE) --keep-going check run fuzz mutate nightly-soak nightly-bench $(if $(SPEC),drift)

.PHONY: nightly-soak nightly-bench
nightly-soak:
	cd internal/faults && KODEXA_SOAK=1 go test -race -run '^TestSoak' -count=1 -timeout 120m -v .
nightly-bench:
	cd bench && go run .

.PHONY: contract-diff
contract-diff: ## Print what changed in openapi.yaml since BASE (a Git ref or a file) and what it breaks.
	@cd internal/upkeep && go run ./cmd/contract-diff -C "$(CURDIR)" "$(BASE)"

.PHONY: drift
drift: ## Print where SPEC (a file or URL, the platform's OpenAPI) documents something else.
	@cd internal/upkeep && go run ./cmd/drift -C "$(CURDIR)" "$(SPEC)"

.PHONY: record
record: ## Make an example of the session ID of the platform KODEXA_URL, with other values.
	@cd internal/upkeep && go run ./cmd/record -C "$(CURDIR)" "$(ID)"

.PHONY: licences
licences: ## Write docs/licences.md: the licence of what is linked, and of what the contract's page has in it.
	@cd internal/release && go run . licences -write

# Another target may stand in for `check` in a rehearsal.
CHECK ?= check

.PHONY: release
release: ## Say what VERSION=v1.2.3 lacks, or print the commands that tag it.
	@cd internal/release && go run . version "$(VERSION)" "$(CHECK)"

CHECKS := check-lines check-gen check-docs check-openapi check-contract check-api check-licences check-tidy check-fmt \
	check-vet check-lint check-vuln check-race check-versions check-whole check-fuzz

.PHONY: check
check: $(CHECKS) ## Run all checks below.
	@echo "== check: passed"

.PHONY: check-lines
check-lines: ## The layer is as thin as it has to be.
	@echo "== $@"
	@sh tools/lines.sh $(MOST_LINES)

.PHONY: check-gen
check-gen: ## Generated code is what the generators write, no more and no less.
	@echo "== $@"
	@sh tools/check-gen.sh $(CODE)

.PHONY: check-docs
check-docs: ## The contract's page is fresh.
	@echo "== $@"
	@sh tools/docs.sh check

.PHONY: check-openapi
check-openapi: ## The contract keeps a linter's recommended rules.
	@echo "== $@"
	@sh tools/redocly.sh lint --config tools/npm/redocly.yaml --format stylish openapi.yaml

.PHONY: check-contract
check-contract: ## CHANGELOG.md names what breaks importers since the last tag.
	@echo "== $@"
	@cd internal/upkeep && go run ./cmd/contract-diff -C "$(CURDIR)" -check

.PHONY: check-api
check-api: ## What breaks importers since the last tag stands in CHANGELOG.md.
	@echo "== $@"
	@cd internal/release && go run . api

.PHONY: check-licences
check-licences: ## Every module that is linked has a permissive licence; docs/licences.md names it, and what the contract's page has in it.
	@echo "== $@"
	@cd internal/release && go run . licences

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
	$(call each,$(PARTS),go test -race ./...)

.PHONY: check-versions
check-versions: ## The tests pass on both supported Go versions.
	@echo "== $@"
	@sh tools/versions.sh "$(GO_VERSIONS)" "go test ./..." $(PARTS)
	@sh tools/versions.sh "$(GO_VERSIONS)" "go test" ./internal/importers/

.PHONY: check-whole
check-whole: ## The module as others meet it: importers, a second validator, pages and pictures in a browser, the examples of CONTRIBUTING.
	@echo "== $@"
	$(call each,$(WHOLE),go test)
	cd internal/figures && go test -run '^TestPicturesInBrowser$$'

.PHONY: check-fuzz
check-fuzz: ## Every fuzz target survives a short run.
	@echo "== $@"
	@sh tools/fuzz.sh $(FUZZTIME_SHORT) $(CODE)
