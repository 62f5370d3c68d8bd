#!/usr/bin/env bash
# Runs unit, property and contract tests on another version of Node: bash scripts/test-on-node.sh 24. They are compiled already.
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
exec node node_modules/tsx/dist/cli.mjs scripts/test.ts test/unit/ test/property/ test/contract/
