package importers_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

const checkout = "../.."

// release is a version that was never tagged. No cache but a test's own ever holds it.
var release = module.Version{Path: "github.com/kodexa-community/kodexa-go", Version: "v0.9.9"}

// pack returns the zip of the root module as a proxy would make it of the repository, were all that git does not ignore committed.
func pack(t *testing.T) []byte {
	t.Helper()
	if _, err := os.Stat(filepath.Join(checkout, ".git")); errors.Is(err, fs.ErrNotExist) {
		skip(t, "this is no checkout of git, which knows what a release has")
	}
	cmd := exec.CommandContext(t.Context(), "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	cmd.Dir = checkout
	listed := run(t, cmd)
	var files []zip.File
	for name := range strings.SplitSeq(strings.TrimSuffix(listed, "\x00"), "\x00") {
		if _, err := os.Lstat(filepath.Join(checkout, name)); !errors.Is(err, fs.ErrNotExist) { // else its removal is not committed
			files = append(files, file(name))
		}
	}
	var packed bytes.Buffer
	if err := zip.Create(&packed, release, files); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

// file is the name of one of the checkout's.
type file string

func (f file) Path() string                 { return string(f) }
func (f file) Lstat() (fs.FileInfo, error)  { return os.Lstat(filepath.Join(checkout, string(f))) }
func (f file) Open() (io.ReadCloser, error) { return os.Open(filepath.Join(checkout, string(f))) }

// serve lays a zip of the release out as GOPROXY wants it and returns the folder.
func serve(t *testing.T, packed []byte) string {
	t.Helper()
	proxy := t.TempDir()
	dir := filepath.Join(proxy, filepath.FromSlash(release.Path), "@v")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"list":                    []byte(release.Version + "\n"),
		release.Version + ".info": []byte(`{"Version":"` + release.Version + `"}`),
		release.Version + ".mod":  readFile(t, filepath.Join(checkout, "go.mod")),
		release.Version + ".zip":  packed,
	} {
		writeFile(t, filepath.Join(dir, name), content)
	}
	return proxy
}
