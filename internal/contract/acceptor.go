package contract

import (
	"bytes"
	"hash/maphash"
	"io"
	"slices"
	"sync"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/kodexa-community/kodexa-go/internal/json"
)

// acceptor says yes to a JSON text in one pass over it, without building its value. Its yes implies that kin-openapi accepts
// the value and that Go's decoders decode it to what it says. Its no means only that kin-openapi has to decide.
type acceptor struct {
	jsontext.Decoder

	text  bytes.Buffer
	seed  maphash.Seed
	names []uint64 // hashes of the names without a bit in the objects that are open, the innermost last
}

var acceptors = sync.Pool{New: func() any { return &acceptor{seed: maphash.MakeSeed()} }}

// accepts reports whether text is one JSON value that surely keeps s.
func (s *schema) accepts(text []byte) bool {
	a := acceptors.Get().(*acceptor)
	defer func() { acceptors.Put(a.emptied()) }()
	a.reset(text)
	if !a.value(s) {
		return false
	}
	_, err := a.ReadToken()
	return err == io.EOF
}

// acceptsText is accepts for what a string says.
func (s *schema) acceptsText(text []byte) bool {
	isText := func(value any) bool { return value == string(text) }
	return !s.asks && s.kind == '"' && s.format.has(text) && (s.enum == nil || slices.ContainsFunc(s.enum, isText))
}

func (a *acceptor) reset(text []byte) {
	a.text = *bytes.NewBuffer(text)
	a.Reset(&a.text, jsontext.AllowDuplicateNames(true)) // differ tells them apart, faster and without allocations
}

// maxPooledNames bounds what an acceptor that is not in use keeps.
const maxPooledNames = 4 << 10

func (a *acceptor) emptied() *acceptor {
	a.reset(nil)
	if a.names = a.names[:0]; cap(a.names) > maxPooledNames {
		a.names = nil
	}
	return a
}

func (a *acceptor) value(s *schema) bool {
	kind := a.PeekKind()
	switch {
	case s.asks || !s.is(kind) && kind != 'n':
		return false
	case kind == '{':
		return a.inside(s, '}')
	case kind == '[':
		return a.inside(s, ']')
	}
	literal, err := a.ReadValue()
	switch {
	case err != nil:
		return false
	case kind == 'n':
		return s.isNullable
	case kind == '0':
		return s.format.has(literal)
	case kind == '"' && (s.enum != nil || s.format.holds != nil):
		return s.acceptsText(json.Unquote(literal))
	}
	return true
}

// inside is value for what an object or an array consists of, up to its end.
func (a *acceptor) inside(s *schema, end jsontext.Kind) bool {
	start, seen, required := len(a.names), uint64(0), s.required
	_, err := a.ReadToken()
	for err == nil && a.PeekKind() != end {
		m, like := member{schema: s.items}, ""
		if end == '}' {
			literal, err := a.ReadValue()
			if err != nil {
				return false
			}
			name := json.Unquote(literal)
			if m, like = s.member(name); m.bit == 0 {
				a.names = append(a.names, maphash.Bytes(a.seed, name))
			}
		}
		if seen&m.bit != 0 || like != "" || !a.value(m.schema) {
			return false
		}
		if seen |= m.bit; m.isRequired {
			required--
		}
	}
	_, errEnd := a.ReadToken()
	return err == nil && errEnd == nil && required == 0 && a.differ(start)
}

// differ reports whether the names from start on surely differ, and forgets them. Two with the same hash count as one.
func (a *acceptor) differ(start int) bool {
	hashes := a.names[start:]
	a.names = a.names[:start]
	slices.Sort(hashes)
	return len(slices.Compact(hashes)) == len(hashes)
}
