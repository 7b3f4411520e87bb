package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestVersions has make check-versions start a go that prints what it is asked for.
func TestVersions(t *testing.T) {
	t.Parallel()
	programs := t.TempDir()
	const program = `#!/bin/sh
case "$GOTOOLCHAIN $*" in
"local env GOVERSION") echo go1.27.2 ;;
"go1.99.0 version") exit 1 ;;
*" version") ;;
*) echo "$GOTOOLCHAIN: go $*" ;;
esac
`
	if err := os.WriteFile(filepath.Join(programs, "go"), []byte(program), 0o700); err != nil { //nolint:gosec // it is a program
		t.Fatal(err)
	}
	c := checkout{repository: repository{dir: repositoryRoot}}
	output, status := c.shell(t, "PATH='"+programs+"':\"$PATH\" make --no-print-directory check-versions GO_VERSIONS='go1.26.8 go1.27.2 go1.99.0'")
	if status != "" {
		t.Fatalf("%s: %s", status, output)
	}
	for _, want := range []string{
		"-- go1.26.8 ./\ngo1.26.8: go test ./...\n",
		"-- go1.26.8 ./internal/importers/\ngo1.26.8: go test\n", // one of them is for the oldest
		"SKIPPED: go1.99.0 can't be had\n",
	} {
		if !strings.Contains(output, want) {
			t.Errorf("printed %swithout %q", output, want)
		}
	}
	if strings.Contains(output, "go1.27.2") {
		t.Errorf("the other checks have run the installed version: %s", output)
	}
}
