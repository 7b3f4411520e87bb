package kodexa

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"

	"github.com/kodexa-community/kodexa-go/internal/accept"
)

// shortcut is for the messages of an operation what an acceptor is for a body: it says yes to those that are plainly good, and
// leaves the others to kin-openapi.
type shortcut struct {
	route    *routers.Route
	segments []string // of the path; nil if one of them is more than a text or a parameter in braces

	head    *head // nil if the operation says something that heads don't know
	request *openapi3.RequestBody
	body    *accept.Acceptor         // of the request, as JSON; nil says no
	answers map[int]*accept.Acceptor // by status, as JSON
}

func (c *contract) compileShortcut(route *routers.Route, formats map[string]openapi3.StringFormatValidator) *shortcut {
	s := &shortcut{route: route, segments: segmentsOf(route.Path), answers: map[int]*accept.Acceptor{}}
	s.head = compileHead(route, s.segments, formats)
	if ref := route.Operation.RequestBody; ref != nil {
		s.request, s.body = ref.Value, c.acceptorOf(ref.Value.Content)
	}
	for status, ref := range route.Operation.Responses.Map() {
		if code, err := strconv.Atoi(status); err == nil && len(ref.Value.Headers) == 0 {
			s.answers[code] = c.acceptorOf(ref.Value.Content)
		}
	}
	return s
}

// acceptorOf returns the acceptor of a body as JSON, or nil if there is none.
func (c *contract) acceptorOf(content openapi3.Content) *accept.Acceptor {
	if media := content[jsonMediaType]; media != nil && media.Schema != nil {
		return c.acceptors[media.Schema.Value]
	}
	return nil
}

const jsonMediaType = "application/json"

// isJSON reports whether a header says plainly that the body is JSON.
func isJSON(header http.Header) bool {
	given := header["Content-Type"]
	return len(given) == 1 && given[0] == jsonMediaType
}

// shortcut returns that of the operation that a request surely is for, or nil.
func (c *contract) shortcut(method, path string) (found *shortcut) {
	for _, s := range c.shortcuts[method] {
		if s.matches(path) {
			if found != nil {
				return nil // which of them is for kin-openapi to say
			}
			found = s
		}
	}
	return found
}

// acceptsRequest reports whether s surely accepts a request for its operation.
func (s *shortcut) acceptsRequest(path string, header http.Header, body []byte) bool {
	switch {
	case s.head == nil || !s.head.accepts(path, header):
		return false
	case len(body) == 0:
		return s.request == nil || !s.request.Required
	}
	return s.body != nil && isJSON(header) && s.body.Accepts(body)
}

// acceptsResponse reports whether s surely accepts an answer to its operation.
func (s *shortcut) acceptsResponse(status int, header http.Header, body []byte) bool {
	a := s.answers[status]
	return a != nil && s.route.Method != http.MethodHead && isJSON(header) && a.Accepts(body)
}

// segmentsOf returns the parts of a path between its slashes, see [shortcut].
func segmentsOf(path string) []string {
	segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
	for _, segment := range segments {
		text, opens := strings.CutPrefix(segment, "{")
		text, closes := strings.CutSuffix(text, "}")
		if text == "" || opens != closes || strings.ContainsAny(text, "{}:*") {
			return nil
		}
	}
	return segments
}

// matches reports whether path may be one of the operation's: to kin-openapi, a parameter at the end may be missing.
func (s *shortcut) matches(path string) bool {
	if s.segments == nil {
		return true
	}
	for _, segment := range s.segments {
		rest, ok := strings.CutPrefix(path, "/")
		if !ok && (path != "" || segment[0] != '{') {
			return false
		}
		end := strings.IndexByte(rest, '/')
		if end < 0 {
			end = len(rest)
		}
		if segment[0] != '{' && segment != rest[:end] {
			return false
		}
		path = rest[end:]
	}
	return path == ""
}

// head says yes to a request's path and header. It knows operations whose parameters all stand in the path and are
// strings, and which API keys in headers are enough for.
type head struct {
	parameters []*accept.Acceptor // by the path's segments; nil for a text
	keys       []string           // the headers that must be there
}

// compileHead returns the head of an operation, or nil if the operation says something that heads don't know.
func compileHead(route *routers.Route, segments []string, formats map[string]openapi3.StringFormatValidator) *head {
	if segments == nil {
		return nil
	}
	h := &head{parameters: make([]*accept.Acceptor, len(segments))}
	for _, ref := range slices.Concat(route.PathItem.Parameters, route.Operation.Parameters) { // those of the operation win
		p := ref.Value
		if p.In != openapi3.ParameterInPath || p.Schema == nil || p.Style != "" && p.Style != openapi3.SerializationSimple {
			return nil
		}
		a, i := accept.Compile(p.Schema.Value, formats), slices.Index(segments, "{"+p.Name+"}")
		if a == nil || !p.Schema.Value.Type.Is(openapi3.TypeString) || i < 0 {
			return nil
		}
		h.parameters[i] = a
	}
	security := route.Spec.Security
	if route.Operation.Security != nil {
		security = *route.Operation.Security
	}
	if len(security) > 1 {
		return nil
	}
	for _, requirement := range security {
		for name := range requirement {
			scheme := route.Spec.Components.SecuritySchemes[name]
			if scheme == nil || scheme.Value.Type != "apiKey" || scheme.Value.In != openapi3.ParameterInHeader {
				return nil
			}
			h.keys = append(h.keys, scheme.Value.Name)
		}
	}
	return h
}

// accepts reports whether h surely accepts a request with this path, which matches that of the operation.
func (h *head) accepts(path string, header http.Header) bool {
	for _, key := range h.keys {
		if header.Get(key) == "" {
			return false
		}
	}
	i, path := 0, strings.TrimPrefix(path, "/")
	for value := range strings.SplitSeq(path, "/") {
		if a := h.parameters[i]; a != nil && (value == "" || !a.AcceptsString(value)) {
			return false
		}
		i++
	}
	return i == len(h.parameters)
}
