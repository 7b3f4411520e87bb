package kodexa

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// What a call can fail with, for [errors.Is]. The first five match an [*APIError] by its status.
var (
	// ErrUnauthorized is status 401: the platform did not accept the API key.
	ErrUnauthorized = errors.New("kodexa: unauthorized")
	// ErrForbidden is status 403: the API key does not permit the operation.
	ErrForbidden = errors.New("kodexa: forbidden")
	// ErrNotFound is status 404: there is no such session, or no platform at the base URL.
	ErrNotFound = errors.New("kodexa: not found")
	// ErrConflict is status 409 or 412: changeSequence is not the stored one, so the session was updated since it was
	// read. If the error is also [ErrOutcomeUnknown], that update may have been an earlier attempt of the same call.
	ErrConflict = errors.New("kodexa: conflict")
	// ErrRateLimited is status 429 at the last attempt, see [APIError.RetryAfter].
	ErrRateLimited = errors.New("kodexa: rate limited")

	// ErrResponseTooLarge is a 2xx body beyond the limit of [WithMaxResponseBytes]. An [*APIError] whose Body is cut matches it
	// too.
	ErrResponseTooLarge = errors.New("kodexa: response too large")
	// ErrOutcomeUnknown says that the platform may have applied the request although the call failed: an attempt was sent and
	// no answer came, the answer may be a gateway's, or a success can't be trusted. An error that is not ErrOutcomeUnknown
	// means that nothing was applied.
	ErrOutcomeUnknown = errors.New("kodexa: outcome unknown")
)

// statusErrors has the sentinel that an [*APIError] with a status matches.
var statusErrors = map[int]error{
	http.StatusUnauthorized:       ErrUnauthorized,
	http.StatusForbidden:          ErrForbidden,
	http.StatusNotFound:           ErrNotFound,
	http.StatusConflict:           ErrConflict,
	http.StatusPreconditionFailed: ErrConflict,
	http.StatusTooManyRequests:    ErrRateLimited,
}

// CallError is what every failed call of a [Client] returns. It says which call failed; Err says what failed it: an
// [*APIError], a [*ContractError], [ErrResponseTooLarge], the error of the context, or one of the transport, of an editor, of
// encoding, or of the change of ModifySession.
type CallError struct {
	Operation      string // operationId in the contract, such as updateSession; "" if the request is for none
	Method         string
	Path           string // as sent, below the base URL: /api/sessions/550e8400-e29b-41d4-a716-446655440000
	RequestID      string // the answer's X-Request-Id; "" if there is none, or if it may repeat what was sent
	Attempts       int    // how often the request was sent; 0 if it was not. Of ModifySession: the request that failed
	OutcomeUnknown bool   // the error is ErrOutcomeUnknown
	Err            error
}

// Error names method, path and reason: "kodexa: PUT /api/sessions/550e8400-…: 409 Conflict: …".
func (e *CallError) Error() string {
	text := "kodexa: "
	if place := strings.TrimSpace(e.Method + " " + e.Path); place != "" { // a test double may leave it out
		text += place + ": "
	}
	text += fmt.Sprint(e.Err)
	if e.Attempts > 1 {
		text += fmt.Sprintf(" (after %d attempts)", e.Attempts)
	}
	if e.OutcomeUnknown {
		text += ": the request may have been applied"
	}
	return text
}

// Is reports whether target is [ErrOutcomeUnknown] and the request may have been applied.
func (e *CallError) Is(target error) bool { return target == ErrOutcomeUnknown && e.OutcomeUnknown }

// Unwrap returns Err.
func (e *CallError) Unwrap() error { return e.Err }

// MarshalText returns the text of Error: JSON shows no more of the error than that.
func (e CallError) MarshalText() ([]byte, error) { return []byte(e.Error()), nil }

// Format prints the text of Error, whatever the verb.
func (e CallError) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, e.Error()) }

// APIError is an answer other than 2xx, redirects included: the platform, or a gateway before it, said no. It matches
// the sentinel of its status. Formatting it shows StatusCode, Message and RetryAfter alone.
type APIError struct {
	StatusCode int
	// Message is what the body says in its message, error, detail, title, msg or errors member, or as plain text. It is one
	// line of at most 200 characters, in which the key and the values of the body that was sent are masked. It is "" if there
	// is none, if it did not arrive as a whole, or if that body was larger than 1 MiB or not JSON.
	Message    string
	RetryAfter time.Duration // what the answer's Retry-After asks to wait, counted from its arrival; 0 if it does not ask
	Violations []Violation   // where Body breaks the schema that the contract has for it; nil if it has none
	Header     http.Header   `json:"-"`
	Body       []byte        `json:"-"` // at most 1 MiB or the limit of WithMaxResponseBytes, and less if reading it failed

	readErr error // why Body is not all of the body
}

// Error names the status and what the platform said: "409 Conflict: the session was updated since it was read".
func (e *APIError) Error() string {
	text := statusLine(e.StatusCode)
	if e.Message != "" {
		text += ": " + e.Message
	}
	if e.RetryAfter > 0 {
		text += fmt.Sprintf(" (retry after %v)", e.RetryAfter)
	}
	return text
}

// Is reports whether target is the sentinel of the status.
func (e *APIError) Is(target error) bool {
	return target != nil && target == statusErrors[e.StatusCode]
}

// Unwrap returns why Body is incomplete, such as [ErrResponseTooLarge] or [context.Canceled]; nil if it is complete.
func (e *APIError) Unwrap() error { return e.readErr }

// Format prints the text of Error, whatever the verb.
func (e APIError) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, e.Error()) }

// Part says what broke the contract.
type Part string

// The parts.
const (
	InRequest  Part = "request"
	InResponse Part = "response"
	InDocument Part = "document" // of ParseSession
)

// Violation is one place where a body breaks the contract.
type Violation struct {
	Pointer string // RFC 6901 pointer into the body; "" is the whole body or the header
	Reason  string // names what is expected there, never the value that is there
}

// ContractError is a request that was not sent, an answer with a 2xx status that is not to be trusted, or a document that
// is no session, because it breaks the contract. Formatting it shows no value of the body.
type ContractError struct {
	In         Part
	StatusCode int         // of the answer, else 0
	Violations []Violation // at least one and at most 100, by pointer; of a body beyond 64 KiB kin-openapi names its first alone
	Header     http.Header `json:"-"` // of the answer, else nil
	Body       []byte      `json:"-"` // what breaks the contract

	cause error
}

// Error names the first violation: "200 OK: response breaks the contract at /changeSequence: value must be an integer".
func (e *ContractError) Error() string {
	text := string(e.In) + " breaks the contract"
	if e.StatusCode != 0 {
		text = statusLine(e.StatusCode) + ": " + text
	}
	if len(e.Violations) == 0 {
		return text
	}
	if first := e.Violations[0]; first.Pointer == "" {
		text += ": " + first.Reason
	} else {
		text += " at " + shownLine(first.Pointer) + ": " + first.Reason
	}
	if more := len(e.Violations) - 1; more > 0 {
		text += fmt.Sprintf(" (and in %d more places)", more)
	}
	return text
}

// Unwrap returns kin-openapi's error if that is what found the violation, without the values that it carries, or the
// error that cut the body short; else nil.
func (e *ContractError) Unwrap() error { return e.cause }

// Format prints the text of Error, whatever the verb.
func (e ContractError) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, e.Error()) }

func statusLine(code int) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", code, http.StatusText(code)))
}
