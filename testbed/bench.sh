#!/usr/bin/env bash
# Figures of the release binary on the test bed, into docs/bench.md.
set -euo pipefail
command -v python3 >/dev/null || { echo "bench: python3 is needed" >&2; exit 1; }
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
python3 "$here/bench.py"
python3 "$here/mcp/compare.py"
