#!/bin/sh
# Usage: tools/mutate.sh PACKAGE...
#
# Changes one operator of a package at a time and runs its tests, which must fail: that kills the mutant. Prints the mutants
# that live, and fails when too few are killed. One that hangs or does not compile counts neither way.
#
# gremlins starts go by its name, so it is given one that mends what else the score would hide:
#   - Coverage is taken of the package alone. A case's condition, for which Go counts no coverage, is covered as all code is.
#   - A mutant that does not compile is not killed: go test exits with 1 for both, gremlins takes 2 for not viable.
#   - Tests that generate and compile the module are left out (-short).
set -eu

shim=$(mktemp -d)
trap 'rm -rf "$shim"' EXIT
go build -modfile=tools/go.mod -o "$shim/gremlins" github.com/go-gremlins/gremlins/cmd/gremlins
go=$(command -v go)
cat >"$shim/go" <<END
#!/bin/sh
case "\$*" in
"test -cover -coverprofile "*)
	"$go" test -short -count=1 -coverprofile "\$4" "./\${PACKAGE#./}" || exit
	awk -F: 'NR == 1 { print "mode: set" } NR > 1 { print \$1 ":1.1,99999.1 1 1" }' "\$4" >"\$4.all"
	mv "\$4.all" "\$4" ;;
"test "*-failfast*)
	shift
	for package; do :; done # the last argument
	"$go" build "\$package" || exit 2
	exec "$go" test -short -vet=off "\$@" ;;
*)
	exec "$go" "\$@" ;;
esac
END
chmod +x "$shim/go"

failed=0
for package; do
	echo "-- $package"
	PACKAGE=$package PATH="$shim:$PATH" "$shim/gremlins" unleash --config tools/gremlins.yaml "$package" || failed=1
done
exit $failed
