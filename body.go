package kodexa

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/kodexa-community/kodexa-go/internal/accept"
	"github.com/kodexa-community/kodexa-go/internal/jsonio"
)

// payload is the body of a request.
type payload struct {
	bytes.Reader
	text  []byte
	model jsonio.Model // what text was made of, or nil if it came as it is
}

func newPayload(text []byte, model jsonio.Model) *payload {
	p := &payload{text: text, model: model}
	p.Reset(text)
	return p
}

// encode returns m as JSON. The raw values in m may not be JSON, see check.
func encode(m jsonio.Model) (*payload, error) {
	text, err := jsonio.Encode(m)
	if err != nil {
		return nil, err
	}
	return newPayload(text, m), nil
}

// Close does nothing.
func (*payload) Close() error { return nil }

// check returns the error that the model can't be encoded if that is so.
func (p *payload) check() error {
	if p.model == nil {
		return nil
	}
	_, err := jsonio.MarshalJSON(p.model)
	return err
}

// again returns the body to be read once more, as a type that net/http sends in one write with the header.
func (p *payload) again() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(p.text)), nil }

// announceBody gives a request what net/http gives those whose body it knows, before other editors look at it.
func announceBody(_ context.Context, req *http.Request) error {
	if p, ok := req.Body.(*payload); ok {
		req.ContentLength, req.GetBody = int64(len(p.text)), p.again
	}
	return nil
}

// takeBody returns the body of req and lets it be sent any number of times.
func takeBody(req *http.Request) (*payload, error) {
	if req.Body == nil || req.Body == http.NoBody {
		req.ContentLength, req.GetBody = 0, nil // which an editor may have left
		return &payload{}, nil
	}
	p, ok := req.Body.(*payload)
	if !ok {
		read, err := readAll(req.Body, req.ContentLength, math.MaxInt64-1)
		if err = errors.Join(err, req.Body.Close()); err != nil {
			return nil, err
		}
		p = newPayload(read.keep(), nil)
	}
	req.Body, req.ContentLength, req.GetBody = p, int64(len(p.text)), p.again
	return p, nil
}

// Sizes of the pieces that a body of unknown length is read in, and the most that is kept of an error's body.
const (
	firstChunk   = 4 << 10
	largestChunk = 1 << 20
	maxAnnounced = 16 << 20 // of a length that is announced, what is allocated before it has come
	maxErrorBody = 1 << 20
)

// buffers hold what is not kept. A buffer beyond maxPooled is left to the garbage collector.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

const maxPooled = 64 << 10

// received is a body as it was read, in pieces.
type received struct {
	first  []byte
	rest   [][]byte
	buffer *[]byte // that first stands in, if it is to go back to the pool
}

// text returns the body, which is valid until it is released. Joining the pieces takes its size once more, unless its length
// was known before.
func (b *received) text() []byte {
	if len(b.rest) > 0 {
		joined := bytes.Join(append([][]byte{b.first}, b.rest...), nil)
		b.release()
		b.first, b.rest = joined, nil
	}
	return b.first
}

// keep returns the body for as long as it is wanted.
func (b *received) keep() []byte {
	text := b.text()
	if b.buffer != nil {
		text = bytes.Clone(text)
		b.release()
	}
	return text
}

// release lets the buffer be used again.
func (b *received) release() {
	if b.buffer != nil {
		buffers.Put(b.buffer)
		b.first, b.buffer = nil, nil
	}
}

// readBody reads the body of res up to limit. Beyond it, or when reading fails, it returns what there is with the error.
func readBody(res *http.Response, limit int64) (received, error) {
	body, err := readAll(res.Body, res.ContentLength, limit)
	if err != nil {
		err = withoutAnswer(err)
	}
	return body, err
}

// readAll reads all of r, whose length is expected to be size, or is not known if that is not positive.
func readAll(r io.Reader, size, limit int64) (all received, err error) {
	if size <= 0 {
		size = firstChunk
	}
	for left := limit; ; size = min(2*size, largestChunk) {
		// The one byte more finds the end, and whether there is more than the limit.
		chunk := all.grow(min(size, left, maxAnnounced) + 1)
		n, err := fill(r, chunk)
		if int64(n) > left {
			all.add(chunk[:left])
			return all, fmt.Errorf("%w: more than %d bytes", ErrResponseTooLarge, limit)
		}
		all.add(chunk[:n])
		left -= int64(n)
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return all, err
		}
	}
}

// grow returns n bytes to read into.
func (b *received) grow(n int64) []byte {
	if b.first != nil || n > maxPooled {
		return make([]byte, n)
	}
	b.buffer = buffers.Get().(*[]byte)
	if int64(cap(*b.buffer)) < n {
		*b.buffer = make([]byte, max(n, firstChunk))
	}
	return (*b.buffer)[:n]
}

func (b *received) add(chunk []byte) {
	if b.first == nil {
		b.first = chunk
	} else {
		b.rest = append(b.rest, chunk)
	}
}

// fill is io.ReadFull, but returns the errors of r as they are.
func fill(r io.Reader, b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		var m int
		m, err = r.Read(b[n:])
		n += m
	}
	return n, err
}

// isTimeout reports whether reading a body failed because the time was up rather than because the body was cut short.
func isTimeout(ctx context.Context, err error) bool {
	timeout, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	return ctx.Err() != nil || ok && timeout.Timeout()
}

// maxListed is the size of a body up to which all of its violations are listed: kin-openapi keeps each in memory.
const maxListed = 64 << 10

// checkBody adds what is wrong with a body to broken.
func (c *contract) checkBody(
	broken *ContractError, content openapi3.Content, header http.Header, body []byte, as openapi3.SchemaValidationOption,
) {
	media := content.Get(header.Get("Content-Type"))
	if media == nil || len(header["Content-Type"]) > 1 {
		broken.add("", "Content-Type must be "+mediaTypes(content))
		return
	}
	if mediaType := mediaTypeOf(header); mediaType != "application/json" && !strings.HasSuffix(mediaType, "+json") {
		return // the media type is all there is to check
	}
	value, pointer, reason := decodeStrictly(body)
	if reason != "" {
		broken.add(pointer, reason)
		return
	}
	if media.Schema == nil {
		return
	}
	options := append(slices.Clip(c.options.SchemaValidationOptions), as)
	err := media.Schema.Value.VisitJSON(value, options...)
	if err != nil && len(body) <= maxListed {
		err = media.Schema.Value.VisitJSON(value, append(options, openapi3.MultiErrors())...)
	}
	broken.addError(err)
	checkForGo(broken, media.Schema.Value, value, "")
}

// mediaTypeOf returns the media type of a message as kin-openapi compares it.
func mediaTypeOf(header http.Header) string {
	mediaType, _, _ := strings.Cut(header.Get("Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(mediaType))
}

// lowerMediaType leaves in a header the media type alone, in lower case: the generated decoder compares it by exact case.
func lowerMediaType(header http.Header) {
	if given, ok := header["Content-Type"]; ok && given[0] != mediaTypeOf(header) {
		header.Set("Content-Type", mediaTypeOf(header))
	}
}

func mediaTypes(content openapi3.Content) string {
	names := make([]string, 0, len(content))
	for name := range content {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, " or ")
}

// decodeStrictly returns the one JSON value that body consists of, for kin-openapi to visit, or where and why it is not one.
func decodeStrictly(body []byte) (value any, pointer, reason string) {
	dec := jsontext.NewDecoder(bytes.NewBuffer(body))
	value, err := decodeValue(dec)
	if end := dec.InputOffset(); err == nil {
		if _, err = dec.ReadToken(); err == io.EOF {
			return value, "", ""
		}
		return nil, "", fmt.Sprintf("there is more after the value, at byte %d", end)
	}
	syntax, ok := errors.AsType[*jsontext.SyntacticError](err)
	switch {
	case len(body) == 0:
		return nil, "", "the body is empty"
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return nil, "", fmt.Sprintf("the JSON text is cut short after %d bytes", len(body))
	case !ok:
		return nil, "", "the body is not JSON"
	case errors.Is(err, jsontext.ErrDuplicateName):
		return nil, string(syntax.JSONPointer), "the member name is repeated"
	default:
		return nil, string(syntax.JSONPointer), fmt.Sprintf("the body is not JSON in UTF-8, at byte %d", syntax.ByteOffset)
	}
}

func decodeValue(dec *jsontext.Decoder) (any, error) {
	token, err := dec.ReadToken()
	if err != nil {
		return nil, err
	}
	switch token.Kind() {
	case 't', 'f':
		return token.Bool(), nil
	case '"':
		return token.String(), nil
	case '0':
		return json.Number(token.String()), nil
	case '{':
		object := map[string]any{}
		for dec.PeekKind() != '}' {
			name, err := dec.ReadToken()
			if err != nil {
				return nil, err
			}
			key := name.String()
			if object[key], err = decodeValue(dec); err != nil {
				return nil, err
			}
		}
		_, err = dec.ReadToken()
		return object, err
	case '[':
		array := []any{}
		for dec.PeekKind() != ']' {
			item, err := decodeValue(dec)
			if err != nil {
				return nil, err
			}
			array = append(array, item)
		}
		_, err = dec.ReadToken()
		return array, err
	default:
		return nil, nil
	}
}

// checkForGo adds to broken what kin-openapi accepts and Go's decoders don't: a number that is not written as the integer
// that its schema asks for or exceeds its Go type, and a member name that differs from the contract's only in case, which
// some decoders take for the member and others do not.
func checkForGo(broken *ContractError, schema *openapi3.Schema, value any, pointer string) {
	for _, part := range schema.AllOf {
		checkForGo(broken, part.Value, value, pointer)
	}
	switch value := value.(type) {
	case json.Number:
		if reason := checkNumber(schema, value.String()); reason != "" {
			broken.add(pointer, reason)
		}
	case []any:
		if schema.Items != nil {
			for i, item := range value {
				checkForGo(broken, schema.Items.Value, item, pointer+"/"+strconv.Itoa(i))
			}
		}
	case map[string]any:
		for name, member := range value {
			at := pointer + "/" + escapePointer(name)
			if named := schema.Properties[name]; named != nil {
				checkForGo(broken, named.Value, member, at)
				continue
			}
			for like := range schema.Properties {
				if strings.EqualFold(name, like) {
					broken.add(at, fmt.Sprintf("the contract spells this member %q", like))
				}
			}
			if additional := schema.AdditionalProperties.Schema; additional != nil {
				checkForGo(broken, additional.Value, member, at)
			}
		}
	}
}

func checkNumber(schema *openapi3.Schema, literal string) string {
	bits := accept.NumberBits(schema)
	if schema.Type.Is(openapi3.TypeInteger) {
		if _, err := strconv.ParseInt(literal, 10, bits); err != nil {
			return fmt.Sprintf("value must be written as an integer of %d bits", bits)
		}
	} else if schema.Type.Is(openapi3.TypeNumber) {
		if _, err := strconv.ParseFloat(literal, bits); err != nil {
			return fmt.Sprintf("value exceeds a floating-point number of %d bits", bits)
		}
	}
	return ""
}

var pointerEscapes = strings.NewReplacer("~", "~0", "/", "~1")

func escapePointer(name string) string { return pointerEscapes.Replace(name) }
