#!/bin/sh
# Usage: tools/fuzz.sh FUZZTIME MODULE...
#
# Runs every fuzz target of the modules for FUZZTIME each. Fails at the end when any of them failed or there is none.
#
# Before Go 1.27 a target that runs for a duration can end in "context deadline exceeded" although it found nothing
# (https://go.dev/issue/75804). A number of inputs, such as 20000x, is free of that. Making an interesting input smaller, which
# may take a minute each and is not counted, is kept short.
set -eu

fuzztime=$1
shift

found=0
failed=0
for module; do
	listed=$(cd "$module" && go test -list '^Fuzz' ./...)
	# go test lists the targets of a package first and names the package after them.
	targets=$(echo "$listed" | awk '/^Fuzz/ {names[n++] = $1} /^ok/ {while (n > 0) print $2 ":" names[--n]}')
	for target in $targets; do
		echo "-- $target"
		found=1
		(cd "$module" && go test -run '^$' -fuzz "^${target#*:}\$" -fuzztime "$fuzztime" -fuzzminimizetime 2s "${target%%:*}") || failed=1
	done
done
[ $found -eq 1 ] || {
	echo "no fuzz target found" >&2
	exit 1
}
exit $failed
