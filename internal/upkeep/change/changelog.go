package change

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

var inBackticks = regexp.MustCompile("`([^`]+)`")

// namedBreaks returns what the changelog, above the heading of a tag, says to break: all that stands in backticks in the items
// below "### Changed" and "### Removed" that begin with **Breaking**. Of `/organization/slug` the last segment is a name too.
func namedBreaks(changelog, tag string) []string {
	var names []string
	var section string
	isBreaking := false
	for line := range strings.Lines(changelog) {
		line = strings.TrimRight(line, "\r\n")
		isItem := strings.HasPrefix(line, "- ") || strings.HasPrefix(line, "* ")
		switch {
		case strings.HasPrefix(line, "## ") && strings.Contains(line, "["+strings.TrimPrefix(tag, "v")+"]"):
			return names
		case strings.HasPrefix(line, "#"):
			section, isBreaking = line, false
		case isItem:
			isBreaking = slices.Contains([]string{"### Changed", "### Removed"}, section) && strings.HasPrefix(line[2:], "**Breaking**")
		}
		if !isBreaking {
			continue
		}
		for _, match := range inBackticks.FindAllStringSubmatch(line, -1) {
			names = append(names, match[1], path.Base(match[1]))
		}
	}
	return names
}
