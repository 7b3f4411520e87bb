#!/bin/sh
# Fails when the module reaches a known vulnerability. Without a database to ask it says so and passes.
set -u
cd "$(dirname "$0")/.." || exit

out=$(go tool -modfile=tools/go.mod govulncheck ./... 2>&1)
status=$?
echo "$out"
[ $status -eq 0 ] && exit

if echo "$out" | grep -Eq '^govulncheck: fetching vulnerabilities: (Get|HTTP GET) '; then
	echo "SKIPPED: govulncheck: vulnerability database not reachable"
	exit
fi
exit $status
