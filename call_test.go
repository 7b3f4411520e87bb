package kodexa_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	kodexa "github.com/kodexa-community/kodexa-go"
)

// TestBodiesBelongToTheirCall has many calls at a time whose bodies differ, and looks at all that they left when all of them
// are done: buffers are used again, and no result may stand in one.
func TestBodiesBelongToTheirCall(t *testing.T) {
	t.Parallel()
	c := bounded(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/json")
		switch {
		case bytes.Contains(body, []byte(`"refuse"`)):
			w.WriteHeader(http.StatusTeapot)
		case bytes.Contains(body, []byte(`"break"`)):
			body = bytes.Replace(body, []byte(`"state":"break"`), []byte(`"state":7`), 1)
		case bytes.Contains(body, []byte(`"in chunks"`)):
			_, _ = w.Write(body[:1])
			w.(http.Flusher).Flush() //nolint:forcetypeassert // net/http's can
			body = body[1:]
		}
		_, _ = w.Write(body)
	})
	type result struct{ got, want []byte }
	var mu sync.Mutex
	var results []result
	add := func(got, want []byte) {
		mu.Lock()
		defer mu.Unlock()
		results = append(results, result{got, want})
	}
	var sessions []*kodexa.Session
	var sent []string
	var group sync.WaitGroup
	for i, letter := range "abcdefgh" {
		group.Go(func() {
			for k, size := range []int{0, 10, 100, 5_000, 70_000, 10} {
				for _, state := range []string{"accept", "in chunks", "refuse", "break", "api"} {
					text := fmt.Sprintf("%d %d %s", i, k, strings.Repeat(string(letter), size))
					session := kodexa.Session{State: new(state), Token: &text}
					session.Set("text", json.RawMessage(`{"a":"`+text+`"}`))
					want := encode(t, &session)
					if state == "api" {
						res, err := c.API().UpdateSessionWithResponse(t.Context(), uuid.Nil, session)
						if err != nil {
							t.Error(err)
							continue
						}
						add(res.Body, want)
						continue
					}
					got, err := c.UpdateSession(t.Context(), uuid.Nil, session)
					if apiErr, ok := errors.AsType[*kodexa.APIError](err); ok && state == "refuse" {
						add(apiErr.Body, want)
					} else if contractErr, ok := errors.AsType[*kodexa.ContractError](err); ok && state == "break" {
						add(contractErr.Body, bytes.Replace(want, []byte(`"state":"break"`), []byte(`"state":7`), 1))
					} else if err != nil {
						t.Errorf("%s: %v", state, err)
					} else {
						mu.Lock()
						sessions, sent = append(sessions, got), append(sent, string(want))
						mu.Unlock()
					}
				}
			}
		})
	}
	group.Wait()
	if len(results) != 8*6*3 || len(sessions) != 8*6*2 {
		t.Errorf("%d bodies and %d sessions", len(results), len(sessions))
	}
	for _, r := range results {
		if !bytes.Equal(r.got, r.want) {
			t.Errorf("the body is %.99q, want %.99q", r.got, r.want)
		}
	}
	for i, session := range sessions {
		if got := encode(t, session); string(got) != sent[i] {
			t.Errorf("the session is %.99q, want %.99q", got, sent[i])
		}
	}
}

// TestAnEditorMayChangeTheBody has editors that read, wrap, replace and remove what the client would send.
func TestAnEditorMayChangeTheBody(t *testing.T) {
	t.Parallel()
	own := errors.New("own")
	for name, test := range map[string]struct {
		edit func(*http.Request) error
		want string // "error": nothing is sent
	}{
		"read to its end": {func(req *http.Request) error {
			_, err := io.Copy(io.Discard, req.Body)
			return err
		}, `{"state":"OPEN"}`},
		"read in part": {func(req *http.Request) error {
			_, err := req.Body.Read(make([]byte, 3))
			return err
		}, "error"},
		"closed": {func(req *http.Request) error { return req.Body.Close() }, `{"state":"OPEN"}`},
		"wrapped": {func(req *http.Request) error {
			req.Body = io.NopCloser(io.LimitReader(req.Body, 1<<20))
			return nil
		}, `{"state":"OPEN"}`},
		"replaced": {func(req *http.Request) error {
			req.Body = io.NopCloser(strings.NewReader(`{ "state": "b" }`))
			return nil
		}, `{ "state": "b" }`},
		"replaced, with another length": {func(req *http.Request) error {
			req.Body, req.ContentLength = io.NopCloser(strings.NewReader(`{ "state": "b" }`)), 3
			return nil
		}, `{ "state": "b" }`},
		"replaced and read": {func(req *http.Request) error {
			req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(`{"state":"d"}`)), nil }
			_, err := io.Copy(io.Discard, req.Body)
			return err
		}, `{"state":"d"}`},
		"read from the beginning": {func(req *http.Request) error {
			if req.ContentLength != int64(len(`{"state":"OPEN"}`)) {
				t.Errorf("the body is announced with %d bytes", req.ContentLength)
			}
			body, err := req.GetBody()
			if err != nil {
				return err
			}
			text, err := io.ReadAll(body)
			req.Body = io.NopCloser(bytes.NewReader(bytes.Replace(text, []byte("OPEN"), []byte("c"), 1)))
			return err
		}, `{"state":"c"}`},
		"removed": {func(req *http.Request) error {
			req.Body = nil
			return nil
		}, ``},
		"removed as net/http says it": {func(req *http.Request) error {
			req.Body, req.GetBody, req.ContentLength = http.NoBody, nil, 0
			return nil
		}, ``},
		"broken":              {func(req *http.Request) error { req.Body = io.NopCloser(failing{own}); return nil }, "error"},
		"replaced by no JSON": {func(req *http.Request) error { req.Body = io.NopCloser(strings.NewReader(`<a/>`)); return nil }, "error"},
		"not to be had again": {func(req *http.Request) error {
			req.GetBody = func() (io.ReadCloser, error) { return nil, own }
			_, err := io.Copy(io.Discard, req.Body)
			return err
		}, "error"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &script{reactions: []reaction{answers(503), succeeds}}
				got := call(t.Context(), t, s, threeTimes, kodexa.WithRequestEditor(func(_ context.Context, req *http.Request) error { return test.edit(req) }))
				if test.want == "error" {
					if got.err == nil || got.attempts() != 0 || len(s.sent) != 0 || errors.Is(got.err, kodexa.ErrOutcomeUnknown) {
						t.Errorf("got %v after %d attempts", got.err, len(s.sent))
					}
					return
				}
				if got.err != nil || len(s.sent) != 2 {
					t.Fatalf("got %v after %d attempts", got.err, len(s.sent))
				}
				for i, sent := range s.sent {
					if string(sent.body) != test.want || sent.length != int64(len(test.want)) {
						t.Errorf("attempt %d sent %q, announced as %d bytes, want %q", i+1, sent.body, sent.length, test.want)
					}
				}
			})
		})
	}
}

func TestEachAttemptSendsTheSameRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		body := []byte(`{ "x": "` + strings.Repeat("é", 1<<17) + `",` + "\n" + `"createdOn":"2023-11-07T05:31:56.100Z"}`)
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		s := &script{reactions: []reaction{
			answers(503, "Set-Cookie", "a=b"), fails(errReset, wrote), answers(502, "Set-Cookie", "a=b"), succeeds,
		}}
		var log records
		c, err := kodexa.New(kodexa.WithAPIKey("key"), kodexa.WithBaseURL("http://localhost"), kodexa.WithLogger(slog.New(&log)),
			kodexa.WithHTTPClient(&http.Client{Transport: s, Jar: jar}))
		if err != nil {
			t.Fatal(err)
		}
		given := watched(string(body))
		res, err := c.API().UpdateSessionWithBodyWithResponse(t.Context(), uuid.Nil, "application/json", given)
		if err != nil || res.JSON200 == nil || len(s.sent) != 4 || !given.closed {
			t.Fatalf("got %v, %v after %d attempts; the given body is closed: %t", res, err, len(s.sent), given.closed)
		}
		for i, sent := range s.sent {
			if !bytes.Equal(sent.body, body) || sent.length != int64(len(body)) {
				t.Errorf("attempt %d has another body: %d bytes, announced as %d", i+1, len(sent.body), sent.length)
			}
			cookies := sent.header.Values("Cookie")
			sent.header.Del("Cookie")
			if i > 0 && !slices.Equal(cookies, []string{"a=b"}) || fmt.Sprint(sent.header) != fmt.Sprint(s.sent[0].header) {
				t.Errorf("attempt %d has another header: %v and cookies %q", i+1, sent.header, cookies)
			}
		}
	})
}

func TestARequestBodyThatCannotBeReadIsNotSent(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]io.ReadCloser{"cut": cut("{"), "failed to close": badCloser{strings.NewReader("{}")}} {
		s := &script{reactions: []reaction{succeeds}}
		_, err := newClient(t, s).API().UpdateSessionWithBodyWithResponse(t.Context(), uuid.Nil, "application/json", body)
		if !errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, kodexa.ErrOutcomeUnknown) || len(s.sent) != 0 {
			t.Errorf("%s: %v after %d attempts", name, err, len(s.sent))
		}
		if !strings.Contains(err.Error(), "reading the request body") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestARequestBodyThatWaitsEndsWithTheContext has a body whose writer never writes.
func TestARequestBodyThatWaitsEndsWithTheContext(t *testing.T) {
	t.Parallel()
	for want, end := range map[error]func(context.Context) (context.Context, context.CancelFunc){
		context.Canceled: cancelledAfterASecond, context.DeadlineExceeded: expiringAfterASecond,
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := end(t.Context())
			defer cancel()
			s := &script{reactions: []reaction{succeeds}}
			body, _ := io.Pipe()
			_, err := newClient(t, s).API().UpdateSessionWithBodyWithResponse(ctx, sessionID, jsonMedia, body)
			if failed := callError(t, want.Error(), err); failed.Err != want || failed.OutcomeUnknown || len(s.sent) != 0 {
				t.Errorf("got %v after %d attempts, want %v", err, len(s.sent), want)
			}
		})
	}
}

// TestAHeaderThatCannotBeSentIsNamed has editors that set what net/http would refuse, each time anew.
func TestAHeaderThatCannotBeSentIsNamed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, value, text string }{
		{"X-Trace", "canary\n", "the header X-Trace has a control character in its value"},
		{"X-Trace", "canary\r\nX-Api-Key: other", "the header X-Trace has a control character in its value"},
		{"X-Trace", "can\x00ary", "the header X-Trace has a control character in its value"},
		{"X-Trace", "canary\x7f", "the header X-Trace has a control character in its value"},
		{"X Trace", "a", `the header name "X Trace" is not a token`},
		{"X-Trace:", "a", `the header name "X-Trace:" is not a token`},
		{"X-Trac\u00e9", "a", "the header name \"X-Trac\u00e9\" is not a token"},
		{"X-\nTrace", "a", `the header name "X-\nTrace" is not a token`},
		{"", "a", `the header name "" is not a token`},
		{"X-Trace", "a\tb", ""},
		{"X-Trace", "\u00e9\xff", ""},
		{"X_trace.!#$%&'*+^`|~", "", ""},
	} {
		t.Run(fmt.Sprintf("%q: %q", test.name, test.value), func(t *testing.T) {
			t.Parallel()
			var requests atomic.Int32
			c := bounded(t, func(w http.ResponseWriter, r *http.Request) {
				requests.Add(1)
				stored(w, r)
			}, threeTimes, kodexa.WithRequestEditor(func(_ context.Context, req *http.Request) error {
				req.Header[test.name] = []string{"fine", test.value}
				return nil
			}))
			for method, send := range methods {
				requests.Store(0)
				got := send(t.Context(), c)
				if test.text == "" {
					if got.err != nil || requests.Load() != 1 {
						t.Errorf("%s: %v after %d requests", method, got.err, requests.Load())
					}
					continue
				}
				if got.err == nil || got.attempts() != 0 || requests.Load() != 0 || errors.Is(got.err, kodexa.ErrOutcomeUnknown) {
					t.Fatalf("%s: %v after %d requests", method, got.err, requests.Load())
				}
				if text := got.err.Error(); !strings.HasSuffix(text, ": "+test.text) || strings.Contains(text, "canary") {
					t.Errorf("%s: got %s, want %s", method, text, test.text)
				}
				if failed := callError(t, method, got.err); failed.Operation != map[string]string{"GET": "getSession", "PUT": "updateSession"}[method] {
					t.Errorf("%s: the operation is %q", method, failed.Operation)
				}
			}
		})
	}
}

// breakerError and tokenError are errors of other people's code.
type breakerError struct{ name string }

func (e *breakerError) Error() string { return fmt.Sprintf("circuit breaker %q is open", e.name) }

type tokenError struct{ answer string }

func (e tokenError) Error() string { return `oauth2: "invalid_grant" ` + e.answer }

func TestAForeignErrorIsReachedAndItsQuotationsAreNotShown(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		err  error
		as   func(error) bool
		text string
	}{
		{"an open circuit breaker", &breakerError{"canary"}, as[*breakerError], "circuit breaker … is open"},
		{"a token source", &url.Error{Op: "Post", URL: "https://canary:canary@id.example/token", Err: tokenError{`{"canary":1} later`}}, as[tokenError], "Post …:1} later"},
		{
			"a GOAWAY", errors.New(`http2: server sent GOAWAY and closed the connection; LastStreamID=1, ErrCode=NO_ERROR, debug="canary"`), nil,
			"http2: server sent GOAWAY and closed the connection; LastStreamID=1, ErrCode=NO_ERROR, debug=…",
		},
		{"a text that begins with a quotation mark", errors.New(`"canary" is no status`), nil, "… is no status"},
		{"an answer that is quoted", errors.New(`net/http: HTTP/1.x transport connection broken: malformed HTTP status code "canary"`), nil, "malformed HTTP status code …"},
		{"a line of a header that is not quoted", fmt.Errorf("broken: %w", textproto.ProtocolError("malformed MIME header line: canary")), as[textproto.ProtocolError], "the answer is not HTTP"},
		{"one quotation mark", errors.New(`a " b`), nil, "a … b"},
		{"no quotation mark", errors.New(`nothing to hide`), nil, "nothing to hide"},
		{"the API key", errors.New(`sent key-canary-key to a host`), nil, "sent … to a host"},
		{"joined errors", errors.Join(&breakerError{"canary"}, errReset), func(err error) bool { return as[*breakerError](err) && errors.Is(err, syscall.ECONNRESET) }, "circuit breaker …"},
	} {
		for method, send := range methods {
			t.Run(test.name+" to a "+method, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					for _, isTraced := range []bool{true, false} {
						var log records
						s := &script{untraced: !isTraced, reactions: []reaction{fails(test.err)}}
						got := send(t.Context(), newClient(t, s, threeTimes, kodexa.WithAPIKey("key-canary-key"), kodexa.WithLogger(slog.New(&log))))
						if !errors.Is(got.err, test.err) || test.as != nil && !test.as(got.err) {
							t.Errorf("%v is not reached in %#v", test.err, got.err)
						}
						for _, text := range append([]string{got.err.Error(), fmt.Sprintf("%+v", got.err)}, log...) {
							if !strings.Contains(text, test.text) || strings.Contains(text, "canary") {
								t.Errorf("got %s, want %s", text, test.text)
							}
						}
						// A transport that tells that it asked for a connection and nothing else wrote nothing.
						if unknown := !isTraced && method == "PUT"; errors.Is(got.err, kodexa.ErrOutcomeUnknown) != unknown || len(s.sent) != 3 {
							t.Errorf("got %v after %d attempts, want an unknown outcome: %t", got.err, len(s.sent), unknown)
						}
					}
				})
			})
		}
	}
}

// TestAnErrorBeforeAConnectionWasAskedForMeansNotSent has net/http's own transport, which fails before it does anything.
func TestAnErrorBeforeAConnectionWasAskedForMeansNotSent(t *testing.T) {
	t.Parallel()
	own := &breakerError{"canary"}
	tr := kodexa.DefaultTransport()
	tr.Proxy = func(*http.Request) (*url.URL, error) { return nil, own }
	got := update(t.Context(), newClient(t, tr, threeTimes))
	if !errors.Is(got.err, own) || errors.Is(got.err, kodexa.ErrOutcomeUnknown) || got.attempts() != 1 {
		t.Errorf("got %v after %d attempts", got.err, got.attempts())
	}
}

func TestAnEditorsErrorIsReachedAndKnown(t *testing.T) {
	t.Parallel()
	own := &url.Error{Op: "Post", URL: "https://id.example/token", Err: tokenError{"later"}}
	for name, send := range map[string]func(*kodexa.Client) error{
		"a named method": func(c *kodexa.Client) error { return update(t.Context(), c).err },
		"the API": func(c *kodexa.Client) error {
			_, err := c.API().UpdateSessionWithResponse(t.Context(), uuid.Nil, kodexa.Session{})
			return err
		},
	} {
		s := &script{reactions: []reaction{succeeds}}
		err := send(newClient(t, s, kodexa.WithRequestEditor(func(context.Context, *http.Request) error { return own })))
		if !errors.Is(err, own) || !as[tokenError](err) || errors.Is(err, kodexa.ErrOutcomeUnknown) || len(s.sent) != 0 {
			t.Errorf("%s: got %v after %d attempts", name, err, len(s.sent))
		}
		if failed, ok := errors.AsType[*kodexa.CallError](err); ok != (name == "a named method") || ok && failed.Attempts != 0 {
			t.Errorf("%s: got %#v", name, err)
		}
	}
}

func TestAnEncodingThatNobodyAskedForIsNamed(t *testing.T) {
	t.Parallel()
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	_, _ = io.WriteString(w, `{}`)
	_ = w.Close()
	asking := func(_ context.Context, req *http.Request) error {
		req.Header.Set("Accept-Encoding", "gzip")
		return nil
	}
	for _, test := range []struct {
		name, encoding, media, body string
		editors                     []kodexa.RequestEditor
		text                        string // "": success
	}{
		{"br", "br", "application/json", "\x0b\x01\x80{}\x03", nil, "the body is encoded as br"},
		{"zstd", "zstd", "application/json", "\x28\xb5\x2f\xfd", nil, "the body is encoded as zstd"},
		{"gzip that an editor asked for", "gzip", "application/json", zipped.String(), []kodexa.RequestEditor{asking}, "the body is encoded as gzip"},
		{"gzip", "gzip", "application/json", zipped.String(), nil, ""},
		{"identity", "identity", "application/json", `{}`, nil, ""},
		{"br that is none", "br", "application/json", `{}`, nil, ""},
		{"identity of no JSON", "identity", "application/json", `<`, nil, "the body is not JSON"},
		{"gzip that is text", "gzip", "application/json", `{"state":"OPEN"}`, nil, "the body is broken gzip, or cut short, after 0 bytes"},
		{"gzip that is a short text", "gzip", "application/json", `{}`, nil, "the body is broken gzip, or cut short, after 0 bytes"},
		{"gzip that is cut", "gzip", "application/json", zipped.String()[:15], nil, "the body is broken gzip, or cut short, after "},
		{"gzip with another sum", "gzip", "application/json", zipped.String()[:zipped.Len()-8] + "12345678", nil, "the body is broken gzip, or cut short, after 2 bytes"},
		{"HTML", "", "text/html; charset=utf-8", `<html>`, nil, "Content-Type must be application/json, not text/html"},
		{"HTML in br", "br", "text/html", "\x0b", nil, "Content-Type must be application/json, not text/html"},
	} {
		for _, status := range []int{200, 404} {
			t.Run(fmt.Sprint(status, " ", test.name), func(t *testing.T) {
				t.Parallel()
				c := bounded(t, func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Type", test.media)
					if test.encoding != "" {
						w.Header().Set("Content-Encoding", test.encoding)
					}
					w.WriteHeader(status)
					_, _ = io.WriteString(w, test.body)
				})
				session, err := c.UpdateSession(t.Context(), uuid.Nil, kodexa.Session{}, test.editors...)
				if status == 404 {
					if !errors.Is(err, kodexa.ErrNotFound) {
						t.Errorf("got %v", err)
					}
					return
				}
				if test.text == "" {
					if session == nil || err != nil {
						t.Errorf("got %v, %v", session, err)
					}
					return
				}
				if !as[*kodexa.ContractError](err) || !strings.Contains(err.Error(), test.text) || session != nil {
					t.Errorf("got %v, want %s", err, test.text)
				}
			})
		}
	}
}

func TestAttemptsAreLogged(t *testing.T) {
	t.Parallel()
	tooLong := strings.Repeat("a", 129)
	const media, name = "Content-Type", "application/json"
	good := func(header ...string) reaction {
		return func(req *http.Request) (*http.Response, error) {
			return answersBody(watched(`{}`), 200, append(header, media, name)...)(req)
		}
	}
	const prefix = "kodexa: request operation=updateSession method=PUT path=/api/sessions/00000000-0000-0000-0000-000000000000 attempt=1 duration=1.5s outcome_unknown="
	for _, test := range []struct {
		name   string
		react  reaction
		record string
	}{
		{"success", good(), "DEBUG " + prefix + "false status=200"},
		{"success with a request id", good("X-Request-Id", "r-1 a"), "DEBUG " + prefix + "false status=200 request_id=r-1 a"},
		{"request id that is too long", good("X-Request-Id", tooLong), "DEBUG " + prefix + "false status=200"},
		{"request id that is not printable", good("X-Request-Id", "a\x1b[31m"), "DEBUG " + prefix + "false status=200"},
		{"request id that is not ASCII", good("X-Request-Id", "é"), "DEBUG " + prefix + "false status=200"},
		{"longest request id", answers(404, "X-Request-Id", tooLong[1:]), "INFO " + prefix + "false status=404 request_id=" + tooLong[1:] + " error=404 Not Found"},
		{"conflict", answers(409), "INFO " + prefix + "false status=409 error=409 Conflict"},
		{"failed precondition", answers(412), "INFO " + prefix + "false status=412 error=412 Precondition Failed"},
		{"message", answersBody(watched("stale"), 409, media, "text/plain"), "INFO " + prefix + "false status=409 error=409 Conflict: stale"},
		{"redirect", answers(302), "WARN " + prefix + "false status=302 error=302 Found"},
		{"refusal", answers(403), "WARN " + prefix + "false status=403 error=403 Forbidden"},
		{"rate limit", answers(429, "Retry-After", "7"), "WARN " + prefix + "false status=429 error=429 Too Many Requests (retry after 7s)"},
		{"failure of the server", answers(500), "WARN " + prefix + "true status=500 error=500 Internal Server Error"},
		{"answer that breaks the contract", answersBody(watched(`{"state":1}`), 200, media, name), "WARN " + prefix + "true status=200 error=200 OK: response breaks the contract at /state: value must be a string"},
		{"success that the contract does not name", answers(201), "WARN " + prefix + "true status=201 error=201 Created: response breaks the contract: status is not supported"},
		{"answer that is cut", answersBody(cut(`{`), 200, media, name), "WARN " + prefix + "true status=200 error=200 OK: response breaks the contract: the body is cut short after 1 bytes"},
		{"reset", fails(errReset), "WARN " + prefix + "false error=read tcp: read: connection reset by peer"},
		{"reset after the request", fails(errReset, wrote), "WARN " + prefix + "true error=read tcp: read: connection reset by peer"},
		{"end", fails(io.EOF), "WARN " + prefix + "false error=EOF"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var log records
				sleeps := func(req *http.Request) (*http.Response, error) {
					time.Sleep(1500 * time.Millisecond)
					return test.react(req)
				}
				call(t.Context(), t, &script{reactions: []reaction{sleeps}}, retrying(1, 1, 1), kodexa.WithLogger(slog.New(&log)))
				if len(log) != 1 || log[0] != test.record {
					t.Errorf("got  %q\nwant %q", log, test.record)
				}
			})
		})
	}

	const before, after = "kodexa: request operation=getSession method=GET path=/api/sessions/00000000-0000-0000-0000-000000000000 attempt=", " duration=0s outcome_unknown=false "
	t.Run("each", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			var log records
			s := &script{reactions: []reaction{answers(503, "X-Request-Id", "r-1"), fails(errReset), answersBody(cut(``), 200), succeeds}}
			read(t.Context(), newClient(t, s, retrying(4, 1, 1), kodexa.WithLogger(slog.New(&log))))
			want := records{
				"WARN " + before + "1" + after + "status=503 request_id=r-1",
				"WARN " + before + "2" + after + "error=read tcp: read: connection reset by peer",
				"WARN " + before + "3" + after + "status=200 error=unexpected EOF",
				"DEBUG " + before + "4" + after + "status=200",
			}
			if !slices.Equal(log, want) {
				t.Errorf("got  %q\nwant %q", log, want)
			}
		})
	})
	t.Run("an answer that is reported only", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			var log records
			s := &script{reactions: []reaction{answersBody(watched(`{"state":1}`), 200, media, name)}}
			got := read(t.Context(), newClient(t, s, kodexa.WithLogger(slog.New(&log)), kodexa.WithReportOnly(func(context.Context, *kodexa.CallError) {})))
			want := records{"WARN " + before + "1" + after + "status=200 error=200 OK: response breaks the contract at /state: value must be a string"}
			if got.session == nil || !slices.Equal(log, want) {
				t.Errorf("got %v and %q", got.err, log)
			}
		})
	})
	t.Run("and nothing else", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			var log records
			c := newClient(t, &script{reactions: []reaction{answers(503)}}, kodexa.WithLogger(slog.New(&log)), retrying(2, 1e6*time.Hour, 1e6*time.Hour))
			ctx, cancel := cancelledAfterASecond(t.Context())
			defer cancel()
			if got := update(ctx, c); !errors.Is(got.err, context.Canceled) || len(log) != 1 {
				t.Errorf("cancelled while it waits: %v and %q", got.err, log)
			}
			log = nil
			if got := update(ctx, c); !errors.Is(got.err, context.Canceled) || len(log) != 0 {
				t.Errorf("cancelled before: %v and %q", got.err, log)
			}
		})
	})
}

func TestARequestBodyOfUnknownLengthIsReadInLargePieces(t *testing.T) {
	t.Parallel()
	c := bounded(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.Copy(w, r.Body)
	})
	body := `{"x":"` + strings.Repeat("a", mib) + `"}`
	reader := &countingReader{r: strings.NewReader(body)}
	res, err := c.API().UpdateSessionWithBodyWithResponse(t.Context(), uuid.Nil, "application/json", reader)
	if err != nil || string(res.Body) != body || reader.reads > 100 {
		t.Errorf("got %v, %v after %d reads", res, err, reader.reads)
	}
}

func TestARequestThatBreaksTheContractIsNotSent(t *testing.T) {
	t.Parallel()
	var requests atomic.Int32
	c := bounded(t, func(http.ResponseWriter, *http.Request) { requests.Add(1) })
	_, err := c.API().UpdateSessionWithBodyWithResponse(t.Context(), uuid.Nil, "application/json", strings.NewReader(`{"id":1}`))
	if broken, ok := errors.AsType[*kodexa.ContractError](err); !ok || broken.In != kodexa.InRequest || requests.Load() != 0 {
		t.Errorf("%d requests, %v", requests.Load(), err)
	}
	if errors.Is(err, kodexa.ErrOutcomeUnknown) {
		t.Error("outcome unknown although nothing was sent")
	}
}

func TestWhatCannotBeEncodedIsNamed(t *testing.T) {
	t.Parallel()
	member := func(name, value string) kodexa.Session {
		return kodexa.Session{AdditionalProperties: map[string]json.RawMessage{name: json.RawMessage(value)}}
	}
	features := map[string]json.RawMessage{"a/b": json.RawMessage("canary")}
	for _, test := range []struct {
		session     kodexa.Session
		place, text string
	}{
		{member("state", `"canary"`), `"/state"`, "the contract names this member"},
		{member("x", `canary`), `"/x"`, "the raw value is not JSON"},
		{member("y", `[1,canary]`), `"/y`, "the raw value is not JSON"},
		{member("z", `1,"id":"canary"`), `"/z"`, "the raw value is not JSON"},
		{member("r", `{"a":1,"a":2}`), `"/r`, "the raw value is not JSON"},
		{member("s", "\"\xff\""), `"/s"`, "the raw value is not JSON"},
		{member("t", `[1,]`), `"/t`, "the raw value is not JSON"},
		{member("e", ``), `"/e"`, "the raw value is not JSON"},
		{member("canary\xff", `1`), ``, "invalid UTF-8"},
		{kodexa.Session{Token: new("canary\xff")}, `"/token"`, "invalid UTF-8"},
		{kodexa.Session{CreatedOn: new(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC))}, `"/createdOn"`, "year outside of range [0,9999]"},
		{kodexa.Session{Organization: &kodexa.Organization{Features: &features}}, `"/organization/features/a~1b"`, "the raw value is not JSON"},
	} {
		s := &script{reactions: []reaction{succeeds}}
		c := newClient(t, s)
		_, err := c.UpdateSession(t.Context(), uuid.Nil, test.session)
		_, bare := c.API().UpdateSessionWithResponse(t.Context(), uuid.Nil, test.session)
		if !as[*kodexa.CallError](err) || as[*kodexa.CallError](bare) || errors.Is(err, kodexa.ErrOutcomeUnknown) || len(s.sent) != 0 {
			t.Errorf("got %v, %v after %d attempts", err, bare, len(s.sent))
		}
		for _, err := range []error{err, bare} {
			if text := fmt.Sprint(err); !strings.Contains(text, test.place) || !strings.HasSuffix(text, ": "+test.text) || strings.Contains(text, "canary") {
				t.Errorf("got %v, want %s: %s", err, test.place, test.text)
			}
		}
	}
}
