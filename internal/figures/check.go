package figures

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
)

// Writes reports whether what is found different is written: KODEXA_TABLES is 1.
func Writes() bool { return os.Getenv("KODEXA_TABLES") == "1" }

// Check compares text with what stands in file between the markers of this name, and writes it there if Writes.
func Check(t *testing.T, file, name, text string) {
	t.Helper()
	old, err := os.ReadFile(file) //nolint:gosec // a test says which file
	if err != nil {
		t.Fatal(err)
	}
	whole, err := replace(string(old), name, text)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	if !CheckFile(t, file, whole) {
		t.Logf("between the markers of %q:\n%s", name, text)
	}
}

// CheckFile compares text with a whole file, writes it if Writes, and reports whether it stands there.
func CheckFile(t *testing.T, file, text string) bool {
	t.Helper()
	old, err := os.ReadFile(file) //nolint:gosec // a test says which file
	switch {
	case err == nil && string(old) == text:
		return true
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		t.Fatal(err)
	case !Writes():
		t.Errorf("%s is stale: KODEXA_TABLES=1 writes it", file)
		return false
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil { //nolint:gosec // as above
		t.Fatal(err)
	}
	return true
}

// replace returns whole with other text between the markers of this name.
func replace(whole, name, text string) (string, error) {
	begin, end := "<!-- "+name+":begin -->\n", "<!-- "+name+":end -->"
	before, rest, begins := strings.Cut(whole, begin)
	_, after, ends := strings.Cut(rest, end)
	if !begins || !ends {
		return "", fmt.Errorf("no lines %s and %s", strings.TrimSpace(begin), end)
	}
	return before + begin + text + end + after, nil
}
