#!/bin/sh
# Usage: tools/generate.sh MODULE...
#
# Generates the code of the modules, the root first. Where the generator fails, or what it writes of the contract does not
# compile, the root's code stays what it was, and the way out is named.
set -eu

old=$(mktemp -d)
trap 'rm -rf "$old"' EXIT
cp gen/*.gen.go "$old"

if ! go generate . || ! go build ./gen; then
	cp "$old"/*.gen.go gen/
	echo "The generator can't do something of openapi.yaml, see above; gen/ is as before." >&2
	echo "CONTRIBUTING.md, \"What the generator can't do\", has the ways out." >&2
	exit 1
fi
for module; do
	(cd "$module" && go generate ./...)
done
