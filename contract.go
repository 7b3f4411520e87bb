package kodexa

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	router "github.com/getkin/kin-openapi/routers/legacy" // its successor needs gorilla/mux
	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/kodexa-community/kodexa-go/internal/accept"
	"github.com/kodexa-community/kodexa-go/internal/jsonio"
)

//go:embed openapi.yaml
var spec []byte

// Spec returns the contract as it was written, in YAML: OpenAPI 3.0.3. The caller owns the bytes.
func Spec() []byte { return bytes.Clone(spec) }

// shippedContract parses the contract once, when the first client is made.
var shippedContract = sync.OnceValues(func() (*contract, error) { return parseContract(spec) })

// contract answers what an operation's messages must look like. What a schema means is kin-openapi's word; added to it
// is only what its JSON decoder lets pass and what Go's decoders would refuse later.
type contract struct {
	operations routers.Router
	options    openapi3filter.Options
	acceptors  map[*openapi3.Schema]*accept.Acceptor // of the bodies' schemas
	shortcuts  map[string][]*shortcut                // by method
}

func parseContract(data []byte) (*contract, error) {
	doc, err := openapi3.NewLoader().LoadFromData(data)
	if err != nil {
		return nil, fmt.Errorf("contract: %w", err)
	}
	if doc.IsOpenAPI31OrLater() {
		return nil, fmt.Errorf("contract: OpenAPI %s: validation of 3.1 and later puts values into error texts", doc.OpenAPI)
	}
	doc.Servers = nil // operations are found by their path below the client's base URL
	operations, err := router.NewRouter(doc)
	if err != nil {
		return nil, fmt.Errorf("contract: %w", err)
	}
	c := &contract{
		operations: operations,
		acceptors:  map[*openapi3.Schema]*accept.Acceptor{},
		shortcuts:  map[string][]*shortcut{},
		options: openapi3filter.Options{
			AuthenticationFunc:    sendsKey,
			IncludeResponseStatus: true, // a status that the contract does not name is a violation
			SkipSettingDefaults:   true, // what is checked is what is sent
			ExcludeRequestBody:    true, // bodies are checkBody's
			ExcludeResponseBody:   true,
			SchemaValidationOptions: []openapi3.SchemaValidationOption{
				openapi3.DisableSchemaErrorDetails(),
				openapi3.WithStringFormatValidators(stringFormats()),
			},
		},
	}
	c.compile(doc)
	return c, nil
}

// compile makes the shortcuts and acceptors of all that doc can be asked about.
func (c *contract) compile(doc *openapi3.T) {
	formats := stringFormats()
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			for schema := range bodySchemas(op) {
				c.acceptors[schema] = accept.Compile(schema, formats)
			}
			route := &routers.Route{Spec: doc, Path: path, PathItem: item, Method: method, Operation: op}
			c.shortcuts[method] = append(c.shortcuts[method], c.compileShortcut(route, formats))
		}
	}
}

// bodySchemas yields the schemas of the bodies of an operation.
func bodySchemas(op *openapi3.Operation) iter.Seq[*openapi3.Schema] {
	return func(yield func(*openapi3.Schema) bool) {
		contents := []openapi3.Content{}
		if op.RequestBody != nil {
			contents = append(contents, op.RequestBody.Value.Content)
		}
		for _, response := range op.Responses.Map() {
			contents = append(contents, response.Value.Content)
		}
		for _, content := range contents {
			for _, media := range content {
				if media.Schema != nil && !yield(media.Schema.Value) {
					return
				}
			}
		}
	}
}

// uuidLength is that of a UUID with dashes, the one form that the format means.
const uuidLength = len("550e8400-e29b-41d4-a716-446655440000")

// stringFormats holds strings to what kin-openapi and the decoder of the Go type both accept, and keeps the value out of
// the error, where some of kin-openapi's own put it.
func stringFormats() map[string]openapi3.StringFormatValidator {
	return map[string]openapi3.StringFormatValidator{
		"byte": stringFormat("byte", "value must be base64", func(s string) error {
			_, err := base64.StdEncoding.Strict().DecodeString(s)
			return err
		}),
		"date": stringFormat("date", "value must be a date, such as 2023-11-07", func(s string) error {
			_, err := time.Parse(time.DateOnly, s)
			return err
		}),
		"date-time": stringFormat("date-time", "value must be a date-time, such as 2023-11-07T05:31:56Z", func(s string) error {
			return new(time.Time).UnmarshalText([]byte(s))
		}),
		"uuid": stringFormat("uuid", "value must be a UUID with dashes", func(s string) error {
			if len(s) != uuidLength {
				return errors.New("length")
			}
			return uuid.Validate(s)
		}),
	}
}

func stringFormat(name, reason string, decode func(string) error) openapi3.StringFormatValidator {
	return openapi3.NewCallbackValidator(func(s string) error {
		if kin := openapi3.SchemaStringFormats[name]; kin != nil && kin.Validate(s) != nil || decode(s) != nil {
			return errors.New(reason)
		}
		return nil
	})
}

// sendsKey reports whether a request has what a security requirement of the contract asks for.
func sendsKey(_ context.Context, in *openapi3filter.AuthenticationInput) error {
	s := in.SecurityScheme
	if s.Type != "apiKey" || s.In != "header" {
		return fmt.Errorf("security scheme %q is not an API key in a header", in.SecuritySchemeName)
	}
	if in.RequestValidationInput.Request.Header.Get(s.Name) == "" {
		return fmt.Errorf("header %s is missing", s.Name)
	}
	return nil
}

// checker is the step that refuses requests and answers that break the contract, and turns every other answer than a
// success into an error.
type checker struct {
	next        sender
	contract    *contract
	base        *url.URL
	maxBody     int64
	onViolation func(context.Context, *ContractError) error
}

// sender is a step that knows the call which a request is for.
type sender interface {
	send(req *http.Request, ex *exchange) (*http.Response, error)
}

// Do returns a success whose body was read and checked, or one of this package's errors.
func (c *checker) Do(req *http.Request) (*http.Response, error) {
	if req.URL == nil {
		return nil, errors.New("kodexa: a request editor removed the URL")
	}
	ex := &exchange{method: req.Method, path: req.URL.Path, key: req.Header.Get(apiKeyHeader)}
	body, err := takeBody(req)
	if err != nil {
		return nil, ex.failed(fmt.Errorf("reading the request body: %w", err))
	}
	ex.body = body.text
	if !liesBelow(c.base, req) { // no handler may let this pass: the key would leave home
		broken := &ContractError{Direction: Request, Method: ex.method, Path: ex.path, Body: ex.body}
		return nil, broken.add("", "the URL does not lie below the base URL")
	}
	op, err := c.admit(req, ex, body)
	if err != nil {
		return nil, err
	}
	res, err := c.next.send(req, ex)
	if err != nil {
		return nil, ex.failed(err)
	}
	defer func(body io.Closer) { _ = body.Close() }(res.Body)
	if res.StatusCode/100 != 2 {
		return nil, newAPIError(res, ex, min(c.maxBody, maxErrorBody))
	}
	ex.outcomeUnknown = true // until the answer is known to be good
	if err := c.receive(req, op, res, ex); err != nil {
		return nil, err
	}
	return res, nil
}

// operation is what a request is for. Either is nil if there is none.
type operation struct {
	route    *routers.Route
	shortcut *shortcut
}

// admit finds the operation of a request and returns an error if the request is not to be sent.
func (c *checker) admit(req *http.Request, ex *exchange, body *payload) (operation, error) {
	path := strings.TrimPrefix(req.URL.Path, c.base.Path)
	s := c.contract.shortcut(req.Method, path)
	if s != nil && s.acceptsRequest(path, req.Header, ex.body) {
		ex.path = s.route.Path
		return operation{s.route, s}, nil
	}
	if err := body.check(); err != nil {
		return operation{}, err
	}
	route, broken := c.contract.checkRequest(req, ex, ex.body, c.base)
	if route != nil {
		ex.path = route.Path
	}
	if s != nil && (route == nil || s.route.Operation != route.Operation) {
		s = nil
	}
	return operation{route, s}, c.report(req.Context(), broken, ex)
}

// receive reads and checks a success and gives it a body that can be read again.
func (c *checker) receive(req *http.Request, op operation, res *http.Response, ex *exchange) error {
	body, err := readBody(res, c.maxBody)
	if err != nil && (errors.Is(err, ErrResponseTooLarge) || isTimeout(req.Context(), err)) {
		body.release()
		return ex.failed(fmt.Errorf("%s: %w", statusLine(res.StatusCode), err))
	}
	text := body.text()
	if err == nil && op.shortcut != nil && op.shortcut.acceptsResponse(res.StatusCode, res.Header, text) {
		accepted := newCheckedBody(ex, text)
		accepted.from, res.Body = body, accepted
		return nil
	}
	checked := newCheckedBody(ex, body.keep())
	checked.answer = c.contract.checkResponse(req, op.route, ex, res, checked.text, err)
	res.Body = checked
	return c.report(req.Context(), checked.answer, ex)
}

// report returns what becomes of the violations in broken, if there are any.
func (c *checker) report(ctx context.Context, broken *ContractError, ex *exchange) error {
	if len(broken.Violations) == 0 {
		return nil
	}
	err := c.onViolation(ctx, broken)
	if err != nil && ex.outcomeUnknown && !errors.Is(err, ErrOutcomeUnknown) {
		return ex.failed(err)
	}
	return err
}

// checkedBody is the body of a success, with what was found about it.
type checkedBody struct {
	bytes.Reader
	text   []byte
	from   received       // what has text, unless text is to be kept
	answer *ContractError // nil if a shortcut accepted it; without violations if kin-openapi did
	ex     *exchange
}

func newCheckedBody(ex *exchange, text []byte) *checkedBody {
	b := &checkedBody{ex: ex, text: text}
	b.Reset(text)
	return b
}

// Close does nothing: the body was read before.
func (*checkedBody) Close() error { return nil }

// decode decodes the body into value. A body that an acceptor has read needs no other look.
func (b *checkedBody) decode(value any) error {
	if model, ok := value.(jsonio.Model); ok && b.answer == nil {
		return jsonio.Decode(b.text, model)
	}
	return json.Unmarshal(b.text, value)
}

// exchange is what the steps tell one another about a call. It travels in the context of the request.
type exchange struct {
	method, path string // of the operation; path is its template
	attempts     int
	location     []string // the Location of a 3xx, see redirectGuard

	outcomeUnknown  bool // the request may have been applied although no answer says so
	conflictInDoubt bool // an ErrConflict may be due to an earlier attempt

	key  string // what the request holds that no text may repeat
	body []byte
}

type exchangeKey struct{}

// exchangeOf returns the exchange that req belongs to, or a new one if a step is used alone.
func exchangeOf(req *http.Request) *exchange {
	if ex, ok := req.Context().Value(exchangeKey{}).(*exchange); ok {
		return ex
	}
	return &exchange{method: req.Method, path: req.URL.Path}
}

// sent reports whether text may be something that the request held: the key, or eight bytes in a row of its body.
func (ex *exchange) sent(text string) bool {
	if ex.key != "" && strings.Contains(text, ex.key) {
		return true
	}
	const enough = 8
	for i := 0; i == 0 || i+enough <= len(text); i++ {
		if bytes.Contains(ex.body, []byte(text[i:min(i+enough, len(text))])) {
			return true
		}
	}
	return false
}

// failed gives err, which stays as it is for errors.Is and errors.As, its place.
func (ex *exchange) failed(err error) error {
	return &callError{ex.method, ex.path, ex.attempts, ex.outcomeUnknown, err}
}

// checkRequest finds the operation of req and checks path, header and body against it. The route is nil if the contract has
// no such operation; the error has no violations if the request keeps the contract.
func (c *contract) checkRequest(req *http.Request, ex *exchange, body []byte, base *url.URL) (*routers.Route, *ContractError) {
	broken := &ContractError{Direction: Request, Method: ex.method, Path: ex.path, Body: body, key: ex.key}
	path := strings.TrimPrefix(req.URL.Path, base.Path)
	route, params, err := c.operations.FindRoute(&http.Request{Method: req.Method, URL: &url.URL{Path: path}})
	if err != nil {
		return nil, broken.add("", "the contract has no such operation")
	}
	broken.Path = route.Path

	bodyless := *req // validating security would read the body again
	bodyless.Body = nil
	broken.addError(openapi3filter.ValidateRequest(req.Context(), &openapi3filter.RequestValidationInput{
		Request: &bodyless, Route: route, PathParams: params, Options: &c.options,
	}))
	if content := route.Operation.RequestBody; content == nil {
		if len(body) > 0 {
			broken.add("", "the operation takes no body")
		}
	} else if len(body) > 0 || content.Value.Required {
		c.checkBody(broken, content.Value.Content, req.Header, body, openapi3.VisitAsRequest())
	}
	return route, broken.sorted()
}

// checkResponse checks an answer with status 2xx whose body was read up to cut, which is nil if that is all of it. The route
// is nil if req was sent although the contract has no such operation. What is returned has no violations if the answer keeps
// the contract.
func (c *contract) checkResponse(
	req *http.Request, route *routers.Route, ex *exchange, res *http.Response, body []byte, cut error,
) *ContractError {
	broken := ex.brokenAnswer(res.StatusCode, body)
	if cut != nil {
		broken.cause = cut
		return broken.add("", fmt.Sprintf("the body is cut short after %d bytes", len(body)))
	}
	if route == nil {
		return broken
	}
	broken.addError(openapi3filter.ValidateResponse(req.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: req, Route: route, Options: &c.options},
		Status:                 res.StatusCode, Header: res.Header, Options: &c.options,
	}))
	responses := route.Operation.Responses
	named := cmp.Or(responses.Status(res.StatusCode), responses.Default())
	if named != nil && len(named.Value.Content) > 0 && route.Method != http.MethodHead {
		c.checkBody(broken, named.Value.Content, res.Header, body, openapi3.VisitAsResponse())
		lowerMediaType(res.Header)
	}
	return broken.sorted()
}

// brokenAnswer returns an error for the violations of a success.
func (ex *exchange) brokenAnswer(status int, body []byte) *ContractError {
	return &ContractError{
		Direction: Response, StatusCode: status, Method: ex.method, Path: ex.path, Body: body, outcomeUnknown: true, key: ex.key,
	}
}

// maxViolations is how many violations an error lists at the most.
const maxViolations = 100

// add appends a violation unless its place has one already.
func (e *ContractError) add(pointer, reason string) *ContractError {
	if e.key != "" { // a server may name a member by whatever it was sent
		pointer = strings.ReplaceAll(pointer, escapePointer(e.key), "…")
		reason = strings.ReplaceAll(reason, e.key, "…")
	}
	if len(e.Violations) < maxViolations && !slices.ContainsFunc(e.Violations, func(v Violation) bool { return v.Pointer == pointer }) {
		e.Violations = append(e.Violations, Violation{pointer, reason})
	}
	return e
}

// addError adds the violations in an error of kin-openapi and keeps it as the cause.
func (e *ContractError) addError(err error) {
	if err == nil {
		return
	}
	request, isRequest := errors.AsType[*openapi3filter.RequestError](err)
	response, isResponse := errors.AsType[*openapi3filter.ResponseError](err)
	security, isSecurity := errors.AsType[*openapi3filter.SecurityRequirementsError](err)
	switch {
	case isSecurity:
		e.add("", security.Error())
	case isRequest && request.Parameter != nil:
		reason := request.Reason
		if schema, ok := errors.AsType[*openapi3.SchemaError](err); ok {
			reason = schema.Reason
		}
		e.add("", fmt.Sprintf("parameter %q in %s: %s", request.Parameter.Name, request.Parameter.In, cmp.Or(reason, "value can't be parsed")))
	case isResponse:
		e.add("", response.Reason)
	default:
		e.addSchemaErrors(err)
		e.cause = err
	}
}

// addSchemaErrors adds the violations in err and takes the values out of it.
func (e *ContractError) addSchemaErrors(err error) {
	if list, ok := err.(openapi3.MultiError); ok {
		for _, err := range list {
			e.addSchemaErrors(err)
		}
		return
	}
	schema, ok := err.(*openapi3.SchemaError)
	if !ok {
		e.add("", "the value does not match its schema")
		return
	}
	if all, ok := errors.AsType[openapi3.MultiError](schema.Origin); ok && schema.SchemaField == "allOf" {
		for _, err := range all {
			e.addSchemaErrors(err)
		}
	} else {
		var pointer strings.Builder
		for _, name := range schema.JSONPointer() {
			pointer.WriteString("/" + escapePointer(name))
		}
		e.add(pointer.String(), cmp.Or(schema.Reason, fmt.Sprintf("the value does not match %q of its schema", schema.SchemaField)))
	}
	schema.Value, schema.Origin = nil, nil
}

// sorted returns e with its violations in the order of their pointers.
func (e *ContractError) sorted() *ContractError {
	slices.SortStableFunc(e.Violations, func(a, b Violation) int { return strings.Compare(a.Pointer, b.Pointer) })
	return e
}
