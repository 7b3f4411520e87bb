package kodexa

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// What a call can fail with, for [errors.Is]. The first five match an [*APIError] by its status.
var (
	// ErrUnauthorized is status 401: the platform did not accept the API key.
	ErrUnauthorized = errors.New("kodexa: unauthorized")
	// ErrForbidden is status 403: the API key does not permit the operation.
	ErrForbidden = errors.New("kodexa: forbidden")
	// ErrNotFound is status 404.
	ErrNotFound = errors.New("kodexa: not found")
	// ErrConflict is status 409 or 412: changeSequence is not the stored one, so the session was updated since it was
	// read. If the error is also [ErrOutcomeUnknown], that update may have been an earlier attempt of the same call.
	ErrConflict = errors.New("kodexa: conflict")
	// ErrRateLimited is status 429, see [APIError.RetryAfter].
	ErrRateLimited = errors.New("kodexa: rate limited")

	// ErrResponseTooLarge is a body beyond the limit of [WithMaxResponseBytes].
	ErrResponseTooLarge = errors.New("kodexa: response too large")
	// ErrOutcomeUnknown says that the platform may have applied the request although the call failed: an attempt was
	// written and no answer came, a gateway answered in its place, or a success can't be trusted. An error that is not
	// ErrOutcomeUnknown means that the request was not applied, by what the answers say.
	ErrOutcomeUnknown = errors.New("kodexa: outcome unknown")
)

// statusError returns the sentinel that an [*APIError] with this status matches, or nil.
func statusError(status int) error {
	switch status {
	case http.StatusUnauthorized:
		return ErrUnauthorized
	case http.StatusForbidden:
		return ErrForbidden
	case http.StatusNotFound:
		return ErrNotFound
	case http.StatusConflict, http.StatusPreconditionFailed:
		return ErrConflict
	case http.StatusTooManyRequests:
		return ErrRateLimited
	}
	return nil
}

// APIError is an answer other than 2xx, redirects included: the platform, or a gateway before it, said no. It matches
// the sentinel of its status, and [ErrOutcomeUnknown] if this or an earlier attempt may have been applied.
//
// Neither its text nor its formatted, logged or JSON form holds anything that the answer's header or body says, because
// either may repeat secrets. Header, Body and Message have it for whoever asks.
type APIError struct {
	StatusCode int
	Method     string
	Path       string // path template of the operation, such as /api/sessions/{id}
	// Message is what the body says in its message, error, detail, title or errors member; "" if it has none of them.
	Message   string `json:"-"`
	RequestID string // the answer's X-Request-Id, else ""

	// RetryAfter is what the answer's Retry-After asks to wait, counted from its arrival; 0 if it does not ask.
	RetryAfter time.Duration
	Attempts   int // how often the request was sent

	Header http.Header `json:"-"`
	Body   []byte      `json:"-"` // at most 1 MiB or the limit of WithMaxResponseBytes, and less if reading it failed

	outcomeUnknown bool
	readErr        error // why Body is not all of the body
}

// Error names operation and status: "kodexa: PUT /api/sessions/{id}: 409 Conflict".
func (e *APIError) Error() string {
	text := fmt.Sprintf("kodexa: %s %s: %s", e.Method, e.Path, statusLine(e.StatusCode))
	if e.Attempts > 1 {
		text += fmt.Sprintf(" after %d attempts", e.Attempts)
	}
	if e.outcomeUnknown {
		text += ": the request may have been applied"
	}
	return text
}

// Is reports whether target is the sentinel of the status, or [ErrOutcomeUnknown] and the request may have been applied.
func (e *APIError) Is(target error) bool {
	return target != nil && target == statusError(e.StatusCode) || target == ErrOutcomeUnknown && e.outcomeUnknown
}

// Unwrap returns why Body is incomplete, such as [ErrResponseTooLarge] or a read error; nil if it is complete.
func (e *APIError) Unwrap() error { return e.readErr }

// Format prints the text of Error, whatever the verb.
func (e APIError) Format(f fmt.State, _ rune) { printText(f, e.Error()) }

// LogValue is what a log record holds of the error.
func (e APIError) LogValue() slog.Value {
	return slog.GroupValue(
		slog.Int("status", e.StatusCode),
		slog.String("method", e.Method),
		slog.String("path", e.Path),
		slog.Int("attempts", e.Attempts),
		slog.Bool("outcome_unknown", e.outcomeUnknown),
	)
}

// Direction says which side of an exchange broke the contract.
type Direction int

// The directions.
const (
	Request Direction = iota + 1
	Response
)

// String returns "request" or "response".
func (d Direction) String() string {
	switch d {
	case Request:
		return "request"
	case Response:
		return "response"
	default:
		return fmt.Sprintf("Direction(%d)", int(d))
	}
}

// Violation is one place where a message breaks the contract.
type Violation struct {
	Pointer string // RFC 6901 pointer into the body; "" is the whole body or the header
	Reason  string // names what is expected there, never the value that is there
}

// ContractError is a request that was not sent, or an answer with a 2xx status that is not to be trusted, because it
// breaks the contract. In the second case the request was most likely applied, so the error is [ErrOutcomeUnknown] too.
//
// Neither its text nor its formatted, logged or JSON form holds a value of the body; Body has them for whoever asks.
type ContractError struct {
	Direction  Direction
	StatusCode int // of the answer; 0 for a request
	Method     string
	Path       string      // path template of the operation; the path itself if the contract has no such operation
	Violations []Violation // at least one and at most 100, by pointer; only one is found in a body beyond 64 KiB
	Body       []byte      `json:"-"` // the body that breaks the contract

	outcomeUnknown bool
	key            string // no text repeats it
	cause          error
}

// Error names operation, direction and the first violation:
// "kodexa: PUT /api/sessions/{id}: 200 OK: response breaks the contract at /changeSequence: value must be an integer".
func (e *ContractError) Error() string {
	var text strings.Builder
	fmt.Fprintf(&text, "kodexa: %s %s: ", e.Method, e.Path)
	if e.StatusCode != 0 {
		text.WriteString(statusLine(e.StatusCode) + ": ")
	}
	fmt.Fprintf(&text, "%v breaks the contract", e.Direction)
	for i, v := range e.Violations {
		if i > 0 {
			fmt.Fprintf(&text, " (and in %d more places)", len(e.Violations)-1)
			break
		}
		if v.Pointer != "" {
			text.WriteString(" at " + shortened(v.Pointer))
		}
		text.WriteString(": " + v.Reason)
	}
	return text.String()
}

// Is reports whether target is [ErrOutcomeUnknown] and the request may have been applied.
func (e *ContractError) Is(target error) bool { return target == ErrOutcomeUnknown && e.outcomeUnknown }

// Unwrap returns kin-openapi's error if that is what found the violation, without the values that it carries, or the
// error that cut the body short; else nil.
func (e *ContractError) Unwrap() error { return e.cause }

// Format prints the text of Error, whatever the verb.
func (e ContractError) Format(f fmt.State, _ rune) { printText(f, e.Error()) }

// LogValue is what a log record holds of the error.
func (e ContractError) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("direction", e.Direction.String()),
		slog.Int("status", e.StatusCode),
		slog.String("method", e.Method),
		slog.String("path", e.Path),
		slog.Any("violations", e.Violations),
		slog.Bool("outcome_unknown", e.outcomeUnknown),
	)
}

// callError gives an error of the transport its place.
type callError struct {
	method, path   string
	attempts       int
	outcomeUnknown bool
	err            error
}

func (e *callError) Error() string {
	text := fmt.Sprintf("kodexa: %s %s: %v", e.method, e.path, withoutURL(e.err))
	if e.attempts > 1 {
		text += fmt.Sprintf(" (after %d attempts)", e.attempts)
	}
	if e.outcomeUnknown {
		text += ": the request may have been applied"
	}
	return text
}

func (e *callError) Is(target error) bool { return target == ErrOutcomeUnknown && e.outcomeUnknown }

func (e *callError) Unwrap() error { return e.err }

func statusLine(code int) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", code, http.StatusText(code)))
}

// shortened cuts a pointer that is too long for a text.
func shortened(pointer string) string {
	const most = 256
	if len(pointer) <= most {
		return pointer
	}
	return strings.ToValidUTF8(pointer[:most], "") + "…"
}

func printText(w io.Writer, text string) { _, _ = io.WriteString(w, text) }

// newAPIError makes an error of an answer other than 2xx. Its status is never lost to its body, whatever that is.
func newAPIError(res *http.Response, ex *exchange, maxBody int64) *APIError {
	var body received
	var err error
	if res.StatusCode != http.StatusSwitchingProtocols { // what follows that is no body and may never end
		body, err = readBody(res, maxBody)
	}
	e := &APIError{
		StatusCode:     res.StatusCode,
		Method:         ex.method,
		Path:           ex.path,
		RequestID:      requestID(res, ex),
		Attempts:       ex.attempts,
		Header:         res.Header,
		Body:           body.keep(),
		outcomeUnknown: ex.outcomeUnknown,
		readErr:        err,
	}
	e.Message = messageOf(e.Body)
	e.RetryAfter, _ = retryAfter(res.Header, time.Now())
	if ex.location != nil {
		e.Header["Location"] = ex.location
	}
	return e
}

// messageOf finds what an error's body says in the usual places. The platform documents no shape of it.
func messageOf(body []byte) string {
	var value any
	if json.Unmarshal(body, &value) != nil {
		return ""
	}
	return messageIn(value)
}

func messageIn(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case []any:
		var texts []string
		for _, item := range value {
			if text := messageIn(item); text != "" {
				texts = append(texts, text)
			}
		}
		return strings.Join(texts, "; ")
	case map[string]any:
		for _, name := range []string{"message", "error", "detail", "title"} {
			if text := messageIn(value[name]); text != "" {
				return text
			}
		}
		if fields, ok := value["errors"].(map[string]any); ok {
			var texts []string
			for _, field := range slices.Sorted(maps.Keys(fields)) {
				if text := messageIn(fields[field]); text != "" {
					texts = append(texts, field+": "+text)
				}
			}
			return strings.Join(texts, "; ")
		}
		return messageIn(value["errors"])
	}
	return ""
}
