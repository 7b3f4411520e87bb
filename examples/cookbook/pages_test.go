package cookbook

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const cookbook = "../../docs/cookbook.md"

// TestSnippetsAreTested wants the lines of each Go snippet in a page, in a row, in code that is compiled and run.
func TestSnippetsAreTested(t *testing.T) {
	t.Parallel()
	for page, sources := range map[string][]string{
		"../../README.md": {"../../example_test.go", "../../kodexatest/example_test.go"},
		cookbook:          {"change_test.go", "connect_test.go", "pool_test.go", "run_test.go", "../../internal/importers/traced/traced.go"},
	} {
		var code strings.Builder
		for _, source := range sources {
			code.WriteString(readLines(t, source))
		}
		text := readLines(t, page)
		snippets := regexp.MustCompile("(?s)\n```go(\n.*?\n)```\n").FindAllStringSubmatch(text, -1)
		if len(snippets) == 0 || len(snippets) != strings.Count(text, "```go") {
			t.Fatalf("%s: found %d snippets of %d", page, len(snippets), strings.Count(text, "```go"))
		}
		for _, snippet := range snippets {
			if !strings.Contains(code.String(), snippet[1]) {
				t.Errorf("%s: not in the code:\n%s", page, snippet[1])
			}
		}
	}
}

// readLines returns the lines of a file without indentation, in one text that begins and ends with a line break.
func readLines(t *testing.T, file string) string {
	t.Helper()
	if _, err := os.Stat("../../docs"); err != nil {
		t.Skip("this is no checkout: the pages are missing")
	}
	data, err := os.ReadFile(file) //nolint:gosec // the test names the file
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for line := range strings.Lines("\n" + string(data)) {
		text.WriteString(strings.TrimSpace(line) + "\n")
	}
	return text.String()
}

// TestReadmeIsShort holds it to what is read in five minutes.
func TestReadmeIsShort(t *testing.T) {
	t.Parallel()
	const most = 170
	if lines := strings.Count(readLines(t, "../../README.md"), "\n") - 1; lines > most {
		t.Errorf("README.md has %d lines: cut it to %d, or move something to the cookbook", lines, most)
	}
}

// TestLinksLeadSomewhere follows the links of a page within the repository, to headings of its own too.
func TestLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	code, notSlug := regexp.MustCompile("(?s)```.*?```"), regexp.MustCompile(`[^\w\- ]`)
	for _, page := range []string{"../../README.md", "../../CONTRIBUTING.md", "../../SECURITY.md", cookbook} {
		text := code.ReplaceAllString(readLines(t, page), "")
		headings := map[string]bool{}
		for _, heading := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(text, -1) {
			slug := strings.ReplaceAll(notSlug.ReplaceAllString(strings.ToLower(heading[1]), ""), " ", "-")
			headings[slug] = true
		}
		for _, link := range regexp.MustCompile(`\]\(([^)]+)\)`).FindAllStringSubmatch(text, -1) {
			target := link[1]
			heading, isHeading := strings.CutPrefix(target, "#")
			if strings.HasPrefix(target, "https://") || isHeading && headings[heading] {
				continue
			}
			target = filepath.Join(filepath.Dir(page), target)
			if _, err := os.Stat(target); err != nil || isHeading {
				t.Errorf("%s: the link to %s leads nowhere", page, target)
			}
		}
	}
}
