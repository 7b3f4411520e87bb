package main

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kodexa-community/kodexa-go/internal/upkeep/lonegit"
)

func TestMain(m *testing.M) { lonegit.Run(m) }

// A tree is files by path.
type tree map[string]string

// with is a copy in which a text of a file is another.
func (f tree) with(t *testing.T, path, old, text string) tree {
	t.Helper()
	if !strings.Contains(f[path], old) {
		t.Fatalf("%s has no %q", path, old)
	}
	f = maps.Clone(f)
	f[path] = strings.Replace(f[path], old, text, 1)
	return f
}

// A checkout is a repository of the test's own, and what is reported of it.
type checkout struct {
	repository
	report *strings.Builder
}

func newCheckout(t *testing.T, files tree) checkout {
	t.Helper()
	tools, err := filepath.Abs("../../tools/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	report := &strings.Builder{}
	c := checkout{repository{dir: t.TempDir(), tools: tools, out: report}, report}
	c.git(t, "init", "--quiet", "--initial-branch=main")
	c.commit(t, files)
	return c
}

func (c checkout) write(t *testing.T, files tree) {
	t.Helper()
	for path, text := range files {
		path = filepath.Join(c.dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func (c checkout) commit(t *testing.T, files tree) {
	t.Helper()
	c.write(t, files)
	c.git(t, "add", ".")
	c.git(t, "-c", "user.name=Test", "-c", "user.email=test@example.test", "commit", "--quiet", "--allow-empty", "--message=Change")
}

func (c checkout) git(t *testing.T, args ...string) string {
	t.Helper()
	args = append([]string{"-c", "commit.gpgSign=false", "-c", "tag.gpgSign=false"}, args...) // whatever the user has
	cmd := exec.CommandContext(t.Context(), "git", args...)                                   //nolint:gosec // they are the tests'
	cmd.Dir = c.dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %q: %v\n%s", args, err, out)
	}
	return string(out)
}

// says holds an error against the texts that it must have, each in a line of its own order; without any it must be nil.
func says(t *testing.T, err error, texts ...string) {
	t.Helper()
	if len(texts) == 0 {
		if err != nil {
			t.Errorf("got %v, want no error", err)
		}
		return
	}
	if err == nil {
		t.Fatalf("got no error, want %q", texts)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("got %v, want in it %q", err, text)
		}
	}
}

// TestSkipIsOutLoud has tests of this package run where there is neither npm nor Git, as make check does: without -v.
func TestSkipIsOutLoud(t *testing.T) {
	t.Parallel()
	programs := t.TempDir()
	for _, name := range []string{"sh", "dirname"} {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(programs, name)); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^Test(Lint|Contributing)$") //nolint:gosec // these tests
	cmd.Env = append(os.Environ(), "PATH="+programs)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, want := range []string{"SKIPPED: TestLint: redocly lint: no npm\n", "SKIPPED: TestContributing/line_", "this is no checkout: "} {
		if !strings.Contains(string(out), want) {
			t.Errorf("printed %swithout %q", out, want)
		}
	}
}

// skipf skips the test, out loud: go test shows what a test prints here, and why it was skipped only with -v.
func skipf(t *testing.T, format string, args ...any) {
	t.Helper()
	_, _ = fmt.Fprintf(os.Stdout, "SKIPPED: %s: %s\n", t.Name(), strings.TrimPrefix(strings.TrimSpace(fmt.Sprintf(format, args...)), "SKIPPED: "))
	t.SkipNow()
}
