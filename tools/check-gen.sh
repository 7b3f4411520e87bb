#!/bin/sh
# Usage: tools/check-gen.sh MODULE...
#
# Generates the code of the modules into a copy of the repository and compares that with the original. Fails when
# generated code is stale or edited by hand, or when a gen/ holds a file, other than a test, that no generator writes.
set -eu

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp -R . "$copy"
(cd "$copy" && find . -path '*/gen/*' -type f ! -name '*_test.go' ! -path '*/testdata/*' -exec rm -f {} +)

for module; do
	(cd "$copy/$module" && go generate ./...)
done
if ! diff -ru -x .git . "$copy"; then
	echo "generated code is stale or edited by hand: run make generate" >&2
	exit 1
fi
