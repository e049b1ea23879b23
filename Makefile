# The one entry point: bare `make` prints this help. Every step of CI is a target that anyone can run.
SHELL := /bin/sh
MODULES := node_modules/.package-lock.json
TSX := node_modules/.bin/tsx
CONFIG ?= examples/config/trial.yaml

.DEFAULT_GOAL := help
.PHONY: help setup run build check fmt types lint knip test test-unit test-rego test-gateways test-node bundle capabilities conformance fuzz docs docs-check bench bench-dialects bench-stages bench-policies agentdojo clean ci

help: ## print this help
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(MODULES): package.json package-lock.json
	npm install --no-save --ignore-scripts --no-audit --no-fund
	@touch $@

setup: $(MODULES) ## install what the project needs (npm packages; no install script runs)

build: $(MODULES) ## compile service/ into dist/
	node_modules/.bin/tsc -p tsconfig.build.json

run: build ## start on loopback with the default bundle; CONFIG=file.yaml for another configuration
	node dist/main.js --config $(CONFIG) --examples

check: $(MODULES) ## lint, types, unused code, generated files
	$(TSX) scripts/test.ts --only=check

fmt: $(MODULES) ## format TypeScript and Rego
	node_modules/.bin/biome check --write .
	$(TSX) scripts/rego.ts fmt --write

types: $(MODULES) ## type-check
	node_modules/.bin/tsc --noEmit

lint: $(MODULES) ## lint with the layer, cycle, size and complexity rules
	node_modules/.bin/biome check .

knip: $(MODULES) ## find unused files, exports and dependencies
	node_modules/.bin/knip

test: $(MODULES) ## run every test but those with real gateways; FILTER=pattern selects test files
	$(TSX) scripts/test.ts $(if $(FILTER),--filter=$(FILTER))

test-unit: $(MODULES) ## run the unit tests
	node_modules/.bin/vitest run test/unit

test-rego: $(MODULES) ## run the policy tests, the Rego checks and the linter
	$(TSX) scripts/rego.ts check
	$(TSX) scripts/rego.ts lint
	$(TSX) scripts/rego.ts test

test-gateways: $(MODULES) ## try the dialects with real proxies, gateways and agents; fetches them
	node_modules/.bin/vitest run test/gateways

test-node: $(MODULES) ## run the tests on another Node: make test-node NODE=24
	$(TSX) scripts/test-node.ts $(NODE)

bundle: $(MODULES) ## build bundles/default.tar.gz from rego/, reproducibly
	$(TSX) scripts/build-bundle.ts

capabilities: $(MODULES) ## write rego/capabilities.json: the builtins that a policy may call
	$(TSX) scripts/capabilities.ts

conformance: $(MODULES) ## hold the engine against OPA's own test suite; GROUP=name for some of it
	$(TSX) scripts/conformance/run.ts $(GROUP)

fuzz: $(MODULES) ## compare the engine with OPA on generated inputs; SEED=number, SECONDS=number
	$(TSX) scripts/fuzz/run.ts $(if $(SEED),--seed=$(SEED)) $(if $(SECONDS),--seconds=$(SECONDS))

docs: $(MODULES) ## write the generated pages and schemas
	$(TSX) scripts/generate.ts

docs-check: $(MODULES) ## fail when a generated page or schema is stale
	$(TSX) scripts/generate.ts --check

bench-dialects: build ## measure each dialect beside /decide
	$(TSX) bench/dialects.ts

bench: build bench-stages bench-dialects ## measure the service beside bare HTTP, OPA and Cerbos, and each stage of a decision
	$(TSX) bench/run.ts

bench-stages: $(MODULES) ## measure the CPU of each stage of one decision
	node_modules/.bin/tsc -p tsconfig.bench.json
	node .cache/bench/bench/stages.js

bench-policies: $(MODULES) ## measure what ways of writing a policy cost
	$(TSX) bench/policies/run.ts

agentdojo: $(MODULES) ## play AgentDojo against the service; SUITE=traces.json CATALOG=catalog.json for another suite
	$(TSX) scripts/agentdojo/run.ts $(if $(SUITE),--suite=$(SUITE)) $(if $(CATALOG),--catalog=$(CATALOG))

ci: test ## what CI runs

clean: ## remove what was built and fetched
	rm -rf dist .cache coverage var
