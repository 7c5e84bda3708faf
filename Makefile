# The checks and chores of this repository. `make` alone lists them.
# All that is needed is Go, make and a POSIX shell; `make generate` also needs protoc.

SHELL       := /bin/sh
.SHELLFLAGS := -euc
.DEFAULT_GOAL := help

FUZZTIME  ?= 10s
BENCHTIME ?= 1s
BENCH     ?= .
FLAGS     ?=

GOLANGCI_VERSION := v2.15.0
CACHE            := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/roster
GOLANGCI         := $(CACHE)/golangci-lint-$(GOLANGCI_VERSION)/golangci-lint

# The end-to-end tests drive programs and documents that the test cache does not see, so
# they always run; bench has a target of its own.
NOT_UNIT := -e '/roster/bench' -e '/roster/internal/e2e'
E2E      := ./internal/e2e/...

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: ## start the daemon on 127.0.0.1:7070
	go run ./cmd/roster up

.PHONY: plugins
plugins: ## build the example plugins beside their descriptors
	@for descriptor in examples/*/plugin.yaml; do \
		[ -e "$$descriptor" ] || continue; \
		dir=$${descriptor%/plugin.yaml}; \
		[ -e "$$dir/main.go" ] || continue; \
		echo "go build -o $$dir/$${dir##*/} ./$$dir"; \
		go build -o "$$dir/$${dir##*/}" "./$$dir"; \
	done

.PHONY: test
test: ## run the tests of every module but bench (FLAGS=-race …)
	@all=$$(go list work); \
	packages=$$(printf '%s\n' "$$all" | grep -v $(NOT_UNIT)); \
	go test $(FLAGS) $$packages
	go test -count=1 -timeout=30m $(FLAGS) $(E2E)

.PHONY: lint
lint: $(GOLANGCI) ## run golangci-lint in every module
	@failed=; dirs=$$(go list -m -f '{{.Dir}}'); \
	for dir in $$dirs; do \
		packages=$$(cd "$$dir" && go list ./...) || { failed="$$failed $$dir"; continue; }; \
		[ -n "$$packages" ] || continue; \
		echo "golangci-lint run: $$dir"; \
		(cd "$$dir" && $(GOLANGCI) run --timeout=15m --concurrency=2 --allow-serial-runners ./...) || failed="$$failed $$dir"; \
	done; \
	[ -z "$$failed" ] || { echo "lint: findings in$$failed" >&2; exit 1; }

$(GOLANGCI):
	GOBIN=$(@D) GOFLAGS= GOWORK=off go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)

.PHONY: vet
vet: ## run roster vet in every module
	go run ./cmd/roster vet --baseline vet-baseline.txt work

.PHONY: fmt
fmt: ## format the Go files as gofmt does
	gofmt -w $$(git ls-files --cached --others --exclude-standard '*.go')

.PHONY: providers
providers: ## verify every known provider against its module, which downloads gigabytes
	cd internal/providercheck && ROSTER_PROVIDERS=1 go test -count=1 -timeout=60m ./...

.PHONY: bench
bench: ## run the benchmarks (BENCH=pattern, BENCHTIME=1s)
	cd bench && go test -run='^$$' -bench='$(BENCH)' -benchmem -benchtime=$(BENCHTIME) ./...

# go test fuzzes one target at a time, so they are found by their names.
.PHONY: fuzz
fuzz: ## run every fuzz target for FUZZTIME=10s
	@found=0; packages=$$(go list work); \
	for package in $$packages; do \
		dir=$$(go list -f '{{.Dir}}' "$$package"); \
		for target in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(f \*testing\.F).*/\1/p' "$$dir"/*_test.go 2>/dev/null); do \
			found=$$((found + 1)); \
			echo "fuzz: $$package $$target"; \
			go test -run='^$$' -fuzz="^$$target\$$" -fuzztime=$(FUZZTIME) "$$package"; \
		done; \
	done; \
	echo "fuzz: $$found targets, $(FUZZTIME) each"

.PHONY: soak
soak: ## run the end-to-end and fault tests at length (ROSTER_SOAK=1)
	ROSTER_SOAK=1 go test -count=1 -timeout=3h -v $(E2E)

.PHONY: generate
generate: ## regenerate the protobuf code
	@for script in plugin/proto/generate.sh examples/*/proto/generate.sh; do \
		[ -e "$$script" ] || continue; \
		echo "$$script"; \
		"$$script"; \
	done

.PHONY: tidy
tidy: ## tidy every go.mod
	@dirs=$$(go list -m -f '{{.Dir}}'); \
	for dir in $$dirs; do \
		echo "go mod tidy: $$dir"; \
		(cd "$$dir" && GOWORK=off go mod tidy); \
	done
