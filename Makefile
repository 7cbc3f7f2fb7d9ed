# What people and the build machine run. `make test` is what must pass.

CARGO ?= cargo
WEB := $(wildcard web/package.json)
# What `make test` uses beside Rust and Node: a browser, mail programs, and mails that other projects test with.
PACKAGES := chromium chromium-driver swaks postfix dovecot-imapd python3-dkim libpython3.11-testsuite golang-github-jhillyerd-enmime-dev

.DEFAULT_GOAL := help
.PHONY: help dev demo check test packages rust deny web browser bless bench soak release source deb

help: ## What there is
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  make \1\t\2/p' Makefile

dev: ## The server, and the pages from Vite with reloading, on port 5173
	packaging/dev.sh

demo: ## The server with a made-up company's workspace in a temporary folder
	$(CARGO) run --locked -- demo

check: ## Quick: formatting, lints and types, no tests
	$(CARGO) fmt --check
	SKIP_WEB=1 $(CARGO) clippy --locked --all-targets -- -D warnings
	$(if $(WEB),cd web && npm run check)

test: packages rust deny web browser ## Everything that must pass

packages: # Installs what is missing, when it may
	@packaging/packages.sh $(PACKAGES)

# With the pages inside: the browser is driven against the very binary that is built here.
rust:
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	$(CARGO) test --locked

# Run where it is installed: no package of the distribution has it, and compiling it takes longer than all the rest,
# on a build machine as well. What it checks changes only with Cargo.lock, and is to be run by hand then.
deny:
	@if command -v cargo-deny >/dev/null; then cargo-deny --locked check bans licenses sources; \
	else echo "cargo-deny is not installed: dependencies' licences and sources are not checked."; fi

ifneq ($(WEB),)
web: web/node_modules/.package-lock.json
	cd web && npm run check
	cd web && npm run build
	cd web && npm run sizes --if-present

web/node_modules/.package-lock.json: web/package-lock.json
	cd web && npm ci --ignore-scripts --no-audit --no-fund
	touch $@
else
web:
	@echo "There is no web folder here."
endif

# The binary with its pages, driven by a real browser. `cargo test` has built it: a plain `cargo build` would
# build every dependency once more, with other features.
browser: web rust
	@if [ -f tests/browser/run.mjs ]; then node tests/browser/run.mjs; else echo "There are no browser tests here."; fi

bless: ## Accepts what the code renders now: the example configuration, snapshots, the API document
	BLESS=1 INSTA_UPDATE=always SKIP_WEB=1 $(CARGO) test --locked
	$(if $(WEB),cd web && npm run bless --if-present)

bench: ## Measures
	SKIP_WEB=1 ALLOW_NO_UI=1 $(CARGO) test --locked --release -- --ignored --nocapture bench

# Each of them has to have run: a name that no test has any more is an error.
SOAK ?= 20
ROUNDS ?= 150
PROFILE ?= --release
PROPERTIES := store::tests::power store::tests::faults store::tests::random mail::tests::parse mail::tests::vectors \
	mail::tests::build search::tests::model email::tests::splitting
soak: ## Searches for minutes: properties with SOAK times the cases, ROUNDS kills
	@set -e; export SKIP_WEB=1 ALLOW_NO_UI=1 FRONTDESK_SOAK=$(SOAK) FRONTDESK_ROUNDS=$(ROUNDS); \
	log=$$(mktemp); trap 'rm -f "$$log"' EXIT; \
	for name in $(PROPERTIES) crash::what_was_acknowledged; do \
		case $$name in crash::*) kind="--test all" ;; *) kind=--lib ;; esac; \
		$(CARGO) test --locked $(PROFILE) $$kind -- --nocapture $$name >"$$log" 2>&1 || { cat "$$log"; exit 1; }; \
		grep -q 'test result: ok\. [1-9]' "$$log" || { echo "$$name: no test ran"; exit 1; }; \
		echo "$$name: $$(sed -n 's/^test result: //p' "$$log")"; \
	done

release: ## The binary to ship, with the pages inside
	KEEP_WEB=1 $(CARGO) build --release --locked

source: release ## The source archive, with the pages built, so that it needs no Node
	packaging/source.sh

deb: release ## A Debian package
	packaging/deb.sh
