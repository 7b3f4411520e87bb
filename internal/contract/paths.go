package contract

import (
	"cmp"
	"net/url"
	"regexp"
	"strings"
)

// folderOf returns a path up to its last slash.
func folderOf(path string) string { return path[:strings.LastIndexByte(path, '/')+1] }

// byFixedText orders path templates: where one has fixed text and the other one a parameter, the first is the first.
func byFixedText(a, b string) int {
	key := func(path string) string { return parameter.ReplaceAllString(path, "\xff") + "\xff" } // which no text has
	return cmp.Or(cmp.Compare(key(a), key(b)), cmp.Compare(a, b))
}

var parameter = regexp.MustCompile(`\{[^{}/]*\}`)

// parseTemplate returns the names in a path template and the texts, escaped as in a URL, before, between and after them.
func parseTemplate(path string) (names, texts []string) {
	for _, name := range parameter.FindAllString(path, -1) {
		names = append(names, name[1:len(name)-1])
	}
	for _, text := range parameter.Split(path, -1) {
		texts = append(texts, (&url.URL{Path: text}).EscapedPath())
	}
	return names, texts
}

// pathValues hands over what each parameter says in an escaped path, which is never nothing. It reports whether the path is the
// operation's and all values were good.
func (o *Operation) pathValues(path string, isGood func(i int, value string) bool) bool {
	rest, ok := strings.CutPrefix(path, o.texts[0])
	for i, text := range o.texts[1:] {
		end := len(rest) - len(text)
		if isLast := i+2 == len(o.texts); !isLast && rest != "" {
			end = 1 + strings.Index(rest[1:], text)
		}
		if !ok || end < 1 || strings.Contains(rest[:end], "/") || !strings.HasPrefix(rest[end:], text) {
			return false
		}
		value, err := url.PathUnescape(rest[:end])
		if err != nil || !isGood(i, value) {
			return false
		}
		rest = rest[end+len(text):]
	}
	return ok && rest == ""
}
