package importers_test

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/mod/modfile"
)

// unreachable is a line of the go command's where it fails for want of a network.
var unreachable = regexp.MustCompile(`.*(dial tcp|no such host|i/o timeout|Client\.Timeout|proxyconnect|disabled by GOPROXY=off).*`)

// run returns what a command prints. Without a network the test is skipped.
func run(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	text := fmt.Sprintf("%s: %v\n%s%s", strings.Join(cmd.Args, " "), err, out, &stderr)
	if why := unreachable.FindString(text); err != nil && why != "" {
		skip(t, why)
	}
	if err != nil {
		t.Fatal(text)
	}
	return string(out)
}

// skip skips the test, out loud.
func skip(t *testing.T, why string) {
	t.Helper()
	_, _ = fmt.Fprintf(os.Stdout, "SKIPPED: %s: %s\n", t.Name(), why)
	t.SkipNow()
}

func fileURL(dir string) string {
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(dir)}).String()
}

func parseMod(t *testing.T, name string) *modfile.File {
	t.Helper()
	mod, err := modfile.Parse(name, readFile(t, name), nil)
	if err != nil {
		t.Fatal(err)
	}
	return mod
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(name) //nolint:gosec // the caller is a test
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func writeFile(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
}
