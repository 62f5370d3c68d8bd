#!/usr/bin/env bash
# A program in Go that tests use: bash scripts/go-tool.sh promtool|helm|kustomize|actionlint
# Builds it once for all clones and prints its path. Where that cannot be done, one line says why and the exit code is 1.
set -euo pipefail

case "${1:-}" in
  promtool) version=v0.55.0 package=github.com/prometheus/prometheus/cmd/promtool ;;
  helm) version=v3.18.4 package=helm.sh/helm/v3/cmd/helm ;;
  kustomize) version=v5.5.0 package=sigs.k8s.io/kustomize/kustomize/v5 ;;
  actionlint) version=v1.7.7 package=github.com/rhysd/actionlint/cmd/actionlint ;;
  *) echo "usage: go-tool.sh promtool|helm|kustomize|actionlint" >&2; exit 2 ;;
esac
name=$1
give_up() { echo "no $name: $1; the tests that need it are skipped" >&2; exit 1; }

cache=${XDG_CACHE_HOME:-${HOME:-}/.cache}/tidegate/go-tools
program=$cache/$name-$version
[ ! -x "$program" ] || { echo "$program"; exit 0; }

command -v go >/dev/null || give_up "there is no Go to build it with"
problem=$(mkdir -p "$cache" 2>&1) || give_up "there is no place to keep it ($problem)"
# Another run may be building it: one of them is enough.
exec 9<"$cache"
if command -v flock >/dev/null; then flock 9; fi
[ ! -x "$program" ] || { echo "$program"; exit 0; }
scratch=$(mktemp -d "$cache/.build-XXXXXX" 2>&1) || give_up "there is no place to build it ($scratch)"
trap 'rm -rf "$scratch"' EXIT
echo "building $name $version, once; this takes some minutes" >&2
# The checksum database cannot be reached everywhere. What a stopped build has compiled is in Go's own cache for the next one.
export GOSUMDB=off GOFLAGS=-mod=mod
build() {
  cd "$scratch"
  go mod init tidegate-tool && go get "$package@$version" && go build -o "$name" "$package"
}
export -f build
export scratch name package version
# What it says is kept here and not in a file: it may be about a disk that is full.
said=$(timeout --kill-after=10 "${GO_TOOL_TIMEOUT:-15m}" bash -ec build 2>&1 9<&-) ||
  give_up "its build failed or took longer than ${GO_TOOL_TIMEOUT:-15m} ($(grep . <<<"$said" | tail -n 1))"
# By one rename: another run never sees half of it.
problem=$(mv "$scratch/$name" "$program" 2>&1) || give_up "it cannot be kept ($problem)"
echo "$program"
