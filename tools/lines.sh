#!/bin/sh
# Usage: tools/lines.sh MOST
#
# Prints the lines of code of the layer by file and fails above MOST: the root package, internal/contract and internal/json
# without tests, doc.go, comments and blank lines.
set -eu

most=$1
for file in *.go internal/contract/*.go internal/json/*.go; do
	case $file in
	*_test.go | doc.go) continue ;;
	esac
	echo "$(sed 's/^[[:space:]]*//' "$file" | grep -cvE '^($|//)')" "$file"
done | awk -v most="$most" '
	{ sum += $1; printf "%5d  %s\n", $1, $2 }
	END {
		printf "%5d  of %d\n", sum, most
		if (sum > most) printf "%d lines too many: look for some to delete\n", sum - most
		exit sum > most
	}'
