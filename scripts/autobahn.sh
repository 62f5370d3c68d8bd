#!/usr/bin/env bash
# The Autobahn test suite, a WebSocket client that breaks the rules on purpose: bash scripts/autobahn.sh
# Installs it once for all clones and prints the path of its `wstest`. It needs Python 2.7, on the PATH or from pyenv. Where it
# cannot be installed, one line says why and the exit code is 1.
set -euo pipefail

version=25.10.1
give_up() { echo "no wstest: $1; the test of RFC 6455 with Autobahn is skipped" >&2; exit 1; }

cache=${XDG_CACHE_HOME:-${HOME:-}/.cache}/tidegate/autobahn-$version
[ ! -x "$cache/bin/wstest" ] || { echo "$cache/bin/wstest"; exit 0; }

# A shim of pyenv is on the PATH also where no version is chosen, and then only says so.
for python in "${HOME:-}"/.pyenv/versions/2.7.*/bin/python2.7 python2.7 ""; do
  [ -z "$python" ] || ! "$python" --version >/dev/null 2>&1 || break
done
[ -n "$python" ] || give_up "there is no Python 2.7, which it needs"
scratch=$(mktemp -d 2>&1) || give_up "there is no place to install it ($scratch)"
trap 'rm -rf "$scratch"' EXIT
pip="-m pip install --quiet --disable-pip-version-check"
install() {
  # shellcheck disable=SC2086
  "$python" $pip --target "$scratch" virtualenv==20.15.1 &&
    PYTHONPATH="$scratch" "$python" -m virtualenv --quiet "$cache" &&
    "$cache/bin/python" $pip "autobahntestsuite==$version"
}
said=$(install 2>&1) || { rm -rf "$cache"; give_up "its installation failed ($(grep . <<<"$said" | tail -n 1))"; }
echo "$cache/bin/wstest"
