package contract

import (
	"cmp"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// pathTree is where the paths of operations part. A segment that has a parameter is filed under "".
type pathTree struct {
	next       map[string]*pathTree
	operations []*Operation // whose paths end here, those with more fixed text first
}

// add files o under its path. Of two operations that can't be told apart the first is found.
func (n *pathTree) add(o *Operation) {
	for segment := range strings.SplitSeq(strings.Join(o.texts, "{}"), "/") {
		if strings.Contains(segment, "{}") {
			segment = ""
		}
		if n.next == nil {
			n.next = map[string]*pathTree{}
		}
		if n.next[segment] == nil {
			n.next[segment] = &pathTree{}
		}
		n = n.next[segment]
	}
	n.operations = append(n.operations, o)
	fixedText := func(o *Operation) int { return len(strings.Join(o.texts, "")) }
	slices.SortStableFunc(n.operations, func(a, b *Operation) int { return cmp.Compare(fixedText(b), fixedText(a)) })
}

// find returns the operation for a path of which rest is left, or nil. Fixed text goes before a parameter.
func (n *pathTree) find(method, path, rest string) *Operation {
	segment, rest, isMore := strings.Cut(rest, "/")
	for _, key := range []string{segment, ""} {
		next := n.next[key]
		if next == nil {
			continue
		}
		if isMore {
			if o := next.find(method, path, rest); o != nil {
				return o
			}
			continue
		}
		for _, o := range next.operations {
			if o.Method == method && o.values(path, func(int, string) bool { return true }) {
				return o
			}
		}
	}
	return nil
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

// values hands over what the parameters say in an escaped path, which is never nothing, and reports whether the path is the
// operation's and all of them were good.
func (o *Operation) values(path string, isGood func(i int, value string) bool) bool {
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
