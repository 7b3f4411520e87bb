#!/bin/sh
# Usage: tools/redocly.sh ARGUMENT...
#
# Runs the Redocly CLI that tools/npm pins; installs it if it is missing or another version. Silent when all is well.
# Where it can't be had it says so and passes.
set -eu

skip() {
	echo "SKIPPED: redocly $command: $1"
	exit
}
command=$1
dir=$(dirname "$0")/npm

if ! command -v npm >/dev/null || ! command -v node >/dev/null; then
	skip "no npm"
fi
if ! npm ls --prefix "$dir" >/dev/null 2>&1; then
	export npm_config_fetch_timeout="${npm_config_fetch_timeout:-30000}" # milliseconds; by default npm waits five minutes for a silent registry
	out=$(npm ci --prefix "$dir" --no-audit --no-fund --no-update-notifier --fetch-retries 0 --engine-strict 2>&1) || case $out in
	*EAI_* | *ENOTFOUND* | *ECONN* | *EHOSTUNREACH* | *ENETUNREACH* | *ETIMEDOUT* | *ERR_SOCKET_TIMEOUT* | *FETCH_ERROR* | *E50[0-9]*)
		skip "package registry not reachable"
		;;
	*E403* | *E407* | *E429*) skip "package registry refuses" ;;
	*EBADENGINE*) skip "node is too old" ;;
	*)
		echo "$out" >&2
		exit 1
		;;
	esac
fi

export REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true
out=$("$dir/node_modules/.bin/redocly" "$@" 2>&1) || {
	echo "$out" | sed '/╔/,/╝/d' >&2 # the frame says that Node.js grows old
	exit 1
}
