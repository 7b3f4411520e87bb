#!/bin/sh
# Usage: tools/docs.sh [check]
#
# Makes docs/contract.html of openapi.yaml: one file that loads nothing from elsewhere. With check it makes another one and
# compares them; where Redocly CLI can't be had it says so and passes.
set -eu

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
page=$dir/contract.html

# redocly.sh also turns off that the page reports to the vendor who reads it.
sh tools/redocly.sh build-docs openapi.yaml --output "$page" --inlineBundle --openapi.schemaDefinitionsTagName=Schemas \
	--openapi.schemasExpansionLevel=all --openapi.jsonSamplesExpandLevel=all
if ! [ -f "$page" ]; then # skipped
	[ "${1-}" = check ]
	exit
fi

# Nor does it load the maker's logo: the name stands there, and the policy holds the page to that.
name="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='50' height='12'%3E%3Ctext y='10' font-family='sans-serif'\
 font-size='12' fill='%23888'%3ERedocly%3C/text%3E%3C/svg%3E"
policy="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; font-src data:; worker-src blob:"
sed -e "s#<meta charset=\"utf8\" />#<meta charset=\"utf8\" /><meta http-equiv=\"Content-Security-Policy\" content=\"$policy\" />#" \
	-e "s#https://cdn.redoc.ly/redoc/logo-mini[a-z-]*.svg#$name#g" "$page" >"$page.new"
if [ "${1-}" != check ]; then
	mv "$page.new" docs/contract.html
elif ! cmp -s docs/contract.html "$page.new"; then
	echo "docs/contract.html is stale: run make docs" >&2
	exit 1
fi
