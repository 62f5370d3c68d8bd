#!/usr/bin/env bash
# Runs unit tests, without the slow ones, and contract tests on another version of Node: bash scripts/test-on-node.sh 24.
# They are compiled already. Properties would draw the same cases as on the first version.
set -euo pipefail
cd "$(dirname "$0")/.."
version=${1:?which version of Node, such as 24}
folder=.cache/node-$version
if ! [ -x "$folder/node_modules/node/bin/node" ]; then
  # The package brings the binary as a dependency, and links it when it is installed.
  npm install --no-audit --no-fund --no-save --silent --prefix "$folder" "node@$version"
fi
export PATH="$PWD/$folder/node_modules/node/bin:$PATH"
node --version
# Tests load the same modules in hundreds of processes.
export NODE_COMPILE_CACHE="$PWD/$folder/compiled"
tests() { node node_modules/tsx/dist/cli.mjs scripts/test.ts "$@"; }
failed=0
tests test/contract/ &
tests quick test/unit/ || failed=1
wait $! || failed=1
exit $failed
