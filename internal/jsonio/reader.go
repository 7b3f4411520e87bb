// Package jsonio reads and writes JSON texts where the speed of every call depends on it: without reflection, and without
// copies that nobody keeps.
//
// It is not a JSON library. What it takes for JSON is JSON in UTF-8 only if the text as a whole is UTF-8, and it does not
// look for repeated names: whoever needs that has to see to it.
package jsonio

import (
	"encoding/binary"
	"math/bits"
	"strings"
)

// Reader reads a text from its beginning to its end. White space before what it reads is skipped. What a method refuses
// leaves the reader anywhere.
type Reader struct {
	text []byte
	pos  int

	names strings.Builder // copies of small strings
	raws  []byte          // copies of small values
}

// NewReader returns a reader of text, which must not change while it is in use.
func NewReader(text []byte) Reader { return Reader{text: text} }

// Kind returns the first byte of what comes next, or 0 at the end.
func (r *Reader) Kind() byte {
	for ; r.pos < len(r.text); r.pos++ {
		switch c := r.text[r.pos]; c {
		case ' ', '\n', '\t', '\r':
		default:
			return c
		}
	}
	return 0
}

// Take reads the byte c and reports whether it comes next.
func (r *Reader) Take(c byte) bool {
	if r.pos < len(r.text) && r.text[r.pos] == c || r.Kind() == c {
		r.pos++
		return true
	}
	return false
}

// AtEnd reports whether nothing follows.
func (r *Reader) AtEnd() bool { return r.Kind() == 0 && r.pos == len(r.text) }

// String reads a string. It returns it with its quotes, and whether it has no escapes.
func (r *Reader) String() (quoted []byte, isPlain, ok bool) {
	if !r.Take('"') {
		return nil, false, false
	}
	start := r.pos - 1
	for isPlain = true; ; {
		r.skipOrdinary()
		switch {
		case r.take('"'):
			return r.text[start:r.pos], isPlain, true
		case r.pos == len(r.text) || r.text[r.pos] != '\\':
			return nil, false, false
		}
		n := escapeLength(r.text[r.pos:])
		if n == 0 {
			return nil, false, false
		}
		isPlain = false
		r.pos += n
	}
}

// Number reads a number.
func (r *Reader) Number() (literal []byte, ok bool) {
	r.Kind()
	start := r.pos
	r.take('-')
	switch {
	case r.take('0'):
	case r.digits() == 0:
		return nil, false
	}
	if r.take('.') && r.digits() == 0 {
		return nil, false
	}
	if r.take('e') || r.take('E') {
		if !r.take('+') {
			r.take('-')
		}
		if r.digits() == 0 {
			return nil, false
		}
	}
	return r.text[start:r.pos], true
}

// Literal reads word: null, true or false.
func (r *Reader) Literal(word string) bool {
	r.Kind()
	if rest := r.text[r.pos:]; len(rest) < len(word) || string(rest[:len(word)]) != word {
		return false
	}
	r.pos += len(word)
	return true
}

// Value reads a value of any kind and returns its text and, if it is an array or an object, how many members it has. It
// finds the end of what is JSON, but of what is in arrays and objects it does not find out whether it is.
func (r *Reader) Value() (text []byte, members int, ok bool) {
	kind := r.Kind()
	start := r.pos
	switch kind {
	case '{', '[':
		members, ok = r.members()
	case '"':
		_, _, ok = r.String()
	case 't':
		ok = r.Literal("true")
	case 'f':
		ok = r.Literal("false")
	case 'n':
		ok = r.Literal("null")
	default:
		_, ok = r.Number()
	}
	return r.text[start:r.pos], members, ok
}

// members reads over an array or an object and counts its members.
func (r *Reader) members() (n int, ok bool) {
	start := r.pos
	for depth := 0; r.pos < len(r.text); r.pos++ {
		switch r.text[r.pos] {
		case '"':
			if _, _, ok := r.String(); !ok {
				return 0, false
			}
			r.pos--
		case ',':
			if depth == 1 {
				n++
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				r.pos++
				if r.pos-start > len("{}") { // white space alone is taken for a member, which does no harm
					n++
				}
				return n, true
			}
		}
	}
	return 0, false
}

// skipOrdinary reads over the bytes that stand for themselves in a string, eight at a time while there are so many.
func (r *Reader) skipOrdinary() {
	for ; len(r.text)-r.pos >= 8; r.pos += 8 {
		if special := specialBytes(binary.LittleEndian.Uint64(r.text[r.pos:])); special != 0 {
			r.pos += bits.TrailingZeros64(special) / 8
			return
		}
	}
	for r.pos < len(r.text) && r.text[r.pos] >= ' ' && r.text[r.pos] != '"' && r.text[r.pos] != '\\' {
		r.pos++
	}
}

// specialBytes has the highest bit of the first byte set that is a quote, a backslash or a control character; bits beyond it
// mean nothing. It subtracts in all bytes at once: a byte that is below what is subtracted borrows, and so sets its bit.
func specialBytes(eight uint64) uint64 {
	const ones, highest = 0x0101010101010101, 0x8080808080808080
	quotes, backslashes := eight^'"'*ones, eight^'\\'*ones
	return ((eight-' '*ones)&^eight | (quotes-ones)&^quotes | (backslashes-ones)&^backslashes) & highest
}

// escapeLength returns the length of the escape that text begins with, or 0 if it is none. Half of a surrogate pair is none.
func escapeLength(text []byte) int {
	if len(text) < len(`\n`) {
		return 0
	}
	switch text[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return len(`\n`)
	case 'u':
		const length = len(`\u0000`)
		first, ok := codeUnit(text)
		switch {
		case !ok || first >= 0xDC00 && first < 0xE000:
			return 0
		case first < 0xD800 || first >= 0xE000:
			return length
		}
		if second, ok := codeUnit(text[length:]); ok && second >= 0xDC00 && second < 0xE000 {
			return 2 * length
		}
	}
	return 0
}

// codeUnit returns the UTF-16 code unit of the escape that text begins with.
func codeUnit(text []byte) (unit rune, ok bool) {
	if len(text) < len(`\u0000`) || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	for _, c := range text[2:6] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		unit = unit<<4 | rune(c)
	}
	return unit, true
}

// take is Take where no white space may be.
func (r *Reader) take(c byte) bool {
	if r.pos < len(r.text) && r.text[r.pos] == c {
		r.pos++
		return true
	}
	return false
}

func (r *Reader) digits() int {
	start := r.pos
	for r.pos < len(r.text) && r.text[r.pos] >= '0' && r.text[r.pos] <= '9' {
		r.pos++
	}
	return r.pos - start
}
