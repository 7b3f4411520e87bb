#!/bin/sh
# Usage: tools/check-gen.sh MODULE...
#
# Generates the code of the modules into a copy of the repository and compares that with the original. Fails when
# generated code is stale or edited by hand, or when a gen/ holds a file that no generator writes.
set -eu

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp -R . "$copy"
find "$copy" -name gen -type d -prune -exec rm -rf {} +

for module; do
	(cd "$copy/$module" && go generate ./...)
done
if ! diff -ru -x .git . "$copy"; then
	echo "generated code is stale or edited by hand: run make generate" >&2
	exit 1
fi
