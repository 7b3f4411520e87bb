package change

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/kodexa-community/kodexa-go/internal/upkeep/released"
)

// base is an older state of the contract.
type base struct {
	name string
	spec []byte
	api  map[string][]byte // the files of api/ by their paths; nil if the base is a file
}

// base reads a file or, if there is none of that name, a Git ref.
func (r repository) base(ctx context.Context, name string) (*base, error) {
	if spec, err := os.ReadFile(r.path(name)); err == nil {
		return &base{name: name, spec: spec}, nil
	} else if !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	archive, err := r.run(ctx, "git", "archive", "--format=tar", "--end-of-options", name)
	if err != nil {
		return nil, fmt.Errorf("%s is no file and no Git ref: %w", name, err)
	}
	b := &base{name: name, api: map[string][]byte{}}
	files := tar.NewReader(bytes.NewReader(archive))
	for {
		file, err := files.Next()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		if file.Typeflag != tar.TypeReg || file.Name != "openapi.yaml" && !strings.HasPrefix(file.Name, "api/") {
			continue
		}
		if b.api[file.Name], err = io.ReadAll(files); err != nil {
			return nil, err
		}
	}
	if b.spec = b.api["openapi.yaml"]; b.spec == nil {
		return nil, fmt.Errorf("%s has no openapi.yaml", name)
	}
	return b, nil
}

// lastTag returns the last version before the checkout, or why there is none.
func (r repository) lastTag(ctx context.Context) (tag, why string) {
	tag, isShallow, err := released.LastTag(ctx, string(r))
	switch {
	case err != nil:
		return "", fmt.Sprintf("no tag to compare openapi.yaml with: %v", err)
	case tag == "" && isShallow:
		return "", "no tag in this shallow clone to compare openapi.yaml with: git fetch --unshallow --tags gets them"
	case tag == "":
		return "", "no tag yet to compare openapi.yaml with"
	default:
		return tag, ""
	}
}

// run returns what a program prints.
func (r repository) run(ctx context.Context, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = string(r)
	cmd.Env = append(os.Environ(), "GOWORK=off", "LC_ALL=C") // the go command takes no -modfile inside a workspace
	out, err := cmd.Output()
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		err = fmt.Errorf("%s: %s", name, strings.TrimSpace(string(failed.Stderr)))
	}
	return out, err
}
