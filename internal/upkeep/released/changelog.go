package released

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Changelog is the text of CHANGELOG.md, or a part of it.
type Changelog string

// ReadChangelog reads that of a checkout.
func ReadChangelog(dir string) (Changelog, error) {
	text, err := os.ReadFile(filepath.Join(dir, "CHANGELOG.md"))
	return Changelog(strings.ReplaceAll(string(text), "\r\n", "\n")), err
}

// Since returns what stands above the section of a version: what is not released, and what is about to be.
func (c Changelog) Since(tag string) Changelog {
	above, _, _ := strings.Cut("\n"+string(c), "\n## ["+strings.TrimPrefix(tag, "v")+"]")
	return Changelog(above)
}

// Section returns the text of a section and what follows its name in the heading, such as " - 2026-11-26".
func (c Changelog) Section(name string) (text, date string, found bool) {
	_, after, found := strings.Cut("\n"+string(c), "\n## ["+name+"]")
	date, after, _ = strings.Cut(after, "\n")
	text, _, _ = strings.Cut("\n"+after, "\n## ")
	return strings.TrimSpace(text), date, found
}

var inBackticks = regexp.MustCompile("`([^`]+)`")

// Breaks has what is said to break: all that stands in backticks in the entries below "### Changed" and "### Removed" that begin
// with **Breaking**. Of a pointer, such as /organization/slug, the last name counts too.
func (c Changelog) Breaks() map[string]bool {
	names := map[string]bool{}
	for _, entry := range c.breakingEntries() {
		for _, match := range inBackticks.FindAllStringSubmatch(entry, -1) {
			names[match[1]] = true
			if strings.HasPrefix(match[1], "/") {
				names[path.Base(strings.TrimSuffix(match[1], "/*"))] = true
			}
		}
	}
	return names
}

// breakingEntries are items of a list with the lines that belong to them: a line that is not indented does unless an empty one
// stands before it.
func (c Changelog) breakingEntries() (entries []string) {
	var heading string
	isBreaking, isAfterBlank := false, false
	for line := range strings.Lines(string(c)) {
		line = strings.TrimRight(line, "\n")
		text, isItem := strings.CutPrefix(line, "- ")
		if !isItem {
			text, isItem = strings.CutPrefix(line, "* ")
		}
		switch {
		case strings.HasPrefix(line, "#"):
			heading, isBreaking = line, false
		case isItem:
			isBreaking = slices.Contains([]string{"### Changed", "### Removed"}, heading) && strings.HasPrefix(text, "**Breaking**")
			if isBreaking {
				entries = append(entries, "")
			}
		case isAfterBlank && !strings.HasPrefix(line, " "):
			isBreaking = false
		}
		isAfterBlank = strings.TrimSpace(line) == ""
		if isBreaking {
			entries[len(entries)-1] += line + "\n"
		}
	}
	return entries
}
