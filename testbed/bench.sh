#!/usr/bin/env bash
# Figures of the release binary on the test bed, into docs/bench.md.
set -euo pipefail
command -v python3 >/dev/null || { echo "bench: python3 is needed" >&2; exit 1; }
exec python3 "$(dirname "${BASH_SOURCE[0]}")/bench.py"
