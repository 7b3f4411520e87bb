package kodexa

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
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

// goesTo is a transport that notes the URL of the last request and answers none.
type goesTo struct{ url string }

func (g *goesTo) RoundTrip(req *http.Request) (*http.Response, error) {
	g.url = req.URL.String()
	return nil, errors.New("enough was seen")
}

func TestBaseURLLeadsToTheOperation(t *testing.T) {
	t.Parallel()
	id := uuid.MustParse("3f2b8c1e-6d4a-4f0b-9a57-1c8e2d7b6a90")
	path := "/api/sessions/" + id.String()
	for _, tt := range []struct{ base, want string }{
		{"", "https://platform.kodexa.ai" + path},
		{"https://kodexa.example", "https://kodexa.example" + path},
		{"https://kodexa.example/", "https://kodexa.example" + path},
		{"https://kodexa.example//", "https://kodexa.example" + path},
		{"https://kodexa.example/api", "https://kodexa.example" + path},
		{"https://kodexa.example/api/", "https://kodexa.example" + path},
		{"https://kodexa.example/./", "https://kodexa.example" + path},
		{"https://kodexa.example/x/../api", "https://kodexa.example" + path},
		{"https://kodexa.example/tenants/acme", "https://kodexa.example/tenants/acme" + path},
		{"https://kodexa.example/tenants/acme/api/", "https://kodexa.example/tenants/acme" + path},
		{"https://kodexa.example/tenants/acme%20corp", "https://kodexa.example/tenants/acme%20corp" + path},
		{"https://kodexa.example/kodexa-api", "https://kodexa.example/kodexa-api" + path},
		{"https://kodexa.example/api/v2", "https://kodexa.example/api/v2" + path},
		{"https://kodexa.example:8443", "https://kodexa.example:8443" + path},
		{"HTTPS://kodexa.example", "https://kodexa.example" + path},
		{"http://localhost:8080", "http://localhost:8080" + path},
		{"http://LocalHost:8080/api", "http://LocalHost:8080" + path},
		{"http://127.0.0.1", "http://127.0.0.1" + path},
		{"http://127.8.9.10:1", "http://127.8.9.10:1" + path},
		{"http://[::1]:8080", "http://[::1]:8080" + path},
	} {
		var seen goesTo
		options := []Option{WithAPIKey("key"), WithHTTPClient(&http.Client{Transport: &seen}), WithRetry(RetryPolicy{MaxAttempts: 1})}
		if tt.base != "" {
			options = append(options, WithBaseURL(tt.base))
		}
		client, err := New(options...)
		if err != nil {
			t.Errorf("%s: %v", tt.base, err)
			continue
		}
		_, err = client.UpdateSession(t.Context(), id, Session{})
		if failed, ok := err.(*CallError); !ok || seen.url != tt.want || failed.Path != path || failed.Operation != "updateSession" {
			t.Errorf("%s: got %s, want %s (%v)", tt.base, seen.url, tt.want, err)
		}
	}
}

func TestPlaintextHTTPBeyondLoopbackMustBeAskedFor(t *testing.T) {
	t.Parallel()
	for _, host := range []string{
		"kodexa.example", "localhost.kodexa.example", "127.0.0.1.kodexa.example", "0.0.0.0", "10.0.0.1", "[::]", "[::ffff:10.0.0.1]", "2130706433",
	} {
		options := []Option{WithAPIKey("key"), WithBaseURL("http://" + host)}
		if _, err := New(options...); err == nil || !strings.Contains(err.Error(), "WithPlaintextHTTP") {
			t.Errorf("%s is accepted, or the error does not say what permits it: %v", host, err)
		}
		if _, err := New(append(options, WithPlaintextHTTP())...); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
}

func TestARequestMustLieBelowTheBaseURL(t *testing.T) {
	t.Parallel()
	base, err := parseBaseURL("https://kodexa.example:8443/tenants/acme", false)
	if err != nil {
		t.Fatal(err)
	}
	const good = "https://kodexa.example:8443/tenants/acme/api"
	for name, test := range map[string]struct {
		url  string
		edit func(*http.Request)
		want bool
	}{
		"below it":                 {good, nil, true},
		"with a query":             {good + "?a=b", nil, true},
		"the same host in Host":    {good, func(r *http.Request) { r.Host = "kodexa.example:8443" }, true},
		"no Host":                  {good, func(r *http.Request) { r.Host = "" }, true},
		"another host in Host":     {good, func(r *http.Request) { r.Host = "elsewhere.example" }, false},
		"the URL itself":           {"https://kodexa.example:8443/tenants/acme", nil, false},
		"a longer name beside it":  {"https://kodexa.example:8443/tenants/acme2/api", nil, false},
		"above it":                 {"https://kodexa.example:8443/tenants/api", nil, false},
		"another host":             {"https://elsewhere.example:8443/tenants/acme/api", nil, false},
		"a host that begins so":    {"https://kodexa.example.elsewhere.example:8443/tenants/acme/api", nil, false},
		"another port":             {"https://kodexa.example/tenants/acme/api", nil, false},
		"another scheme":           {"http://kodexa.example:8443/tenants/acme/api", nil, false},
		"a user":                   {"https://u@kodexa.example:8443/tenants/acme/api", nil, false},
		"a user, seemingly a host": {"https://kodexa.example:8443@elsewhere.example/tenants/acme/api", nil, false},
		"an opaque URL":            {good, func(r *http.Request) { r.URL.Opaque = "//elsewhere.example/tenants/acme/api" }, false},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, test.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = base.Host
		if test.edit != nil {
			test.edit(req)
		}
		if got := liesBelow(base, req); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
