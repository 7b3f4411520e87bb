package kodexa

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"strings"

	"github.com/kodexa-community/kodexa-go/internal/contract"
)

// caller sends the requests of the generated client. It is the one way that each of them goes.
type caller struct {
	*config

	contract  *contract.Contract
	transport transport
}

// call is one request on its way: what the steps tell one another about it.
type call struct {
	*caller

	req       *http.Request
	path      string              // as sent, below the base URL
	operation *contract.Operation // an empty one if the contract has none for the request
	body      []byte              // of the request
	attempts  int
	inDoubt   bool         // the request may have been applied, if its method changes anything
	answered  http.Header  // the header of the last attempt, nil if no answer came to it
	reported  *CallError   // what the answer breaks the contract with, under report-only
	leftOut   bool         // a member of the answer is left out
	answer    answer       // to the last attempt
	unread    bytes.Reader // of its body
}

// Do sends the request of a generated operation and returns a 2xx answer that keeps the contract, with its body still to be
// decoded. Everything else is a [*CallError].
func (c *caller) Do(req *http.Request) (*http.Response, error) {
	k := &call{caller: c, req: req, operation: &contract.Operation{}}
	if err := k.admit(); err != nil {
		return nil, k.failed(err)
	}
	a := k.send()
	res, err := k.accept(a)
	if a.cancel != nil { // else the context ended without another attempt
		k.log(a, err)
	}
	if err != nil {
		return nil, k.failed(err)
	}
	return res, nil
}

// admit checks the request, and makes it ready to be sent more than once.
func (k *call) admit() error {
	req := k.req
	if req.URL == nil {
		return errors.New("a request editor removed the URL")
	}
	if req.Header == nil {
		req.Header = http.Header{}
	}
	k.path = strings.TrimPrefix(req.URL.EscapedPath(), k.base.EscapedPath())
	if err := k.takeBody(); err != nil {
		return err
	}
	if !liesBelow(k.base, req) { // the key would leave home
		return k.brokenRequest("the URL does not lie below the base URL")
	}
	if err := checkHeader(req.Header); err != nil {
		return err
	}
	operation := k.contract.Find(req.Method, k.path)
	if operation == nil {
		return k.brokenRequest("the contract has no such operation")
	}
	k.operation = operation
	if !k.operation.WantsKey(apiKeyHeader) {
		req.Header.Del(apiKeyHeader)
	}
	if types := k.operation.AnswerTypes(); types != "" && types != defaultAccept && req.Header.Get("Accept") == defaultAccept {
		req.Header.Set("Accept", types)
	}
	violations, cause := k.operation.CheckRequest(k.path, req.URL.RawQuery, req.Header, k.body)
	if len(violations) > 0 {
		return &ContractError{In: InRequest, Violations: k.masked(violations), Body: k.body, cause: cause}
	}
	return nil
}

// takeBody reads the body of the request, which an editor may have replaced, removed or read to its end.
func (k *call) takeBody() (err error) {
	req := k.req
	read := func(r io.ReadCloser) {
		k.body, err = readAll(r, req.ContentLength, math.MaxInt64)
		err = errors.Join(err, r.Close())
	}
	if req.Body != nil && req.Body != http.NoBody {
		read(req.Body)
		if err == nil && len(k.body) == 0 && req.GetBody != nil {
			if req.Body, err = req.GetBody(); err == nil {
				read(req.Body)
			}
		}
	}
	req.Body, req.GetBody, req.ContentLength = http.NoBody, nil, int64(len(k.body))
	if err != nil {
		return fmt.Errorf("reading the request body: %w", err)
	}
	return nil
}

// checkHeader refuses what net/http would refuse, at every attempt and with a text that depends on the transport.
func checkHeader(header http.Header) error {
	for name, values := range header {
		if strings.Trim(name, tokenCharacters) != "" || name == "" {
			return fmt.Errorf("the header name %q is not a token", name[:min(len(name), maxPointer)])
		}
		for _, value := range values {
			if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == '\x7f' }) {
				return fmt.Errorf("the header %s has a control character in its value", name)
			}
		}
	}
	return nil
}

// tokenCharacters are those of a header's name (RFC 9110, section 5.6.2).
const tokenCharacters = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// accept returns the success that a is, or the error that it means.
func (k *call) accept(a *answer) (*http.Response, error) {
	switch {
	case a.StatusCode == 0:
		return nil, a.err
	case a.StatusCode/100 != 2:
		return nil, k.apiError(a)
	}
	k.inDoubt = true // until the answer is known to be good
	if a.err != nil {
		return nil, k.unreadable(a)
	}
	body := a.body
	violations, cause := k.operation.CheckResponse(a.StatusCode, a.Header, body)
	if len(violations) > 0 {
		broken := k.brokenAnswer(a, k.masked(violations), cause)
		if k.report == nil {
			return nil, broken
		}
		reported := *broken
		reported.Header, reported.Body = a.Header.Clone(), bytes.Clone(a.body) // report may do with them what it likes
		k.reported = k.failed(&reported)
		k.report(k.req.Context(), k.reported)
		if k.operation.MediaType(a.StatusCode, a.Header) == "" { // it is decoded if it is JSON, whatever it is called
			a.Header = a.Header.Clone()
			a.Header.Set("Content-Type", "application/json")
		}
		var ok bool
		if body, ok = k.operation.Decodable(a.StatusCode, a.Header, body); !ok {
			return nil, broken
		}
		k.leftOut = !bytes.Equal(body, a.body)
	}
	k.inDoubt = false
	k.unread.Reset(body)
	a.Body = checkedBody{k}
	if mediaType := k.operation.MediaType(a.StatusCode, a.Header); mediaType != "" && mediaType != a.Header.Get("Content-Type") {
		a.Header = a.Header.Clone()             // it may be the transport's
		a.Header.Set("Content-Type", mediaType) // generated code compares it letter by letter
	}
	return a.Response, nil
}

// unreadable is a success whose body could not be read to its end.
func (k *call) unreadable(a *answer) error {
	_, isTimeout := errors.AsType[*attemptTimeoutError](a.err)
	if isTimeout || errors.Is(a.err, ErrResponseTooLarge) || errors.Is(a.err, k.req.Context().Err()) {
		return fmt.Errorf("%s: %w", statusLine(a.StatusCode), a.err)
	}
	reason := "the body is cut short after %d bytes"
	if a.Uncompressed {
		reason = "the body is broken gzip, or cut short, after %d bytes"
	}
	return k.brokenAnswer(a, []Violation{{"", fmt.Sprintf(reason, len(a.body))}}, a.err)
}

func (*call) brokenAnswer(a *answer, violations []Violation, cause error) *ContractError {
	return &ContractError{
		In: InResponse, StatusCode: a.StatusCode, Violations: violations, Header: a.Header, Body: a.body, cause: cause,
	}
}

// checkedBody is what the generated client decodes. It stays in HTTPResponse, where the client's own methods find the call.
type checkedBody struct{ *call }

func (b checkedBody) Read(p []byte) (int, error) { return b.unread.Read(p) }

// Close does nothing: the body was read before.
func (checkedBody) Close() error { return nil }

// failed gives err its place.
func (k *call) failed(err error) *CallError {
	return &CallError{
		Operation: k.operation.ID, Method: k.req.Method, Path: k.path, RequestID: k.requestID(), Attempts: k.attempts,
		OutcomeUnknown: k.outcomeUnknown(), Err: err,
	}
}

func (k *call) outcomeUnknown() bool { return k.inDoubt && !isSafe(k.req.Method) }

// brokenRequest is a request that breaks the contract as a whole.
func (k *call) brokenRequest(reason string) error {
	return &ContractError{In: InRequest, Violations: []Violation{{"", reason}}, Body: k.body}
}

// log writes the record of an attempt. err is the error of the call, or why no answer came if another attempt follows.
func (k *call) log(a *answer, err error) {
	if err == nil && k.reported != nil {
		err = k.reported.Err
	}
	level := slog.LevelWarn
	switch refusal := statusErrors[a.StatusCode]; {
	case a.StatusCode/100 == 2 && err == nil:
		level = slog.LevelDebug
	case errors.Is(refusal, ErrNotFound), errors.Is(refusal, ErrConflict):
		level = slog.LevelInfo
	}
	if !k.logger.Enabled(k.req.Context(), level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("operation", k.operation.ID), slog.String("method", k.req.Method), slog.String("path", k.path),
		slog.Int("attempt", k.attempts), slog.Duration("duration", a.took), slog.Bool("outcome_unknown", k.outcomeUnknown()),
	}
	if a.StatusCode != 0 {
		attrs = append(attrs, slog.Int("status", a.StatusCode))
	}
	if id := k.requestID(); id != "" {
		attrs = append(attrs, slog.String("request_id", id))
	}
	if err != nil {
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	k.logger.LogAttrs(k.req.Context(), level, "kodexa: request", attrs...)
}
