package kodexa

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/kodexa-community/kodexa-go/gen"
	"github.com/kodexa-community/kodexa-go/internal/contract"
)

// sender sends the requests of the generated client. It is the one way that each of them goes.
type sender struct {
	*config

	contract  *contract.Contract
	transport transport
}

// Do is [call.Do] with errors that are a [*CallError].
func (c *sender) Do(req *http.Request) (*http.Response, error) {
	k := &call{sender: c}
	res, err := k.Do(req)
	if err != nil {
		return nil, k.failed(err)
	}
	return res, nil
}

// noOperation is that of a request which the contract has none for.
var noOperation = &contract.Operation{}

// call is one request on its way: what the steps tell one another about it.
type call struct {
	*sender
	answer // to the last attempt

	operation *contract.Operation
	req       *http.Request
	path      string // as sent, below the base URL
	sent      []byte // the body of the request
	attempts  int
	inDoubt   bool  // the request may have been applied, if its method changes anything
	reported  error // how the answer breaks the contract, under report-only

	// Of a call of the client's own methods, which begin before there is a request.
	api     gen.Client // the generated client that makes the request
	id      uuid.UUID  // of the session
	isWhole bool       // no member of the answer may be left out
}

// Do sends the request of a generated operation and returns a 2xx answer that keeps the contract, with its body still to be
// decoded.
func (k *call) Do(req *http.Request) (*http.Response, error) {
	k.req, k.operation, k.Response = req, noOperation, noResponse
	if err := k.admit(); err != nil {
		return nil, err
	}
	if err := k.send(); err != nil {
		return nil, err
	}
	res, err := k.accept()
	k.log(err)
	return res, err
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
	k.operation = cmp.Or(k.contract.Find(req.Method, k.path), noOperation)
	if err := k.takeBody(); err != nil {
		return err
	}
	if !liesBelow(k.base, req) { // the key would leave home
		return k.brokenRequest("", "the URL does not lie below the base URL")
	}
	if strings.ContainsFunc(req.URL.RawQuery, func(r rune) bool { return r <= ' ' || r == '\x7f' }) {
		return errors.New("the query has a character that must be escaped")
	}
	if err := checkHeader(req.Header); err != nil {
		return err
	}
	if k.operation == noOperation {
		return k.brokenRequest("", "the contract has no such operation")
	}
	if !k.operation.WantsKey(apiKeyHeader) {
		req.Header.Del(apiKeyHeader)
	}
	if types := k.operation.AnswerTypes(); types != "" && types != defaultAccept && req.Header.Get("Accept") == defaultAccept {
		req.Header.Set("Accept", types)
	}
	violations, cause := k.operation.CheckRequest(k.path, req.URL.RawQuery, req.Header, k.sent)
	if len(violations) > 0 {
		return &ContractError{In: InRequest, Violations: k.masked(violations), Body: k.sent, cause: cause}
	}
	return nil
}

// takeBody reads the body of the request, which an editor may have replaced, removed or read to its end.
func (k *call) takeBody() (err error) {
	req := k.req
	read := func(r io.ReadCloser) {
		k.sent, err = readAll(r, req.ContentLength, math.MaxInt64)
		err = errors.Join(err, r.Close())
	}
	if body := req.Body; body != nil && req.GetBody == nil { // it may wait for a writer
		defer context.AfterFunc(req.Context(), func() { _ = body.Close() })()
	}
	if req.Body != nil && req.Body != http.NoBody {
		read(req.Body)
		if err == nil && len(k.sent) == 0 && req.GetBody != nil {
			if req.Body, err = req.GetBody(); err == nil {
				read(req.Body)
			}
		}
	}
	req.Body, req.GetBody, req.ContentLength = http.NoBody, nil, int64(len(k.sent))
	if err != nil {
		return cmp.Or(req.Context().Err(), fmt.Errorf("reading the request body: %w", err))
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

// accept returns the success that the answer is, or the error that it means.
func (k *call) accept() (*http.Response, error) {
	switch {
	case k.StatusCode == 0:
		return nil, k.err
	case k.StatusCode/100 != 2:
		return nil, k.apiError()
	}
	k.inDoubt = true // until the answer is known to be good
	if k.err != nil {
		return nil, k.unreadable()
	}
	body := k.received
	violations, cause := k.operation.CheckResponse(k.StatusCode, k.Header, body)
	if len(violations) > 0 {
		broken := k.brokenAnswer(k.masked(violations), cause)
		var ok bool
		if body, ok = k.reportOnly(broken); !ok {
			return nil, broken
		}
	}
	k.inDoubt = false
	k.Body = io.NopCloser(bytes.NewReader(body))
	if mediaType := k.operation.MediaType(k.StatusCode, k.Header); mediaType != "" && mediaType != k.Header.Get("Content-Type") {
		k.Header = k.Header.Clone()             // it may be the transport's
		k.Header.Set("Content-Type", mediaType) // generated code compares it letter by letter
	}
	return k.Response, nil
}

// reportOnly reports an answer that breaks the contract, if that is asked for, and returns of its body what can be decoded.
func (k *call) reportOnly(broken *ContractError) (body []byte, ok bool) {
	if k.report == nil {
		return nil, false
	}
	reported := *broken // report may do with it what it likes
	reported.Header, reported.Body, reported.Violations = k.Header.Clone(), bytes.Clone(k.received), slices.Clone(broken.Violations)
	k.reported = broken
	k.report(k.req.Context(), k.failed(&reported))
	if k.operation.MediaType(k.StatusCode, k.Header) == "" { // it is decoded if it is JSON, whatever it is called
		k.Header = k.Header.Clone()
		k.Header.Set("Content-Type", "application/json")
	}
	body, ok = k.operation.Decodable(k.StatusCode, k.Header, k.received)
	return body, ok && (!k.isWhole || bytes.Equal(body, k.received))
}

// unreadable is a success whose body could not be read to its end.
func (k *call) unreadable() error {
	_, isTimeout := errors.AsType[*attemptTimeoutError](k.err)
	if isTimeout || errors.Is(k.err, ErrResponseTooLarge) || errors.Is(k.err, k.req.Context().Err()) {
		return fmt.Errorf("%s: %w", statusLine(k.StatusCode), k.err)
	}
	reason := "the body is cut short after %d bytes"
	if k.Uncompressed {
		reason = "the body is broken gzip, or cut short, after %d bytes"
	}
	return k.brokenAnswer([]Violation{{"", fmt.Sprintf(reason, len(k.received))}}, k.err)
}

func (k *call) brokenAnswer(violations []Violation, cause error) *ContractError {
	return &ContractError{
		In: InResponse, StatusCode: k.StatusCode, Violations: violations, Header: k.Header, Body: k.received, cause: cause,
	}
}

// failed gives err its place.
func (k *call) failed(err error) *CallError {
	if k.req == nil { // there was none yet
		path := strings.Replace(k.operation.Path, "{id}", k.id.String(), 1)
		return &CallError{Operation: k.operation.ID, Method: k.operation.Method, Path: path, Err: err}
	}
	return &CallError{
		Operation: k.operation.ID, Method: k.req.Method, Path: k.path, RequestID: k.requestID(), Attempts: k.attempts,
		OutcomeUnknown: k.outcomeUnknown(), Err: err,
	}
}

func (k *call) outcomeUnknown() bool { return k.inDoubt && !isSafe(k.req.Method) }

// brokenRequest is a request that is refused here, for another reason than the contract's own word.
func (k *call) brokenRequest(pointer, reason string) error {
	return &ContractError{In: InRequest, Violations: []Violation{{pointer, reason}}, Body: k.sent}
}

// log writes the record of an attempt. err is the error of the call, or what the attempt met if another one follows.
func (k *call) log(err error) {
	err = cmp.Or(err, k.reported)
	level := slog.LevelWarn
	switch refusal := statusErrors[k.StatusCode]; {
	case k.StatusCode/100 == 2 && err == nil:
		level = slog.LevelDebug
	case errors.Is(refusal, ErrNotFound), errors.Is(refusal, ErrConflict):
		level = slog.LevelInfo
	}
	if !k.logger.Enabled(k.req.Context(), level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("operation", k.operation.ID), slog.String("method", k.req.Method), slog.String("path", k.path),
		slog.Int("attempt", k.attempts), slog.Duration("duration", time.Since(k.begun)), slog.Bool("outcome_unknown", k.outcomeUnknown()),
	}
	if k.StatusCode != 0 {
		attrs = append(attrs, slog.Int("status", k.StatusCode))
	}
	if id := k.requestID(); id != "" {
		attrs = append(attrs, slog.String("request_id", id))
	}
	if err != nil {
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	k.logger.LogAttrs(k.req.Context(), level, "kodexa: request", attrs...)
}
