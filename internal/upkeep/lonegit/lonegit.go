// Package lonegit keeps tests that run git away from the repositories around them.
package lonegit

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Run is for the TestMain of a package whose tests run git. It has git take no other repository for that of a test: neither that
// of a hook which runs the tests, nor one around TMPDIR.
func Run(m *testing.M) {
	names, _ := exec.CommandContext(context.Background(), "git", "rev-parse", "--local-env-vars").Output()
	for name := range strings.FieldsSeq(string(names)) {
		_ = os.Unsetenv(name)
	}
	_ = os.Setenv("GIT_CEILING_DIRECTORIES", os.TempDir())
	os.Exit(m.Run())
}
