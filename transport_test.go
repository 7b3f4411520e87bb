package kodexa_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	kodexa "github.com/kodexa-community/kodexa-go"
)

func TestTheCallersHTTPClientIsUsedAndNotChanged(t *testing.T) {
	t.Parallel()
	var cookies []string
	base := "http://localhost"
	at, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	jar.SetCookies(at, []*http.Cookie{{Name: "route", Value: "a"}}) //nolint:gosec // Secure ones are not sent to this server
	given := &http.Client{
		Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
			cookies = append(cookies, req.Header.Get("Cookie"))
			return answersBody(watched(`{}`), 200, "Content-Type", "application/json", "Set-Cookie", "seen=b")(req)
		}),
		Jar: jar, Timeout: time.Hour,
		CheckRedirect: func(*http.Request, []*http.Request) error { return errors.New("asked") },
	}
	before := *given
	c, err := kodexa.New(kodexa.WithAPIKey("key"), kodexa.WithBaseURL(base), kodexa.WithHTTPClient(given), kodexa.WithTimeout(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got := update(t.Context(), c); got.err != nil {
			t.Fatal(got.err)
		}
	}
	if want := []string{"route=a", "seen=b; route=a"}; !slices.Equal(cookies, want) {
		t.Errorf("sent the cookies %q, want %q", cookies, want)
	}
	if reflect.ValueOf(given.Transport).Pointer() != reflect.ValueOf(before.Transport).Pointer() || given.Jar != before.Jar ||
		given.Timeout != before.Timeout || reflect.ValueOf(given.CheckRedirect).Pointer() != reflect.ValueOf(before.CheckRedirect).Pointer() {
		t.Errorf("the caller's client became %+v", given)
	}
	given.Transport = roundTrip(func(*http.Request) (*http.Response, error) { return nil, errors.New("changed later") })
	if got := update(t.Context(), c); got.err != nil {
		t.Errorf("a later change of the caller's client is heeded: %v", got.err)
	}
}

func TestTheTimeoutOfTheCallersHTTPClientHoldsWithoutWithTimeout(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		given time.Duration
		opts  []kodexa.Option
		want  time.Duration
	}{
		{"none", 0, nil, 30 * time.Second},
		{"one", time.Hour, nil, time.Hour},
		{"a negative one, which is none for net/http", -1, nil, 30 * time.Second},
		{"none but WithTimeout", 0, []kodexa.Option{kodexa.WithTimeout(time.Second)}, time.Second},
		{"a longer one than WithTimeout", time.Hour, []kodexa.Option{kodexa.WithTimeout(time.Second)}, time.Second},
		{"a shorter one than WithTimeout", time.Second, []kodexa.Option{kodexa.WithTimeout(time.Hour)}, time.Hour},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				hc := &http.Client{Transport: &script{reactions: []reaction{hangs(wrote)}}, Timeout: test.given}
				got := call(t.Context(), t, nil, append(test.opts, kodexa.WithHTTPClient(hc), retrying(1, 1, 1))...)
				if got.took != test.want || !isTimeout(got.err) {
					t.Errorf("an attempt had %v, want %v: %v", got.took, test.want, got.err)
				}
			})
		})
	}
}

// Not parallel: it replaces a variable of net/http.
func TestTheDefaultTransportIsBoundedWhateverNetHTTPsIs(t *testing.T) { //nolint:paralleltest // see above
	before := http.DefaultTransport
	t.Cleanup(func() { http.DefaultTransport = before })
	for name, other := range map[string]http.RoundTripper{"its own": before, "another": &script{}} {
		http.DefaultTransport = other
		got := kodexa.DefaultTransport()
		if got == before || got == kodexa.DefaultTransport() || got.MaxIdleConnsPerHost != 256 || got.MaxIdleConns != 256 ||
			got.MaxResponseHeaderBytes != 1<<20 || got.Proxy == nil || got.IdleConnTimeout != 90*time.Second || !got.ForceAttemptHTTP2 {
			t.Errorf("%s: got %+v", name, got)
		}
		if got.HTTP2 == nil || got.HTTP2.SendPingTimeout != 5*time.Second || got.HTTP2.PingTimeout != 5*time.Second {
			t.Errorf("%s: connections are checked by %+v", name, got.HTTP2)
		}
	}
}

// TestADefaultTransportThatIsNotNetHTTPsTellsNothing has a program that replaced net/http's own, as tests and tracing do.
// Not parallel: it replaces a variable of net/http.
func TestADefaultTransportThatIsNotNetHTTPsTellsNothing(t *testing.T) { //nolint:paralleltest // see above
	before := http.DefaultTransport
	t.Cleanup(func() { http.DefaultTransport = before })
	http.DefaultTransport = roundTrip(func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF })
	client, err := kodexa.New(kodexa.WithAPIKey("key"), kodexa.WithHTTPClient(&http.Client{}), retrying(1, 1, 1))
	if err != nil {
		t.Fatal(err)
	}
	if got := update(t.Context(), client); !errors.Is(got.err, kodexa.ErrOutcomeUnknown) {
		t.Error(got.err)
	}
}

// closing is a transport that notes whether its idle connections were closed.
type closing struct {
	script

	closed bool
}

func (c *closing) CloseIdleConnections() { c.closed = true }

func TestIdleConnectionsOfTheCallersTransportAreClosed(t *testing.T) {
	t.Parallel()
	next := &closing{}
	if newClient(t, next).CloseIdleConnections(); !next.closed {
		t.Error("the transport was not told")
	}
	newClient(t, &script{}).CloseIdleConnections() // which this transport knows nothing of
}

// TestEachAttemptHasARequestOfItsOwn has a transport that changes what it is given, as none should.
func TestEachAttemptHasARequestOfItsOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var sent []string
		got := update(t.Context(), newClient(t, roundTrip(func(req *http.Request) (*http.Response, error) {
			sent = append(sent, strings.Join(req.Header["X-Test"], " ")+req.URL.Path)
			req.Header.Add("X-Test", "changed")
			req.URL.Path = "/changed"
			return answers(http.StatusServiceUnavailable)(req)
		}), threeTimes))
		want := slices.Repeat([]string{"/api/sessions/" + uuid.Nil.String()}, 3)
		if got.status() != http.StatusServiceUnavailable || !slices.Equal(sent, want) {
			t.Errorf("sent %q, %v", sent, got.err)
		}
	})
}

// Not parallel: it has http.DefaultTransport, see TestRedirectIsNeverFollowed.
func TestARedirectIsNeverFollowedAndTheKeyStaysHome(t *testing.T) { //nolint:paralleltest // see above
	var arrived, asked atomic.Int64
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { arrived.Add(1) }))
	t.Cleanup(elsewhere.Close)
	clients := map[string][]kodexa.Option{
		"the client's own transport": nil,
		"a caller's http.Client":     {kodexa.WithHTTPClient(&http.Client{})},
		"a caller's http.Client that follows redirects": {kodexa.WithHTTPClient(&http.Client{
			CheckRedirect: func(*http.Request, []*http.Request) error { asked.Add(1); return nil },
		})},
		"a caller's transport": {kodexa.WithHTTPClient(&http.Client{Transport: kodexa.DefaultTransport()})},
	}
	locations := map[string][]string{
		"missing":          nil,
		"another host":     {elsewhere.URL + "/api/sessions/" + uuid.Nil.String()},
		"the same host":    {"/api/sessions/" + uuid.Max.String()},
		"without a scheme": {strings.TrimPrefix(elsewhere.URL, "http:")},
		"empty":            {""},
		"malformed":        {"http://[::1"},
		"malformed escape": {"http://127.0.0.1/%zz"},
		"another scheme":   {"ftp://127.0.0.1/"},
		"given twice":      {elsewhere.URL + "/a", elsewhere.URL + "/b"},
	}
	for client, options := range clients { //nolint:paralleltest // see above
		t.Run(client, func(t *testing.T) {
			var requests atomic.Int64
			var status atomic.Int64
			var location atomic.Value
			c := bounded(t, func(w http.ResponseWriter, _ *http.Request) {
				requests.Add(1)
				w.Header()["Location"] = location.Load().([]string) //nolint:forcetypeassert // nothing else is stored
				w.WriteHeader(int(status.Load()))
			}, options...)
			for _, code := range []int{201, 300, 301, 302, 303, 304, 305, 307, 308, 404} {
				for name, values := range locations {
					for method, send := range methods {
						requests.Store(0)
						status.Store(int64(code))
						location.Store(values)
						got := send(t.Context(), c)
						if got.session != nil || got.status() != code || requests.Load() != 1 {
							t.Errorf("%s, %d, %s: %v after %d requests", method, code, name, got.err, requests.Load())
						}
						if api, ok := errors.AsType[*kodexa.APIError](got.err); ok && !slices.Equal(api.Header["Location"], values) {
							t.Errorf("%s, %d, %s: the error has Location %q", method, code, name, api.Header["Location"])
						}
					}
				}
			}
		})
	}
	t.Cleanup(func() {
		if arrived.Load() != 0 || asked.Load() != 0 {
			t.Errorf("%d redirects were followed, CheckRedirect was asked %d times", arrived.Load(), asked.Load())
		}
	})
}

// TestARoundTripperThatBreaksItsContract has what others' transports return, against the word of http.RoundTripper.
func TestARoundTripperThatBreaksItsContract(t *testing.T) {
	t.Parallel()
	own := errors.New("own")
	body := func() *watchedBody { return watched(`{}`) }
	media := http.Header{"Content-Type": {"application/json"}}
	for _, test := range []struct {
		name   string
		res    *http.Response
		err    error
		status int    // of the error
		text   string // of the error; "": success
		open   *watchedBody
	}{
		{name: "neither", text: "the transport returned neither an answer nor an error"},
		{name: "both", res: &http.Response{StatusCode: http.StatusOK, Header: media, Body: body()}, err: own, text: "own"},
		{name: "both, without a body", res: &http.Response{StatusCode: http.StatusOK}, err: own, text: "own"},
		{name: "no body", res: &http.Response{StatusCode: http.StatusOK, Header: media}, status: 200, text: "the body is empty"},
		{name: "no header", res: &http.Response{StatusCode: http.StatusOK, Body: body()}, status: 200, text: "Content-Type must be application/json"},
		{name: "no status", res: &http.Response{Header: media, Body: body()}, text: "the transport returned neither an answer nor an error"},
		{name: "nothing at all", res: &http.Response{}, text: "the transport returned neither an answer nor an error"},
		{name: "no body and no header", res: &http.Response{StatusCode: http.StatusOK}, status: 200, text: "Content-Type must be application/json"},
		{name: "a refusal without body and header", res: &http.Response{StatusCode: http.StatusNotFound}, status: 404, text: "404 Not Found"},
		{name: "a refusal to be sent again after, without body and header", res: &http.Response{StatusCode: http.StatusServiceUnavailable}, status: 503, text: "503"},
		{name: "a status below all", res: &http.Response{StatusCode: -7, Header: media, Body: body()}, status: -7, text: "-7"},
		{name: "a status beyond all", res: &http.Response{StatusCode: 12345, Header: media, Body: body()}, status: 12345, text: "12345"},
		{
			name: "a Content-Type without a value", res: &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {}}, Body: body()},
			status: 200, text: "Content-Type must be application/json",
		},
		{
			name: "a refusal with a Content-Type without a value", res: &http.Response{StatusCode: http.StatusNotFound, Header: http.Header{"Content-Type": {}}, Body: body()},
			status: 404, text: "404 Not Found",
		},
		{
			name: "other headers without a value", status: 404, text: "404 Not Found",
			res: &http.Response{StatusCode: http.StatusNotFound, Header: http.Header{"Retry-After": {}, "X-Request-Id": nil, "Date": {}, "Set-Cookie": {}}, Body: body()},
		},
		{name: "a wrong length", res: &http.Response{StatusCode: http.StatusOK, Header: media, Body: body(), ContentLength: 1 << 62}},
		{name: "a negative length", res: &http.Response{StatusCode: http.StatusOK, Header: media, Body: body(), ContentLength: -1 << 62}},
		{name: "a request of somebody else", res: &http.Response{StatusCode: http.StatusOK, Header: media, Body: body(), Request: &http.Request{}}},
	} {
		for method, send := range methods {
			t.Run(test.name+" to a "+method, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					jar, err := cookiejar.New(nil)
					if err != nil {
						t.Fatal(err)
					}
					var closed []*watchedBody
					hc := &http.Client{Jar: jar, Transport: roundTrip(func(*http.Request) (*http.Response, error) {
						if test.res == nil {
							return nil, test.err
						}
						res := *test.res
						res.Header = res.Header.Clone()
						if res.Body != nil {
							closed = append(closed, body())
							res.Body = closed[len(closed)-1]
						}
						return &res, test.err
					})}
					for _, opts := range [][]kodexa.Option{nil, {kodexa.WithReportOnly(func(context.Context, *kodexa.CallError) {})}} {
						got := send(t.Context(), newClient(t, nil, append(opts, kodexa.WithHTTPClient(hc), threeTimes)...))
						if (got.session == nil) == (got.err == nil) {
							t.Fatalf("got %v, %v", got.session, got.err)
						}
						isContract := as[*kodexa.ContractError](got.err)
						if opts != nil && isContract && got.err == nil {
							continue // it is only reported
						}
						if (got.err == nil) != (test.text == "") && opts == nil || got.err != nil && !strings.Contains(got.err.Error(), test.text) {
							t.Errorf("got %v, want %s", got.err, test.text)
						}
						if api, ok := errors.AsType[*kodexa.APIError](got.err); ok && api.Header == nil {
							t.Error("the error has no header")
						}
						if broken, ok := errors.AsType[*kodexa.ContractError](got.err); ok && broken.Header == nil {
							t.Error("the error has no header")
						}
						if got.err != nil && (got.status() != test.status || !errors.Is(got.err, test.err) && test.err != nil) {
							t.Errorf("got %v of status %d", got.err, got.status())
						}
					}
					for _, b := range closed {
						if !b.closed {
							t.Error("a body is left open")
						}
					}
				})
			})
		}
	}
}

func TestEveryAnswerIsClosed(t *testing.T) {
	t.Parallel()
	const media = "application/json"
	for _, test := range []struct {
		name    string
		body    *watchedBody
		answer  func(*watchedBody) reaction
		options []kodexa.Option
	}{
		{name: "success", body: watched(`{}`)},
		{name: "empty success", body: watched(``)},
		{name: "broken contract", body: watched(`{"id":1}`)},
		{name: "no JSON", body: watched(`<html>`)},
		{name: "too large", body: &watchedBody{Reader: zeros{}}, options: []kodexa.Option{kodexa.WithMaxResponseBytes(1 << 10)}},
		{name: "cut", body: cut(`{`)},
		{name: "timed out", body: &watchedBody{Reader: failing{errTimedOut}}},
		{
			name: "reported only", body: watched(`<html>`),
			options: []kodexa.Option{kodexa.WithReportOnly(func(context.Context, *kodexa.CallError) {})},
		},
		{name: "refusal", body: watched(`{}`), answer: func(b *watchedBody) reaction { return answersBody(b, 404) }},
		{name: "refusal that is cut", body: cut(`{`), answer: func(b *watchedBody) reaction { return answersBody(b, 404) }},
		{name: "refusal without end", body: &watchedBody{Reader: zeros{}}, answer: func(b *watchedBody) reaction { return answersBody(b, 404) }},
		{name: "redirect", body: watched(`{}`), answer: func(b *watchedBody) reaction {
			return answersBody(b, 307, "Location", "http://localhost/y")
		}},
		{name: "unnamed status", body: watched(`{}`), answer: func(b *watchedBody) reaction { return answersBody(b, 204, "Content-Type", media) }},
		{name: "last of many", body: watched(`{}`), answer: func(b *watchedBody) reaction { return answersBody(b, 503) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { // which also fails if a goroutine of http.Client is left
				if test.answer == nil {
					test.answer = func(b *watchedBody) reaction { return answersBody(b, 200, "Content-Type", media) }
				}
				s := &script{reactions: []reaction{answers(503), test.answer(test.body)}}
				got := call(t.Context(), t, s, append(test.options, retrying(2, 1, 1))...)
				if !test.body.closed {
					t.Errorf("the body is left open: %v, %v", got.session, got.err)
				}
			})
		})
	}

	for name, cancelAfter := range map[string]time.Duration{"cancelled during the attempt": 0, "cancelled during the wait": time.Second} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				body := &watchedBody{Reader: zeros{}}
				s := &script{reactions: []reaction{func(req *http.Request) (*http.Response, error) {
					if cancelAfter == 0 {
						cancel()
					} else {
						time.AfterFunc(cancelAfter, cancel)
					}
					return answersBody(body, 503, "Retry-After", "9")(req)
				}}}
				got := call(ctx, t, s, threeTimes)
				if got.err == nil || !body.closed || len(s.sent) != 1 {
					t.Errorf("%v after %d attempts, and closed is %t", got.err, len(s.sent), body.closed)
				}
				if isAnswered := cancelAfter == 0; isAnswered != (got.status() == 503) || isAnswered == errors.Is(got.err, context.Canceled) {
					t.Errorf("got %v", got.err)
				}
			})
		})
	}
}

// TestATransportMayReadARequestAfterItsCall has a transport that answers first and reads later, as net/http's may.
func TestATransportMayReadARequestAfterItsCall(t *testing.T) {
	t.Parallel()
	var bodies []io.Reader
	c, err := kodexa.New(kodexa.WithAPIKey("key"), kodexa.WithHTTPClient(&http.Client{Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
		bodies = append(bodies, req.Body)
		return &http.Response{
			StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(`{}`)),
		}, nil
	})}))
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for i, letter := range "abcdefghijklmnopqrst" {
		session := kodexa.Session{Token: new(strings.Repeat(string(letter), 10+i))}
		want = append(want, string(encode(t, &session)))
		if _, err := c.UpdateSession(t.Context(), uuid.Nil, session); err != nil {
			t.Fatal(err)
		}
	}
	for i, body := range bodies {
		if got, err := io.ReadAll(body); err != nil || string(got) != want[i] {
			t.Errorf("request %d is read as %s, %v; want %s", i, got, err, want[i])
		}
	}
}

func TestDiscardedBodiesAreDrainedAndClosed(t *testing.T) {
	t.Parallel()
	const bound = 64 << 10
	for _, test := range []struct {
		name string
		body *watchedBody
		read int
	}{
		{"empty", watched(""), 0},
		{"small", watched("0123456789"), 10},
		{"at the bound", &watchedBody{Reader: io.LimitReader(zeros{}, bound)}, bound},
		{"beyond the bound", &watchedBody{Reader: io.LimitReader(zeros{}, 10*bound)}, bound},
		{"without end", &watchedBody{Reader: zeros{}}, bound},
		{"cut", cut("012"), 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &script{reactions: []reaction{answersBody(test.body, 503), answersBody(watched("kept"), 503)}}
				got := call(t.Context(), t, s, retrying(2, time.Second, time.Second))
				if test.body.read != test.read || !test.body.closed {
					t.Errorf("%d bytes were read, closed is %t; want %d and true", test.body.read, test.body.closed, test.read)
				}
				if api, ok := errors.AsType[*kodexa.APIError](got.err); !ok || string(api.Body) != "kept" {
					t.Errorf("got %v without its body", got.err)
				}
			})
		})
	}
}

// TestAnAnswerWhoseBodyHangsKeepsItsStatus has an answer to be sent again after, which is never complete.
func TestAnAnswerWhoseBodyHangsKeepsItsStatus(t *testing.T) {
	t.Parallel()
	overBoth(t, func(t *testing.T, speaks protocol) {
		t.Helper()
		for _, status := range []int{408, 429, 502, 503} {
			var attempts atomic.Int32
			n := newNetwork(t, speaks, func(w http.ResponseWriter, r *http.Request) {
				attempts.Add(1)
				w.Header().Set("Content-Length", "10")
				w.WriteHeader(status)
				_ = http.NewResponseController(w).Flush()
				<-r.Context().Done()
			})
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			got := update(ctx, n.client(t, retrying(2, 1, 1), kodexa.WithTimeout(2*time.Second)))
			cancel()
			if got.status() != status || got.attempts() != 2 || attempts.Load() != 2 || got.took != time.Second {
				t.Errorf("%d: got %v after %d attempts and %v", status, got.err, attempts.Load(), got.took)
			}
		}
	})
}

func TestAnAnswerThatIsDiscardedIsNotReadToItsEnd(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	c := bounded(t, func(w http.ResponseWriter, _ *http.Request) {
		if calls.Add(1) == 3 {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{}`)
			return
		}
		w.Header().Set("Content-Length", "10000000000")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.CopyN(w, zeros{}, 10_000_000_000)
	}, kodexa.WithRetry(kodexa.RetryPolicy{BaseDelay: 1, MaxDelay: 1}))
	if session, err := c.UpdateSession(t.Context(), uuid.Nil, kodexa.Session{}); session == nil || err != nil {
		t.Errorf("got %v, %v", session, err)
	}
}

// TestTheHeaderOfAnAnswerIsTheTransports has a transport that keeps the header which it hands out, as caches do.
func TestTheHeaderOfAnAnswerIsTheTransports(t *testing.T) {
	t.Parallel()
	header := http.Header{"Content-Type": {"application/json; charset=UTF-8"}}
	client := newClient(t, roundTrip(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, Header: header, Body: io.NopCloser(strings.NewReader(`{"state":"OPEN"}`))}, nil
	}))
	if _, err := client.GetSession(t.Context(), sessionID); err != nil {
		t.Fatal(err)
	}
	if got := header.Get("Content-Type"); got != "application/json; charset=UTF-8" {
		t.Errorf("it is %q now", got)
	}
}
