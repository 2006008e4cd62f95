# Every target first installs what it needs and is missing, so a fresh clone
# can start with any of them. The work is done by the scripts.

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run dev build test lint unit wasm-test conformance e2e bench screenshots fuzz clean

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

run: build ## Build the page and serve it on http://localhost:8080.
	@scripts/serve.sh

dev: ## Build without optimizing, serve, and build again at each change.
	@scripts/setup.sh rust npm tools
	@scripts/dev.sh

build: ## Build the page into dist/.
	@scripts/setup.sh rust npm tools
	@scripts/build.sh

test: ## Run every check, the one that continuous integration runs.
	@scripts/setup.sh rust npm tools browser
	@scripts/check.sh all

lint: ## Check format, clippy on both targets, and the TypeScript.
	@scripts/setup.sh rust npm
	@scripts/check.sh lint

unit: ## Run the native tests.
	@scripts/setup.sh rust
	@scripts/check.sh unit

wasm-test: ## Run the WebAssembly tests in a browser's worker.
	@scripts/setup.sh rust tools browser
	@scripts/check.sh wasm-test

conformance: ## Compare with the recorded cases (LAYERLAB_CORPUS names another folder of them).
	@scripts/setup.sh rust
	@scripts/conformance.sh

e2e: ## Build the page and drive it in Chromium (ARGS="-g words" picks tests).
	@scripts/setup.sh rust npm tools browser
	@scripts/check.sh e2e

bench: ## Measure speed and memory.
	@scripts/setup.sh rust npm tools browser
	@scripts/bench.sh

screenshots: build ## Take pictures of every state, in both themes and widths (ARGS="palette" picks states).
	@scripts/setup.sh browser
	@scripts/screenshots.sh $(ARGS)

fuzz: ## Feed odd inputs to the core, FUZZ_SECONDS each (ARGS="layer archive" picks targets).
	@scripts/setup.sh rust fuzz
	@scripts/fuzz.sh $(ARGS)

clean: ## Remove everything that was built and the npm packages.
	rm -rf target dist node_modules test-results screenshots
