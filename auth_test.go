package kodexa

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParseBaseURL(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		rawURL    string
		plaintext bool
		want      string // or, if there is none, a part of the error
	}{
		{"https://example.com", false, "https://example.com"},
		{"https://example.com/", false, "https://example.com"},
		{"https://example.com/api", false, "https://example.com"},
		{"https://example.com/api/", false, "https://example.com"},
		{"https://example.com//api//", false, "https://example.com"},
		{"https://example.com/api/api", false, "https://example.com/api"},
		{"https://example.com/kodexa", false, "https://example.com/kodexa"},
		{"https://example.com/kodexa/api/", false, "https://example.com/kodexa"},
		{"https://example.com/xapi", false, "https://example.com/xapi"},
		{"https://example.com/API", false, "https://example.com/API"},
		{"https://example.com/a/../b/./c", false, "https://example.com/b/c"},
		{"https://example.com/../..", false, "https://example.com"},
		{"https://example.com/a%20b", false, "https://example.com/a%20b"},
		{"HTTPS://example.com", false, "https://example.com"},
		{"https://example.com:8443/x", false, "https://example.com:8443/x"},
		{"https://[2001:db8::1]:8443", false, "https://[2001:db8::1]:8443"},
		{"http://localhost:8080/api", false, "http://localhost:8080"},
		{"http://LocalHost", false, "http://LocalHost"},
		{"http://127.0.0.1", false, "http://127.0.0.1"},
		{"http://[::1]:80", false, "http://[::1]:80"},
		{"http://example.com", true, "http://example.com"},
		{"https://example.com", true, "https://example.com"},

		{"http://example.com", false, "error: plaintext"},
		{"http://127.0.0.1.example.com", false, "error: plaintext"},
		{"http://localhost.example.com", false, "error: plaintext"},
		{"http://localho\u017ft", false, "error: plaintext"},
		{"http://0.0.0.0", false, "error: plaintext"},
		{"ftp://example.com", true, "error: scheme"},
		{"file:///etc/passwd", true, "error: scheme"},
		{"example.com", true, "error: scheme"},
		{"//example.com", true, "error: scheme"},
		{"/api", true, "error: scheme"},
		{"localhost:8080", true, "error: scheme"},
		{"", true, "error: scheme"},
		{"https:", true, "error: host"},
		{"https://", true, "error: host"},
		{"https:///api", true, "error: host"},
		{"https://:8443", true, "error: host"},
		{"https:example.com", true, "error: host"},
		{"https://example.com:", true, "error: port"},
		{"https://example.com:0", true, "error: port"},
		{"https://example.com:65536", true, "error: port"},
		{"https://user@example.com", true, "error: userinfo"},
		{"https://user:password@example.com", true, "error: userinfo"},
		{"https://@example.com", true, "error: userinfo"},
		{"https://:@example.com", true, "error: userinfo"},
		{"https://example.com?a=b", true, "error: query"},
		{"https://example.com/?", true, "error: query"},
		{"https://example.com#a", true, "error: fragment"},
		{"https://example.com/#", true, "error: fragment"},
		{"https://example.com/a%2Fb", true, "error: escaped"},
		{"https://example.com/a b", true, "error: escaped"},
		{"https://example.com/%2e%2e/b", true, "error: escaped"},
		{" https://example.com", true, "error: parsed"},
		{"https://example.com\n", true, "error: parsed"},
		{"https://exa mple.com", true, "error: parsed"},
		{"https://[::1", true, "error: parsed"},
		{"http://[::%25\x8e]", true, "error: parsed"}, // as the generated client would say at each call; found by FuzzBaseURL
		{"https://example.com:port", true, "error: parsed"},
		{"https://example.com/%zz", true, "error: parsed"},
	} {
		t.Run(test.rawURL, func(t *testing.T) {
			t.Parallel()
			got, err := parseBaseURL(test.rawURL, test.plaintext)
			if refusal, ok := strings.CutPrefix(test.want, "error: "); ok {
				if got != nil || err == nil || !strings.Contains(err.Error(), refusal) {
					t.Errorf("got %v, %v", got, err)
				}
				return
			}
			if err != nil || got.String() != test.want {
				t.Errorf("got %v, %v, want %s", got, err, test.want)
			}
		})
	}
}

func TestIsLoopback(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"localhost": true, "LOCALHOST": true, "127.0.0.1": true, "127.255.255.254": true, "::1": true, "::1%lo": true, "::ffff:127.0.0.1": true,
		"": false, "localhost.": false, "localhost.example.com": false, "example.com": false, "localho\u017ft": false, "128.0.0.1": false,
		"0.0.0.0": false, "::": false, "127.1": false, "0177.0.0.1": false, "2130706433": false, "127.0.0.1.example.com": false, "10.0.0.1": false,
		"::ffff:10.0.0.1": false, "fe80::1": false,
	} {
		if got := isLoopback(host); got != want {
			t.Errorf("%q: %t", host, got)
		}
	}
}

// answerOf is a transport that always answers the same, or fails.
type answerOf struct {
	res    *http.Response
	err    error
	closed bool
}

func (a *answerOf) RoundTrip(*http.Request) (*http.Response, error) { return a.res, a.err }
func (a *answerOf) CloseIdleConnections()                           { a.closed = true }

func TestTheCallersHTTPClientIsCopied(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		given *http.Client
		asked time.Duration
		want  time.Duration
	}{
		{"none", nil, 0, defaultTimeout},
		{"none, but a timeout", nil, time.Second, time.Second},
		{"zero", &http.Client{}, 0, defaultTimeout},
		{"with a timeout", &http.Client{Timeout: time.Hour}, 0, time.Hour},
		{"with another timeout than asked for", &http.Client{Timeout: time.Hour}, time.Second, time.Second},
		{"with a negative timeout, which is none for net/http", &http.Client{Timeout: -1}, 0, defaultTimeout},
		{"with a transport", &http.Client{Transport: &answerOf{}}, 0, defaultTimeout},
		{"that follows redirects", &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return nil }}, 0, defaultTimeout},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var before http.Client
			if test.given != nil {
				before = *test.given
			}
			hc, timeout := newHTTPClient(test.given, test.asked)
			if timeout != test.want {
				t.Errorf("an attempt has %v, want %v", timeout, test.want)
			}
			if hc == test.given || hc.Transport == nil || hc.CheckRedirect(nil, nil) != http.ErrUseLastResponse {
				t.Errorf("got %+v", hc)
			}
			if test.given == nil {
				return
			}
			if after := test.given; after.Transport != before.Transport || after.Timeout != before.Timeout || (after.CheckRedirect == nil) != (before.CheckRedirect == nil) {
				t.Errorf("the caller's became %+v", after)
			}
			want := before.Transport
			if want == nil {
				want = http.DefaultTransport
			}
			if guarded, ok := hc.Transport.(redirectGuard); !ok || guarded.next != want {
				t.Errorf("sends through %#v", hc.Transport)
			}
		})
	}
}

func TestRedirectGuardKeepsTheLocation(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		status   int
		location []string
		isKept   bool // by the guard, out of http.Client's sight
	}{
		{http.StatusOK, []string{"http://example.com"}, false},
		{http.StatusCreated, []string{"http://example.com"}, false},
		{http.StatusMovedPermanently, []string{"http://example.com"}, true},
		{http.StatusFound, []string{"http://[malformed"}, true},
		{http.StatusTemporaryRedirect, []string{"%zz"}, true},
		{http.StatusPermanentRedirect, []string{"http://a", "http://b"}, true},
		{http.StatusNotModified, nil, true},
		{http.StatusNotFound, []string{"http://example.com"}, false},
	} {
		header := http.Header{"Location": test.location}
		next := &answerOf{res: &http.Response{StatusCode: test.status, Header: header}}
		ex := &exchange{}
		req := httptest.NewRequest(http.MethodPut, "http://localhost/", nil)
		req = req.WithContext(contextWith(req, ex))
		res, err := redirectGuard{next}.RoundTrip(req)
		if err != nil || (len(res.Header["Location"]) == 0) != (test.isKept || test.location == nil) {
			t.Errorf("%d: %v, %v", test.status, res, err)
		}
		if got := strings.Join(ex.location, " "); test.isKept && got != strings.Join(test.location, " ") || !test.isKept && got != "" {
			t.Errorf("%d: kept %q", test.status, got)
		}
	}

	failed := errors.New("failed")
	if res, err := (redirectGuard{&answerOf{err: failed}}).RoundTrip(httptest.NewRequest(http.MethodPut, "/", nil)); res != nil || !errors.Is(err, failed) {
		t.Errorf("got %v, %v", res, err)
	}
	for name, header := range map[string]http.Header{"no header": nil, "an empty header": {}} {
		next := &answerOf{res: &http.Response{StatusCode: http.StatusFound, Header: header}}
		if _, err := (redirectGuard{next}).RoundTrip(httptest.NewRequest(http.MethodPut, "/", nil)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestIdleConnectionsAreClosedThroughTheGuard(t *testing.T) {
	t.Parallel()
	next := &answerOf{}
	hc, _ := newHTTPClient(&http.Client{Transport: next}, 0)
	if hc.CloseIdleConnections(); !next.closed {
		t.Error("the transport was not told")
	}
	hc, _ = newHTTPClient(&http.Client{Transport: struct{ http.RoundTripper }{next}}, 0)
	hc.CloseIdleConnections() // which this transport knows nothing of
}

// Not parallel: it replaces a variable of net/http.
func TestTheDefaultTransportIsBoundedWhateverNetHTTPsIs(t *testing.T) { //nolint:paralleltest // see above
	before := http.DefaultTransport
	t.Cleanup(func() { http.DefaultTransport = before })
	for name, other := range map[string]http.RoundTripper{"its own": before, "another": &answerOf{}} {
		http.DefaultTransport = other
		got, ok := newTransport().(*http.Transport)
		if !ok || got == before || got.MaxIdleConnsPerHost != 256 || got.MaxIdleConns != 256 || got.MaxResponseHeaderBytes != 1<<20 || got.Proxy == nil {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

func TestWhoMayChangeARequest(t *testing.T) {
	t.Parallel()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name  string
		given *http.Client
		keeps bool
	}{
		{"none", nil, true},
		{"zero", &http.Client{}, true},
		{"net/http's transport", &http.Client{Transport: &http.Transport{}}, true},
		{"another transport", &http.Client{Transport: &answerOf{}}, false},
		{"one around net/http's", &http.Client{Transport: struct{ http.RoundTripper }{&http.Transport{}}}, false},
		{"a cookie jar", &http.Client{Jar: jar}, false},
	} {
		if hc, _ := newHTTPClient(test.given, 0); keepsRequests(hc) != test.keeps {
			t.Errorf("%s: want %t", test.name, test.keeps)
		}
	}
}

// TestEachAttemptHasARequestOfItsOwn has a transport that changes what it is given, as none should.
func TestEachAttemptHasARequestOfItsOwn(t *testing.T) {
	t.Parallel()
	var headers []string
	next := doerFunc(func(req *http.Request) (*http.Response, error) {
		headers = append(headers, strings.Join(req.Header["X-Test"], " ")+" "+req.URL.Path)
		req.Header.Add("X-Test", "changed")
		req.URL.Path = "/changed"
		return &http.Response{StatusCode: http.StatusServiceUnavailable, Body: http.NoBody}, nil
	})
	r := &retrier{next: next, policy: RetryPolicy{MaxAttempts: 3, BaseDelay: 1, MaxDelay: 1}, timeout: time.Hour, logger: slog.New(slog.DiscardHandler)}
	req := httptest.NewRequest(http.MethodPut, "http://localhost/path", nil)
	req.Header.Set("X-Test", "set")
	if res, err := r.Do(req); err != nil || res.Body.Close() != nil || !slices.Equal(headers, []string{"set /path", "set /path", "set /path"}) {
		t.Errorf("sent %q, %v", headers, err)
	}
}

type doerFunc func(*http.Request) (*http.Response, error)

func (f doerFunc) Do(req *http.Request) (*http.Response, error) { return f(req) }
