package kodexa

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/textproto"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/kodexa-community/kodexa-go/internal/contract"
)

const (
	maxErrorBody  = 1 << 20
	maxMaskedBody = 1 << 20 // of a body that was sent: after a larger one no message is shown
	maxScanned    = 1 << 10 // of a text that came
	maxShown      = 200     // characters
	maxRequestID  = 128
	maxPointer    = 256 // of a violation's pointer
	shortestValue = 8   // of a string in a body that is hidden
)

// apiError makes an error of an answer other than 2xx. Its status is never lost to its body, whatever that is.
func (k *call) apiError() *APIError {
	k.read(min(k.maxResponseBytes, maxErrorBody))
	e := &APIError{StatusCode: k.StatusCode, RetryAfter: retryAfter(k.Header, time.Now()), Header: k.Header, Body: k.received, readErr: k.err}
	if k.err == nil { // else the end may be a part of a secret, which could not be found and hidden
		e.Message = shownLine(k.withoutSent(unescaped(messageOf(k.received, k.Header.Get("Content-Type")))))
		violations, _ := k.operation.CheckResponse(k.StatusCode, k.Header, k.received)
		e.Violations = k.masked(violations)
	}
	return e
}

// escapes are spellings of JSON, in a message that quotes JSON, other than those that a mask knows.
var escapes = regexp.MustCompile(`(\\u[0-9A-Fa-f]{4}|\\/)+`)

func unescaped(text string) string {
	return escapes.ReplaceAllStringFunc(text, func(escape string) string {
		said, _ := jsontext.AppendUnquote(nil, `"`+escape+`"`)
		return string(said)
	})
}

// messageOf finds what an error's body says in the usual places. The platform documents no shape of it. Of a text that is not
// UTF-8 it finds nothing: a value that was sent could not be found and hidden there.
func messageOf(body []byte, contentType string) string {
	if mediaType, _, _ := strings.Cut(contentType, ";"); strings.EqualFold(strings.TrimSpace(mediaType), "text/plain") && utf8.Valid(body) {
		return string(body)
	}
	var value any
	if json.Unmarshal(body, &value) != nil {
		return ""
	}
	return messageIn(value, 0)
}

// messageIn returns the first of the usual members, or what an object below the top holds by other names: the vendor's own
// SDK expects {"errors": {"<field>": "<message>"}}. It looks a few levels deep: a body of many more is nobody's message.
func messageIn(value any, level int) string {
	const deepest = 5
	var texts []string
	switch value := value.(type) {
	case string:
		return value
	case []any:
		for _, item := range value[:min(len(value), maxShown)] {
			texts = append(texts, messageIn(item, level+1))
		}
	case map[string]any:
		if level > deepest {
			return ""
		}
		for _, name := range []string{"message", "error", "detail", "title", "msg", "errors"} {
			if text := messageIn(value[name], level+1); text != "" {
				return text
			}
		}
		for _, name := range slices.Sorted(maps.Keys(value)) {
			if text := messageIn(value[name], level+1); text != "" && level > 0 {
				texts = append(texts, name+": "+text)
			}
		}
	}
	return strings.Join(slices.DeleteFunc(texts, func(text string) bool { return text == "" }), "; ")
}

// shownLine returns a text as one line that fits an error text.
func shownLine(text string) string {
	text = strings.ToValidUTF8(text, "\ufffd")
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }), " ")
	if runes := []rune(text); len(runes) > maxShown {
		text = string(runes[:maxShown-1]) + "…"
	}
	return text
}

// requestID returns the last answer's X-Request-Id unless it could not be one: a server may send back anything.
func (k *call) requestID() string {
	id := k.Header.Get("X-Request-Id")
	if len(id) > maxRequestID || checkHeaderText("", id) != nil || k.withoutSent(id) != id {
		return ""
	}
	return id
}

// withoutSent returns the beginning of a text with … for what was sent, or "" if too much was sent to search for all of it.
func (k *call) withoutSent(text string) string {
	m := newMask(text, maxScanned)
	if len(k.sent) > maxMaskedBody || !m.hideSent(k, stringsAndNumbers) {
		return ""
	}
	return m.shown(len(m.hidden))
}

// masked hides in violations what was sent: a server may use it as the name of a member.
func (k *call) masked(found []contract.Violation) []Violation {
	var violations []Violation
	var text strings.Builder // of all, so that what was sent is read once
	for _, v := range found {
		v.Pointer = shownPointer(v.Pointer)
		violations = append(violations, Violation(v))
		text.WriteString(v.Pointer + v.Reason)
	}
	m := newMask(text.String(), text.Len())
	m.hideSent(k, stringsAlone) // a reason may have a number of the contract
	for i, v := range violations {
		violations[i] = Violation{m.shown(len(v.Pointer)), m.shown(len(v.Reason))}
	}
	return violations
}

// shownPointer cuts a long pointer, but not within a name: a part of a secret could not be found and hidden.
func shownPointer(pointer string) string {
	if len(pointer) > maxPointer {
		pointer = pointer[:strings.LastIndexByte(pointer[:maxPointer], '/')+1] + "…"
	}
	return pointer
}

// shownError is an error of other people's code, with a text that can be shown.
type shownError struct {
	error

	text string
}

func (e *shownError) Error() string { return e.text }
func (e *shownError) Unwrap() error { return e.error }

// Format prints the text of Error, whatever the verb.
func (e *shownError) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, e.text) }

// showable returns err with a text that repeats neither an answer nor the key. net/http quotes what it can't read, except a
// line of a header.
func (k *call) showable(err error) error {
	text := err.Error()
	if _, ok := errors.AsType[textproto.ProtocolError](err); ok {
		text = "the answer is not HTTP"
	}
	if first, last := strings.IndexByte(text, '"'), strings.LastIndexByte(text, '"'); first >= 0 {
		text = text[:first] + "…" + text[last+1:]
	}
	m := newMask(text, len(text))
	m.hideSent(k, stringsAlone)
	if text = m.shown(len(text)); text == err.Error() {
		return err
	}
	return &shownError{err, text}
}

// mask hides what was sent where it stands at the beginning of a text.
type mask struct {
	text   string
	hidden []byte          // the beginning, with a zero byte for each one that is hidden
	starts map[string]bool // each shortestValue bytes of it, so that few strings of a large body are searched for in vain
	done   map[string]bool // the strings that were searched for
}

func newMask(text string, most int) *mask {
	m := &mask{text: text, hidden: []byte(text[:min(len(text), most)]), starts: map[string]bool{}, done: map[string]bool{}}
	for i := range max(0, min(len(m.hidden), len(text)-shortestValue+1)) {
		m.starts[text[i:i+shortestValue]] = true
	}
	return m
}

// hiddenBytes are shown as one.
var hiddenBytes = regexp.MustCompile(`\x00+`)

// shown returns the next n bytes of the text with … for what is hidden.
func (m *mask) shown(n int) string {
	part := m.hidden[:n]
	m.hidden = m.hidden[n:]
	return hiddenBytes.ReplaceAllString(string(part), "…")
}

// The kinds of values that hideSent hides.
const (
	stringsAlone      = `"`
	stringsAndNumbers = `"0`
)

// hideSent hides what k sent: its key and, of its body, each token and each value of these kinds that has at least
// shortestValue bytes. It reports whether the body could be read: it must be JSON.
func (m *mask) hideSent(k *call, kinds string) bool {
	for name, values := range k.req.Header {
		if strings.EqualFold(name, apiKeyHeader) { // which an editor may spell or add as it likes
			for _, key := range values {
				m.hide(key)
			}
		}
	}
	if m.text == "" {
		return true
	}
	dec := jsontext.NewDecoder(bytes.NewBuffer(k.sent), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	isToken := false
	for {
		written, err := dec.ReadToken()
		if err != nil {
			return err == io.EOF
		}
		value := ""
		if strings.IndexByte(kinds, byte(written.Kind())) >= 0 {
			value = written.String()
		}
		if kind, length := dec.StackIndex(dec.StackDepth()); kind == '{' && length%2 == 1 { // it is a name
			isToken = value == "token"
		} else if isToken || len(value) >= shortestValue {
			m.hide(value)
		}
	}
}

// hide hides a secret wherever it stands: as it is, as JSON quotes it, and as a pointer has it. The text may be unescaped.
func (m *mask) hide(secret string) {
	m.hideText(secret)
	if strings.ContainsFunc(secret, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' }) {
		quoted, _ := jsontext.AppendQuote(nil, secret)
		m.hideText(string(quoted[1 : len(quoted)-1]))
		m.hideText(unescaped(string(quoted[1 : len(quoted)-1])))
		m.hideText(unescaped(secret))
	}
	if strings.ContainsAny(secret, "~/") {
		m.hideText(string(jsontext.Pointer("").AppendToken(secret)[1:]))
	}
}

func (m *mask) hideText(secret string) {
	if len(secret) >= shortestValue && !m.starts[secret[:shortestValue]] || m.done[secret] {
		return
	}
	m.done[secret] = true // a body may repeat it any number of times
	within := m.text[:min(len(m.text), len(m.hidden)+len(secret))]
	for i := 0; secret != ""; i++ {
		next := strings.Index(within[i:], secret)
		if next < 0 {
			return
		}
		i += next
		clear(m.hidden[i:min(i+len(secret), len(m.hidden))])
	}
}
