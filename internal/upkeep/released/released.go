// Package released tells what was released last, and what CHANGELOG.md says to break importers since.
package released

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"golang.org/x/mod/semver"
)

// LastTag is the highest version among the tags that the commit of a checkout comes after; "" if there is none. A shallow clone
// may have none although there is one.
func LastTag(ctx context.Context, dir string) (tag string, isShallow bool, err error) {
	tags, err := git(ctx, dir, "tag", "--list", "v*", "--merged", "HEAD")
	if err != nil {
		return "", false, err
	}
	for name := range strings.FieldsSeq(tags) {
		if semver.Canonical(name) == name && (tag == "" || semver.Compare(name, tag) > 0) {
			tag = name
		}
	}
	shallow, err := git(ctx, dir, "rev-parse", "--is-shallow-repository")
	return tag, strings.TrimSpace(shallow) == "true", err
}

func git(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "LC_ALL=C")
	out, err := cmd.Output()
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		err = fmt.Errorf("git: %s", strings.TrimSpace(string(failed.Stderr)))
	}
	return string(out), err
}
