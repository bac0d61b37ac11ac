#!/usr/bin/env bash
# Prints the Python of a cached virtual environment with the vendors' SDKs; makes it when it is missing.
# Several callers at once wait for each other.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${MIDWATCH_CACHE:-$HOME/.cache/midwatch}/py
command -v python3 >/dev/null || { echo "python3 is needed for the checks against the vendors' SDKs" >&2; exit 1; }
mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9
wanted=$(sha256sum "$here/requirements.txt" | cut -c1-16)
if [ "$(cat "$cache/llm.ready" 2>/dev/null || true)" != "$wanted" ]; then
  [ -x "$cache/bin/python" ] || python3 -m venv "$cache" >&2
  "$cache/bin/python" -m pip install -q --disable-pip-version-check -r "$here/requirements.txt" >&2
  echo "$wanted" >"$cache/llm.ready"
fi
echo "$cache/bin/python"
