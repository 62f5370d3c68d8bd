#!/usr/bin/env bash
# The Python client library of Centrifugo, unmodified: bash scripts/centrifuge-python.sh
# Installs it once for all clones and prints the path of a Python that has it. Where it cannot be installed, one line says why
# and the exit code is 1.
set -euo pipefail

version=0.7.0
give_up() { echo "no centrifuge-python: $1; its test is skipped" >&2; exit 1; }

cache=${XDG_CACHE_HOME:-${HOME:-}/.cache}/tidegate/centrifuge-python-$version
[ ! -e "$cache/complete" ] || { echo "$cache/bin/python"; exit 0; }

command -v python3 >/dev/null || give_up "there is no Python 3, which it needs"
install() {
  python3 -m venv --clear "$cache" &&
    "$cache/bin/python" -m pip install --quiet --disable-pip-version-check "centrifuge-python==$version" &&
    touch "$cache/complete"
}
said=$(install 2>&1) || { rm -rf "$cache"; give_up "its installation failed ($(grep . <<<"$said" | tail -n 1))"; }
echo "$cache/bin/python"
