package contract

import (
	"bytes"
	"hash/maphash"
	"io"
	"slices"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

// acceptor says yes to a JSON text in one pass over it, without building its value. Its yes implies that kin-openapi accepts
// the value and that Go's decoders decode it to what it says. Its no says nothing: kin-openapi is to be asked then.
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
	defer a.release()
	a.reset(text)
	if !a.value(s) {
		return false
	}
	_, err := a.ReadToken()
	return err == io.EOF
}

// acceptsText is accepts for what a string says.
func (s *schema) acceptsText(text []byte) bool {
	return !s.asks && s.kind == '"' && s.format.has(text) && (s.enum == nil || s.enum[string(text)])
}

func (a *acceptor) reset(text []byte) {
	a.text = *bytes.NewBuffer(text)
	a.Reset(&a.text, jsontext.AllowDuplicateNames(true)) // differ tells them apart, faster and without allocations
}

// maxPooledNames bounds what an acceptor that is not in use keeps.
const maxPooledNames = 4 << 10

func (a *acceptor) release() {
	a.reset(nil)
	if a.names = a.names[:0]; cap(a.names) > maxPooledNames {
		a.names = nil
	}
	acceptors.Put(a)
}

func (a *acceptor) value(s *schema) bool {
	kind := a.PeekKind()
	if kind == 'f' {
		kind = 't'
	}
	switch {
	case s.asks || !s.is(kind) && kind != 'n':
		return false
	case kind == '{':
		return a.object(s)
	case kind == '[':
		return a.array(s)
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
		return s.acceptsText(unquote(literal))
	}
	return true
}

// unquote returns what a string says.
func unquote(literal []byte) []byte {
	if bytes.IndexByte(literal, '\\') < 0 {
		return literal[1 : len(literal)-1]
	}
	text, _ := jsontext.AppendUnquote(nil, literal) // which the decoder has checked
	return text
}

func (a *acceptor) array(s *schema) bool {
	_, err := a.ReadToken()
	for err == nil && a.PeekKind() != ']' {
		if !a.value(s.items) {
			return false
		}
	}
	_, end := a.ReadToken()
	return err == nil && end == nil
}

func (a *acceptor) object(s *schema) bool {
	start, seen, required := len(a.names), uint64(0), 0
	_, err := a.ReadToken()
	for err == nil && a.PeekKind() != '}' {
		literal, err := a.ReadValue()
		if err != nil {
			return false
		}
		name := unquote(literal)
		m, like := s.member(name)
		if m.bit == 0 {
			a.names = append(a.names, maphash.Bytes(a.seed, name))
		}
		if seen&m.bit != 0 || like != "" || !a.value(m.schema) {
			return false
		}
		if seen |= m.bit; m.isRequired {
			required++
		}
	}
	_, end := a.ReadToken()
	return err == nil && end == nil && required == s.required && a.differ(start)
}

// differ reports whether the names from start on surely differ, and forgets them. Two with the same hash count as one.
func (a *acceptor) differ(start int) bool {
	hashes := a.names[start:]
	a.names = a.names[:start]
	slices.Sort(hashes)
	return len(slices.Compact(hashes)) == len(hashes)
}
