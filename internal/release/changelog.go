package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// A changelog is the text of CHANGELOG.md, or a part of it.
type changelog string

func (r repository) changelog() (changelog, error) {
	text, err := os.ReadFile(filepath.Join(r.dir, "CHANGELOG.md"))
	return changelog(text), err
}

// since returns what stands above the section of a version: what is not released, and what is about to be.
func (c changelog) since(tag string) changelog {
	above, _, _ := strings.Cut(string(c), "\n## ["+strings.TrimPrefix(tag, "v")+"]")
	return changelog(above)
}

// section returns the text of a section and what follows its name in the heading, such as " - 2026-11-26".
func (c changelog) section(name string) (text, date string, found bool) {
	_, after, found := strings.Cut("\n"+string(c), "\n## ["+name+"]")
	date, after, _ = strings.Cut(after, "\n")
	text, _, _ = strings.Cut("\n"+after, "\n## ")
	return strings.TrimSpace(text), date, found
}

var (
	anyHeading    = regexp.MustCompile(`(?m)^##+ `)
	breakingEntry = regexp.MustCompile(`(?m)^- \*\*Breaking\*\*.*(?:\n  .*)*`)
	inBackticks   = regexp.MustCompile("`([^`]+)`")
)

// breaks has what is named in backticks by entries of Changed and Removed that begin with **Breaking**.
func (c changelog) breaks() map[string]bool {
	names := map[string]bool{}
	for _, part := range anyHeading.Split(string(c), -1) {
		if kind, _, _ := strings.Cut(part, "\n"); kind != "Changed" && kind != "Removed" {
			continue
		}
		for _, entry := range breakingEntry.FindAllString(part, -1) {
			for _, name := range inBackticks.FindAllStringSubmatch(entry, -1) {
				names[name[1]] = true
			}
		}
	}
	return names
}
