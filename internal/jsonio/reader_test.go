package jsonio

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

func TestString(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text    string
		isPlain bool
		ok      bool
	}{
		{`""`, true, true},
		{`"a"`, true, true},
		{`"é😀"`, true, true},
		{"\"\x7f\"", true, true},
		{`"\" \\ \/ \b \f \n \r \t"`, false, true},
		{`"\u0000\u00e9\uFFFF\ud7ff\ue000"`, false, true},
		{`"\ud83d\ude00\uD83D\uDE00"`, false, true},
		{`"0123456789\n0123456789"`, false, true},
		{``, false, false},
		{`a`, false, false},
		{`"`, false, false},
		{`"a`, false, false},
		{`"01234567`, false, false},
		{`"\`, false, false},
		{`"\"`, false, false},
		{`"\x"`, false, false},
		{`"\u"`, false, false},
		{`"\u12"`, false, false},
		{`"\u123"`, false, false},
		{`"\u123g"`, false, false},
		{`"\ud83d"`, false, false},
		{`"\ud83d\"`, false, false},
		{`"\ud83d\n"`, false, false},
		{`"\ud83d\u0061"`, false, false},
		{`"\ud83d\ud83d"`, false, false},
		{`"\ude00"`, false, false},
		{`"\ude00\ud83d"`, false, false},
		{`"\ude00\ude00"`, false, false},
		{`"\ud83d\uffff"`, false, false},
		{`"\ud83d\ue000"`, false, false},
		{`"\ud83dxude00"`, false, false},
		{`"\ud83d\xde00"`, false, false},
		{"\"\n\"", false, false},
		{"\"\x00\"", false, false},
		{"\"01234567\x1f\"", false, false},
	} {
		r := NewReader([]byte(" \t" + test.text))
		quoted, isPlain, ok := r.String()
		if ok != test.ok || ok && (isPlain != test.isPlain || string(quoted) != test.text || !r.AtEnd()) {
			t.Errorf("%s: got %q, %t, %t", test.text, quoted, isPlain, ok)
		}
		if valid := jsontext.Value(test.text).IsValid(); ok != valid {
			t.Errorf("%s: got %t, but jsontext says %t", test.text, ok, valid)
		}
	}
}

// TestStringAtEachPlace has each byte at each place of a string, so that none is missed among the eight that are looked at
// together.
func TestStringAtEachPlace(t *testing.T) {
	t.Parallel()
	for length := range 20 {
		for place := range length {
			for c := range 0x80 {
				text := []byte(`"` + strings.Repeat("~", length) + `"`)
				text[1+place] = byte(c)
				r := NewReader(text)
				_, isPlain, ok := r.String()
				switch {
				case c == '"':
					ok = ok && isPlain && r.pos == place+2
				case c == '\\':
					ok = !ok // what follows is no escape
				case c < ' ':
					ok = !ok
				default:
					ok = ok && isPlain && r.AtEnd()
				}
				if !ok {
					t.Errorf("%q is read up to %d, plain: %t", text, r.pos, isPlain)
				}
			}
		}
	}
}

func TestNumber(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"0", "-0", "7", "-12", "1.0", "0.25", "-0.5e1", "1E5", "1e+5", "1e-05", "12345678901234567890123", "1e999",
		"", "-", "+1", "01", "-01", "1.", ".5", "1.e5", "1e", "1e+", "1e-", "0x1", "1_000", "NaN", "Infinity", "- 1", "1 .5",
	} {
		r := NewReader([]byte("\n" + text))
		literal, ok := r.Number()
		if ok = ok && r.AtEnd() && string(literal) == text; ok != jsontext.Value(text).IsValid() {
			t.Errorf("%q: got %q, %t", text, literal, ok)
		}
	}
}

func TestValue(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text    string
		members int
	}{
		{`null`, 0},
		{`true`, 0},
		{`false`, 0},
		{`-1.5e3`, 0},
		{`"a,b\"]"`, 0},
		{`[]`, 0},
		{`{}`, 0},
		{`[1]`, 1},
		{`["]","}"]`, 2},
		{`[[1,2],[3,4],{"a":5,"b":6}]`, 3},
		{`{"a":[1,2,3],"b":{"c":1,"d":2}}`, 2},
	} {
		for _, after := range []string{"", " ", ",1", "]", "}"} {
			r := NewReader([]byte("\r" + test.text + after))
			text, members, ok := r.Value()
			if !ok || string(text) != test.text || members != test.members || r.AtEnd() != (strings.TrimSpace(after) == "") {
				t.Errorf("%s%s: got %s with %d members, %t", test.text, after, text, members, ok)
			}
		}
	}
	for _, text := range []string{``, ` `, `,`, `:`, `]`, `}`, `nul`, `tru`, `fals`, `n`, `x`, `"a`, `[`, `{`, `[1`, `{"a":`, `["a]`, `[[]`, `{"a":{}`, `["\x"]`} {
		r := NewReader([]byte(text))
		if got, _, ok := r.Value(); ok {
			t.Errorf("%s: got %s", text, got)
		}
	}
}

func TestAtEnd(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{"": true, " \n\t\r": true, "\x00": false, " 1": false, "\v": false, "\u00a0": false} {
		r := NewReader([]byte(text))
		if r.AtEnd() != want {
			t.Errorf("%q: want %t", text, want)
		}
	}
}

// FuzzReader compares with jsontext: strings, numbers and literals are read where it reads them, and the end of every value
// is found that is JSON.
func FuzzReader(f *testing.F) {
	for _, text := range []string{
		`{"a":[1,"b\"]",null],"\u00e9":{}}`, `"\ud83d\ude00"`, "\"\xff\"", ` [ true , false ] `, `-0.5e+10`, `nul`, `1 2`, "\"0123456\x01\"",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r := NewReader(text)
		kind := r.Kind()
		got, _, ok := r.Value()
		ok = ok && r.AtEnd()
		valid := jsontext.Value(text).IsValid()
		if valid && (!ok || !bytes.Equal(got, bytes.Trim(text, " \n\t\r"))) {
			t.Fatalf("%q is read as %q, %t", text, got, ok)
		}
		if isScalar := kind != '{' && kind != '['; ok && isScalar && !valid && utf8.Valid(text) {
			t.Fatalf("%q is taken for JSON", text)
		}
	})
}

func TestSpecialBytes(t *testing.T) {
	t.Parallel()
	for first := range 8 {
		for c := range 256 {
			eight := bytes.Repeat([]byte{'a'}, 8)
			eight[first] = byte(c)
			for i := first + 1; i < 8; i++ { // what follows must not matter
				eight[i] = byte(c) * byte(i)
			}
			r := NewReader(append([]byte(`"`), eight...))
			r.pos = 1
			r.skipOrdinary()
			want := 1
			for want < len(r.text) && r.text[want] >= ' ' && r.text[want] != '"' && r.text[want] != '\\' {
				want++
			}
			if r.pos != want {
				t.Errorf("%q: stops at %d, want %d", eight, r.pos, want)
			}
		}
	}
}

func ExampleReader() {
	r := NewReader([]byte(`{ "a": 1, "b": [true, null] }`))
	r.Take('{')
	for !r.Take('}') {
		name, _ := r.Name()
		value, members, _ := r.Value()
		fmt.Printf("%s: %s has %d members\n", name, value, members)
		r.Take(',')
	}
	// Output:
	// a: 1 has 0 members
	// b: [true, null] has 2 members
}
