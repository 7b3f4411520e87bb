package released

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kodexa-community/kodexa-go/internal/upkeep/lonegit"
)

func TestMain(m *testing.M) { lonegit.Run(m) }

func TestBreaks(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		changelog string
		want      []string
	}{
		"nothing":                        {"# Changelog\n\n## [Unreleased]\n", nil},
		"two in one entry":               {"### Removed\n\n- **Breaking** `Client.Get` and\n  `Client.Update` are gone.\n", []string{"Client.Get", "Client.Update"}},
		"two entries":                    {"### Removed\n- **Breaking** `A`\n* **Breaking**: `B`\n", []string{"A", "B"}},
		"another entry":                  {"### Changed\n- **Breaking** `A`\n- `B`\n* `C`\n", []string{"A"}},
		"another kind":                   {"### Changed\n- **Breaking** `A`\n\n### Fixed\n- **Breaking** `B`\n", []string{"A"}},
		"another version's":              {"### Changed\n\n## [0.1.0]\n- **Breaking** `A`\n", nil},
		"**Breaking** within an entry":   {"### Changed\n- `A` is **Breaking** `B`\n", nil},
		"a list within the entry":        {"### Changed\n- **Breaking**\n  - `A`\n\n  `B`\n", []string{"A", "B"}},
		"a line that is not indented":    {"### Changed\n- **Breaking** `A` and\n`B`\n", []string{"A", "B"}},
		"a paragraph after it":           {"### Changed\n- **Breaking** `A`\n\nSee `B`.\n\n  `C`\n", []string{"A"}},
		"a pointer":                      {"### Changed\n- **Breaking** `/organization/slug`\n", []string{"/organization/slug", "slug"}},
		"a pointer to all of its kind":   {"### Changed\n- **Breaking** `/users/*`\n", []string{"/users/*", "users"}},
		"a path in something else":       {"### Changed\n- **Breaking** `package example.test/kodexa/gen`\n", []string{"package example.test/kodexa/gen"}},
		"backticks that are not closed":  {"### Changed\n- **Breaking** `A\n- **Breaking** `B`\n", []string{"B"}},
		"an older heading, of one level": {"## Changed\n- **Breaking** `A`\n", nil},
	} {
		got := slices.Sorted(maps.Keys(Changelog(tt.changelog).Breaks()))
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
}

func TestChangelogWithCarriageReturns(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := "## [Unreleased]\r\n\r\n### Changed\r\n\r\n- **Breaking** `A`\r\n\r\n## [0.1.0] - 2026-01-02\r\n\r\n### Changed\r\n\r\n- **Breaking** `B`\r\n"
	if err := os.WriteFile(filepath.Join(dir, "CHANGELOG.md"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	changelog, err := ReadChangelog(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := slices.Collect(maps.Keys(changelog.Since("v0.1.0").Breaks())); !slices.Equal(got, []string{"A"}) {
		t.Errorf("got %q", got)
	}
	if section, date, found := changelog.Section("0.1.0"); section != "### Changed\n\n- **Breaking** `B`" || date != " - 2026-01-02" || !found {
		t.Errorf("got %q, %q, %t", section, date, found)
	}
}

func TestLastTag(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		tags []string
		want string
	}{
		"none":                       {nil, ""},
		"the highest":                {[]string{"v0.9.0", "v0.10.0", "v0.2.0"}, "v0.10.0"},
		"a prerelease before it":     {[]string{"v0.9.0", "v0.10.0-rc.1", "v0.10.0", "w1.0.0"}, "v0.10.0"},
		"a prerelease after it":      {[]string{"v0.9.0", "v0.10.0-rc.2", "v0.10.0-rc.10"}, "v0.10.0-rc.10"},
		"none that is a version":     {[]string{"vnext", "v1", "v1.2", "w1.0.0", "v01.0.0"}, ""},
		"beside what is no version":  {[]string{"vnext", "v2", "v0.1.0"}, "v0.1.0"},
		"what is on another branch":  {[]string{"v0.1.0", "other v0.2.0"}, "v0.1.0"},
		"what is before this commit": {[]string{"before v0.1.0"}, "v0.1.0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for _, command := range []string{
				"init --quiet --initial-branch=other", commit + "first", "checkout --quiet -b main", commit + "here", "checkout --quiet other", commit + "there",
				"checkout --quiet main",
			} {
				run(t, dir, command)
			}
			for _, tag := range tt.tags {
				where, tag, isElsewhere := strings.Cut(tag, " ")
				if !isElsewhere {
					where, tag = "HEAD", where
				}
				run(t, dir, "-c tag.gpgsign=false tag "+tag+" "+strings.ReplaceAll(where, "before", "HEAD~1"))
			}
			if got, isShallow, err := LastTag(t.Context(), dir); got != tt.want || isShallow || err != nil {
				t.Errorf("got %q, %t, %v, want %q", got, isShallow, err, tt.want)
			}
		})
	}
}

func TestLastTagOfNoRepository(t *testing.T) {
	t.Parallel()
	if tag, _, err := LastTag(t.Context(), t.TempDir()); tag != "" || err == nil || !strings.HasPrefix(err.Error(), "git: fatal: not a git repository") {
		t.Errorf("got %q, %v", tag, err)
	}
}

// commit is for the message to follow: two commits with the same one would be the same.
const commit = "-c user.name=a -c user.email=a@example.com -c commit.gpgsign=false commit --quiet --allow-empty --message "

func run(t *testing.T, dir, command string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", strings.Fields(command)...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %s: %v: %s", command, err, out)
	}
}
