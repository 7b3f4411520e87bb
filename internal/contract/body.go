package contract

import (
	"bytes"
	jsonv1 "encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/go-json-experiment/json/jsontext"
)

// mediaOf returns what content says of the media type of a message, or nil.
func mediaOf(content openapi3.Content, header http.Header) *openapi3.MediaType {
	if len(header.Values("Content-Type")) > 1 {
		return nil
	}
	return content.Get(header.Get("Content-Type"))
}

// mediaType returns the media type of a message without its parameters, in lower case.
func mediaType(header http.Header) string {
	name, _, _ := strings.Cut(header.Get("Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(name))
}

func isJSON(mediaType string) bool {
	return mediaType == "application/json" || strings.HasSuffix(mediaType, "+json")
}

// checkBody adds what is wrong with a body. Of one that is neither JSON nor a form, the media type is all there is to check.
func (c *Contract) checkBody(f *findings, content openapi3.Content, header http.Header, body []byte) {
	media, name := mediaOf(content, header), mediaType(header)
	switch {
	case len(content) == 0:
		f.add("", "the operation takes no body")
	case media == nil:
		reason := "Content-Type must be " + strings.Join(slices.Sorted(maps.Keys(content)), " or ")
		if name != "" {
			reason += ", not " + printable(strings.Join(header.Values("Content-Type"), ", "))
		}
		f.add("", reason)
	case isJSON(name) && c.schemas.of(media.Schema).accepts(body): // which is nearly always so
	case isJSON(name):
		value, fault := decode(body)
		coding := header.Get("Content-Encoding")
		switch {
		case fault != nil && coding != "" && !strings.EqualFold(coding, "identity"):
			f.add("", "the body is encoded as "+printable(coding))
		case fault != nil:
			f.add(fault.Pointer, fault.Reason)
		case media.Schema != nil:
			c.checkValue(f, media.Schema, value, len(body))
		}
	case media.Schema != nil && (name == "multipart/form-data" || name == "application/x-www-form-urlencoded"):
		read := openapi3filter.RegisteredBodyDecoder(name)
		value, err := read(withoutFiles(body, header), header, media.Schema, func(part string) *openapi3.Encoding { return media.Encoding[part] })
		if err != nil {
			f.add("", "the body can't be read as "+name)
		} else {
			c.checkValue(f, media.Schema, value, len(body))
		}
	}
}

// withoutFiles returns a body for kin-openapi, which builds the value of it: of files in a form just the beginning.
func withoutFiles(body []byte, header http.Header) io.Reader {
	_, params, _ := mime.ParseMediaType(header.Get("Content-Type"))
	parts := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	err := w.SetBoundary(params["boundary"])
	for err == nil {
		var part *multipart.Part
		if part, err = parts.NextRawPart(); err == nil {
			limit := int64(len(body))
			if part.FileName() != "" && !isJSON(mediaType(http.Header(part.Header))) {
				limit = maxListed
			}
			to, _ := w.CreatePart(part.Header) // writing to a buffer can't fail
			_, err = io.Copy(to, io.LimitReader(part, limit))
		}
	}
	if !errors.Is(err, io.EOF) {
		return bytes.NewReader(body) // a form of another kind, or one that is broken
	}
	_ = w.Close()
	return &form
}

// printable returns what may be shown of a header, without parameters. A long one is not shown at all: of a secret that was
// cut, the rest would not be found and hidden.
func printable(text string) string {
	text, _, _ = strings.Cut(text, ";")
	if len(text) > 64 {
		return "something long"
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, text)
}

// maxListed is the size of a body up to which all of its violations are listed: kin-openapi keeps each in memory.
const maxListed = 64 << 10

// checkValue adds what is wrong with the value of a body of this size.
func (c *Contract) checkValue(f *findings, schema *openapi3.SchemaRef, value any, size int) {
	options := c.options.SchemaValidationOptions
	err := schema.Value.VisitJSON(value, options...)
	if err != nil && size <= maxListed {
		err = schema.Value.VisitJSON(value, append(slices.Clip(options), openapi3.MultiErrors())...)
	}
	f.addSchemaErrors(err)
	f.cause = err
	var w fit
	w.value(c.schemas.of(schema), value)
	for _, misfit := range w.list {
		f.add(misfit.Pointer, misfit.Reason)
	}
}

// Decodable returns the body of an answer without the members that a Go type can't hold, and reports whether anything of it
// can be decoded: it must be JSON, of the type that its schema is of, and the contract must name the status. A body that can
// be decoded although it breaks the contract comes back as it is.
func (o *Operation) Decodable(status int, header http.Header, body []byte) ([]byte, bool) {
	response := o.response(status)
	if response == nil {
		return nil, false
	}
	media := mediaOf(response.Content, header)
	if media == nil || !isJSON(mediaType(header)) {
		return body, media != nil || len(response.Content) == 0
	}
	value, fault := decode(body, jsontext.AllowDuplicateNames(true))
	w := fit{prune: true, removed: !jsontext.Value(body).IsValid()} // a repeated name can be removed too
	if fault != nil || !w.value(o.contract.schemas.of(media.Schema), value) {
		return nil, false
	}
	if !w.removed {
		return body, true
	}
	pruned, err := jsonv1.Marshal(value)
	return pruned, err == nil
}

// maxDepth is how deep jsontext follows a text.
const maxDepth = 10_000

// decode returns the one JSON value that body consists of, for kin-openapi to visit, or where and why it is not one.
func decode(body []byte, options ...jsontext.Options) (value any, fault *Violation) {
	decoder := jsontext.NewDecoder(bytes.NewBuffer(body), options...)
	err := decoder.SkipValue()
	if end := decoder.InputOffset(); err == nil {
		if _, err = decoder.ReadToken(); err == io.EOF {
			exact := jsonv1.NewDecoder(bytes.NewReader(body))
			exact.UseNumber()
			_ = exact.Decode(&value) // of what jsontext has read
			return value, nil
		}
		return nil, &Violation{"", fmt.Sprintf("there is more after the value, at byte %d", end)}
	}
	syntax, _ := errors.AsType[*jsontext.SyntacticError](err)
	switch {
	case len(body) == 0:
		return nil, &Violation{"", "the body is empty"}
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return nil, &Violation{"", fmt.Sprintf("the JSON text is cut short after %d bytes", len(body))}
	case errors.Is(err, jsontext.ErrDuplicateName):
		return nil, &Violation{string(syntax.JSONPointer), "the member name is repeated"}
	case decoder.StackDepth() >= maxDepth:
		return nil, &Violation{"", fmt.Sprintf("the JSON text is nested more than %d levels deep", maxDepth)}
	default:
		return nil, &Violation{string(syntax.JSONPointer), fmt.Sprintf("the body is not JSON in UTF-8, at byte %d", syntax.ByteOffset)}
	}
}
