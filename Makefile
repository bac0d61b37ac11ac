# The one door. Everything a newcomer, CI or a release needs is a target here.
# Servers under test are built from Go modules into a cache outside the clone; nothing is installed system-wide.

CARGO ?= cargo
# What `midwatch version` names; nothing where git is not there.
COMMIT = MIDWATCH_COMMIT=$$(git rev-parse --short=12 HEAD 2>/dev/null)

.PHONY: demo demo-live run test check fix gen bench eval torture conformance small-model fuzz help

help:
	@echo "make demo       the seed's incident through the real path, on recorded data (needs Rust)"
	@echo "make demo-live  the same on a real control plane with Prometheus and Alertmanager (needs Rust and Go; STAY=1 keeps it)"
	@echo "make run        midwatch serve against the current kubeconfig context"
	@echo "make test       all tests (Rust, Go, Python for the vendors' SDKs)"
	@echo "make check      formatting and lints"
	@echo "make fix        formats and mends lints"
	@echo "make gen        writes the generated files anew (docs/causes.md, docs/midwatch.schema.json)"
	@echo "make bench      figures beside what a person would type"
	@echo "make eval       every case of evals/cases scored, by the rules and with two scripted models (EVAL takes more arguments)"
	@echo "make conformance  the published MCP suite, and the official SDKs and the Inspector as clients of our MCP server, official servers as tools"
	@echo "make small-model  the model client and an alert with a real model of 135 million parameters (PyPI, 127 MB, once)"
	@echo "make fuzz       the property tests with many cases; FUZZ_CASES says how many"
	@echo "make torture    the long crash and mutation campaigns"

demo:
	$(COMMIT) $(CARGO) build --release --locked -p midwatch
	@target/release/midwatch demo

demo-live: testbed-bin
	$(CARGO) build --locked -p midwatch
	@testbed/demo-live.sh

run:
	$(COMMIT) $(CARGO) run --release --locked -p midwatch -- serve

.PHONY: testbed-bin
testbed-bin:
	@testbed/run build

# Many tests wait for a control plane or a lease: five at a time keep two cores busy.
test: check testbed-bin
	RUST_TEST_THREADS=5 $(CARGO) test --locked --workspace --features notify/pretend,midwatch/failpoints
	testbed/run test
	testbed/mcp/run conformance
	testbed/mcp/run client

check:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets --features notify/pretend,midwatch/failpoints -- -D warnings

fix:
	$(CARGO) fmt --all
	$(CARGO) clippy --workspace --all-targets --fix --allow-dirty

gen:
	UPDATE=1 $(CARGO) test -q --locked -p midwatch --test tidy generated
	UPDATE=1 $(CARGO) test -q --locked -p tools --test answers the_page_of_tools_is_current

bench: testbed-bin
	$(COMMIT) $(CARGO) build --release --locked -p midwatch
	@testbed/bench.sh

eval:
	$(COMMIT) $(CARGO) build --release --locked -p midwatch
	$(CARGO) build --release --locked -p llm --features pretend --example scripted
	@evals/run $(EVAL)

# Linking with LTO would take longer than it saves here.
torture: testbed-bin
	TORTURE=1 CARGO_PROFILE_RELEASE_LTO=off $(CARGO) test --release --locked -p midwatch --features failpoints --test it -- torture gaps approvals model_crash model_bed enemy_agent no_mutation --nocapture

conformance:
	testbed/mcp/run conformance
	testbed/mcp/run client
	testbed/mcp/run servers
	testbed/mcp/run clients

small-model:
	testbed/small-model/run

# Property tests read FUZZ_CASES; proptest's own variable is for those that set no number.
FUZZ_CASES ?= 100000
fuzz:
	FUZZ_CASES=$(FUZZ_CASES) PROPTEST_CASES=$(FUZZ_CASES) $(CARGO) test --release --locked \
	  -p cluster -p redact -p replay -p notify -p tools
	FUZZ_CASES=$(FUZZ_CASES) PROPTEST_CASES=$(FUZZ_CASES) $(CARGO) test --release --locked -p midwatch \
	  --features notify/pretend,midwatch/failpoints --test it -- audit states approvals
