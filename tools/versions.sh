#!/bin/sh
# Usage: tools/versions.sh VERSIONS TEST MODULE...
#
# Runs TEST, a command such as 'go test ./...', in the modules with each Go version but the one that is installed, which the other checks use. A version
# that can't be had is skipped, out loud.
set -eu

versions=$1 test=$2
shift 2

for version in $versions; do
	if [ "$version" = "$(GOTOOLCHAIN=local go env GOVERSION)" ]; then
		continue
	fi
	if ! GOTOOLCHAIN=$version go version; then
		echo "SKIPPED: $version can't be had"
		continue
	fi
	for module; do
		echo "-- $version $module"
		(cd "$module" && GOTOOLCHAIN=$version $test)
	done
done
