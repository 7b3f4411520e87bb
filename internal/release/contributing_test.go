package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const repositoryRoot = "../.."

var repositoryFiles = os.DirFS(repositoryRoot)

// TestContributing runs the examples of CONTRIBUTING.md, each block in a copy of the repository of its own.
func TestContributing(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("copies the repository and builds its tools")
	}
	const document = "CONTRIBUTING.md"
	text, err := fs.ReadFile(repositoryFiles, document)
	if err != nil {
		t.Fatal(err)
	}
	blocks := consoleBlocks(string(text))
	if len(blocks) == 0 {
		t.Fatalf("%s has no example", document)
	}
	for _, block := range blocks {
		t.Run(fmt.Sprintf("line %d", block[0].line), func(t *testing.T) {
			t.Parallel()
			c := copyOfRepository(t)
			for _, command := range block {
				output, status := c.shell(t, command.text)
				if line := command.skipped(output); line != "" {
					skipf(t, "%s:%d: %s", document, command.line, line)
				}
				if diff := command.differs(output, status); diff != "" {
					t.Fatalf("%s:%d: $ %s\n%s", document, command.line, command.text, diff)
				}
			}
		})
	}
}

// copyOfRepository is a clone on branch main without tags; what is not committed here is committed there.
func copyOfRepository(t *testing.T) checkout {
	t.Helper()
	original := checkout{repository: repository{dir: repositoryRoot}}
	if _, err := original.command(t.Context(), "git", "rev-parse", "HEAD"); err != nil {
		skipf(t, "this is no checkout: %v", err)
	}
	c := checkout{repository: repository{dir: filepath.Join(t.TempDir(), "kodexa-go")}}
	original.git(t, "clone", "--quiet", "--no-tags", ".", c.dir)
	for key, value := range map[string]string{
		"user.name": "Test", "user.email": "test@example.test", "commit.gpgSign": "false", "tag.gpgSign": "false", "advice.detachedHead": "false",
	} {
		c.git(t, "config", key, value)
	}
	c.git(t, "checkout", "--quiet", "-B", "main")
	changed := original.git(t, "diff", "--name-only", "-z", "--no-renames", "HEAD") + original.git(t, "ls-files", "-z", "--others", "--exclude-standard")
	for path := range strings.SplitSeq(strings.TrimSuffix(changed, "\x00"), "\x00") {
		if path == "" { // nothing is changed
			continue
		}
		content, err := fs.ReadFile(repositoryFiles, path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			c.git(t, "rm", "--quiet", path)
		case err != nil:
			t.Fatal(err)
		default:
			c.write(t, tree{path: string(content)})
		}
	}
	c.commit(t, nil)
	return c
}

// shell runs a line as a user would. What make and go tell the programs that they start is kept from it, and flags that change what
// go prints.
func (c checkout) shell(t *testing.T, line string) (output, status string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", line) //nolint:gosec // of this repository
	cmd.Dir = c.dir
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(variable string) bool {
		return strings.HasPrefix(variable, "MAKE") || strings.HasPrefix(variable, "MFLAGS=") || strings.HasPrefix(variable, "KODEXA_")
	}), "GOWORK=off", "GOFLAGS=", "LC_ALL=C.UTF-8", "LANGUAGE=")
	out, err := cmd.CombinedOutput()
	if err != nil {
		status = err.Error() // "exit status 1"
	}
	return string(out), status
}
