// Command release says what stands between this tree and a release. It changes nothing but docs/licences.md.
//
// It is started in its own folder; the Makefile has its commands.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

const usage = `usage, in internal/release:
  go run . api                      compare the public API with that of the last tag
  go run . licences [-write]        hold docs/licences.md against what the module links, or write it
  go run . version VERSION TARGET   say what VERSION lacks; make TARGET is the last that has to pass`

func main() {
	dir, err := filepath.Abs("../..")
	if err == nil {
		repo := repository{dir: dir, tools: filepath.Join(dir, "tools", "go.mod"), out: os.Stdout}
		err = repo.run(context.Background(), os.Args[1:])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// A repository is a checkout of the root module, the go.mod that pins the tools, and where reports go.
type repository struct {
	dir, tools string
	out        io.Writer
}

func (r repository) run(ctx context.Context, args []string) error {
	switch {
	case slices.Equal(args, []string{"api"}):
		return r.checkAPI(ctx)
	case slices.Equal(args, []string{"licences"}):
		return r.checkLicences(ctx)
	case slices.Equal(args, []string{"licences", "-write"}):
		return r.writeLicences(ctx)
	case len(args) == 3 && args[0] == "version":
		return r.checkRelease(ctx, args[1], args[2]) //nolint:gosec // there are three
	default:
		return fmt.Errorf("arguments %q, %s", args, usage)
	}
}

// command runs a program in the repository, outside of any workspace, and returns what it prints on standard output. An
// error has the rest.
func (r repository) command(ctx context.Context, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...) //nolint:gosec // they are this module's
	cmd.Dir = r.dir
	cmd.Env = append(os.Environ(), "GOWORK=off")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return string(out), fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, &stderr)
	}
	return string(out), nil
}
