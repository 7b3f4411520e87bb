package kodexa_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	kodexa "github.com/kodexa-community/kodexa-go"
)

func TestNewReportsWhatIsWrongWithItsOptions(t *testing.T) {
	t.Parallel()
	const (
		key     = "canary-key"
		baseURL = "https://kodexa.example/canary"
	)
	withURL := func(rawURL string) []kodexa.Option {
		return []kodexa.Option{kodexa.WithAPIKey(key), kodexa.WithBaseURL(rawURL)}
	}
	with := func(option kodexa.Option) []kodexa.Option { return append(withURL(baseURL), option) }
	tests := []struct {
		testCase
		options []kodexa.Option
		want    string
	}{
		{at("no option"), nil, "no API key"},
		{at("no key"), []kodexa.Option{kodexa.WithBaseURL(baseURL)}, "no API key"},
		{at("nil option"), with(nil), "option 3 is nil"},
		{at("empty key"), with(kodexa.WithAPIKey("")), "API key is empty"},
		{at("blank key"), with(kodexa.WithAPIKey(" ")), "API key has space around it"},
		{at("space before the key"), with(kodexa.WithAPIKey(" " + key)), "API key has space around it"},
		{at("line feed after the key"), with(kodexa.WithAPIKey(key + "\n")), "API key has space around it"},
		{at("no-break space after the key"), with(kodexa.WithAPIKey(key + "\u00a0")), "API key has space around it"},
		{at("header in the key"), with(kodexa.WithAPIKey(key + "\r\nX-Other: " + key)), "API key has a character other than printable ASCII at byte 10"},
		{at("tab in the key"), with(kodexa.WithAPIKey("canary\tkey")), "API key has a character other than printable ASCII at byte 6"},
		{at("NUL in the key"), with(kodexa.WithAPIKey("canary\x00key")), "API key has a character other than printable ASCII at byte 6"},
		{at("DEL in the key"), with(kodexa.WithAPIKey("canary\x7fkey")), "API key has a character other than printable ASCII at byte 6"},
		{at("key beyond ASCII"), with(kodexa.WithAPIKey("canary-schlüssel")), "API key has a character other than printable ASCII at byte 11"},
		{at("key that is not UTF-8"), with(kodexa.WithAPIKey("canary\xff")), "API key has a character other than printable ASCII at byte 6"},
		{at("key in quotation marks"), with(kodexa.WithAPIKey(`"` + key + `"`)), "API key has quotation marks around it"},
		{at("key in apostrophes"), with(kodexa.WithAPIKey("'" + key + "'")), "API key has quotation marks around it"},
		{at("key in backquotes"), with(kodexa.WithAPIKey("`" + key + "`")), "API key has quotation marks around it"},
		{at("scheme of another header before the key"), with(kodexa.WithAPIKey("Bearer " + key)), `API key begins with "Bearer ": give the key alone`},
		{at("nil http.Client"), with(kodexa.WithHTTPClient(nil)), "HTTP client is nil"},
		{at("nil transport of a type"), with(kodexa.WithHTTPClient(&http.Client{Transport: (*http.Transport)(nil)})), "HTTP client has a nil *http.Transport"},
		{at("nil cookie jar of a type"), with(kodexa.WithHTTPClient(&http.Client{Jar: (*cookiejar.Jar)(nil)})), "HTTP client has a nil *cookiejar.Jar"},
		{at("empty logger"), with(kodexa.WithLogger(&slog.Logger{})), "logger is nil or empty"},
		{at("nil logger"), with(kodexa.WithLogger(nil)), "logger is nil"},
		{at("nil editor"), with(kodexa.WithRequestEditor(nil)), "request editor is nil"},
		{at("nil report function"), with(kodexa.WithReportOnly(nil)), "report function is nil"},
		{at("zero timeout"), with(kodexa.WithTimeout(0)), "timeout 0s is not positive"},
		{at("negative timeout"), with(kodexa.WithTimeout(-time.Second)), "timeout -1s is not positive"},
		{at("zero response limit"), with(kodexa.WithMaxResponseBytes(0)), "response limit of 0 bytes is not positive"},
		{at("negative response limit"), with(kodexa.WithMaxResponseBytes(math.MinInt64)), "is not positive"},
		{at("negative attempts"), with(kodexa.WithRetry(kodexa.RetryPolicy{MaxAttempts: -1})), "negative"},
		{at("negative base delay"), with(kodexa.WithRetry(kodexa.RetryPolicy{BaseDelay: -1})), "negative"},
		{at("negative longest delay"), with(kodexa.WithRetry(kodexa.RetryPolicy{MaxDelay: -1})), "negative"},
		{at("base delay beyond the longest"), with(kodexa.WithRetry(kodexa.RetryPolicy{BaseDelay: 2, MaxDelay: 1})), "beyond"},
		{at("empty user agent"), with(kodexa.WithUserAgent("")), "user agent is empty"},
		{at("header in the user agent"), with(kodexa.WithUserAgent("acme\r\nX-Other: 1")), "user agent has a character other than printable ASCII at byte 4"},
		{at("space around the user agent"), with(kodexa.WithUserAgent("acme ")), "user agent has space around it"},
		{at("empty URL"), withURL(""), "base URL is empty"},
		{at("blank URL"), withURL(" "), "base URL has neither scheme https nor http"},
		{at("host alone"), withURL("kodexa.example"), "base URL has neither scheme https nor http"},
		{at("host and port alone"), withURL("kodexa.example:8443"), "base URL has neither scheme https nor http"},
		{at("path alone"), withURL("/canary"), "base URL has neither scheme https nor http"},
		{at("no scheme"), withURL("//kodexa.example"), "base URL has neither scheme https nor http"},
		{at("another scheme"), withURL("ftp://kodexa.example"), "base URL has neither scheme https nor http"},
		{at("a web socket's scheme"), withURL("wss://kodexa.example"), "base URL has neither scheme https nor http"},
		{at("no host"), withURL("https:///canary"), "base URL has no host"},
		{at("scheme alone"), withURL("https://"), "base URL has no host"},
		{at("no slashes"), withURL("https:kodexa.example"), "base URL has no host"},
		{at("port alone"), withURL("https://:8443"), "base URL has no host"},
		{at("password"), withURL("https://user:canary-password@kodexa.example"), "base URL has userinfo"},
		{at("user"), withURL("https://canary-user@kodexa.example"), "base URL has userinfo"},
		{at("empty user"), withURL("https://@kodexa.example"), "base URL has userinfo"},
		{at("query"), withURL("https://kodexa.example/?canary=1"), "base URL has a query"},
		{at("empty query"), withURL("https://kodexa.example/?"), "base URL has a query"},
		{at("fragment"), withURL("https://kodexa.example/#canary"), "base URL has a fragment"},
		{at("empty fragment"), withURL("https://kodexa.example/#"), "base URL has a fragment"},
		{at("escaped slash"), withURL("https://kodexa.example/canary%2fb"), "base URL has an escaped character in its path"},
		{at("plaintext"), withURL("http://kodexa.example/canary"), "base URL is plaintext http beyond loopback"},
		{at("broken escape"), withURL("https://kodexa.example/canary%zz"), "base URL can't be parsed: it must be like https://host, without space around it"},
		{at("broken IPv6 address"), withURL("https://[::1"), "base URL can't be parsed: it must be like https://host, without space around it"},
		{at("word for a port"), withURL("https://kodexa.example:canary"), "base URL can't be parsed: it must be like https://host, without space around it"},
		{at("control character"), withURL("https://kodexa.example/canary\n"), "base URL can't be parsed: it must be like https://host, without space around it"},
		{at("space in the host"), withURL("https://kodexa example"), "base URL can't be parsed: it must be like https://host, without space around it"},
		{at("space before"), withURL(" https://kodexa.example"), "base URL can't be parsed: it must be like https://host, without space around it"},
		{at("port out of range"), withURL("https://kodexa.example:65536"), "base URL has a port out of range"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			client, err := kodexa.New(tt.options...)
			if err == nil || client != nil {
				t.Fatalf("%s: accepted", tt.place)
			}
			text := err.Error()
			if !strings.HasPrefix(text, "kodexa: ") || !strings.Contains(text, tt.want) {
				t.Errorf("%s: got %q, want %q", tt.place, text, tt.want)
			}
			if strings.Contains(text, "canary") || strings.Contains(text, "kodexa.example") {
				t.Errorf("%s: the text repeats the key or the URL: %q", tt.place, text)
			}
		})
	}
}

func TestNewReportsEveryRefusedOption(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		options []kodexa.Option
		want    []string // the lines, in any order
	}{
		"a bad key and others": {
			[]kodexa.Option{kodexa.WithAPIKey(""), nil, kodexa.WithTimeout(0), kodexa.WithMaxResponseBytes(-1)},
			[]string{"API key is empty", "option 2 is nil", "timeout 0s is not positive", "response limit of -1 bytes is not positive"},
		},
		"no key, a bad URL and others": {
			[]kodexa.Option{kodexa.WithBaseURL("ftp://kodexa.example"), kodexa.WithRequestEditor(nil), kodexa.WithTimeout(0)},
			[]string{
				"base URL has neither scheme https nor http", "request editor is nil", "timeout 0s is not positive",
				"no API key: use WithAPIKey, or FromEnv and KODEXA_API_KEY",
			},
		},
		"no key and no URL": {
			[]kodexa.Option{kodexa.WithBaseURL("")},
			[]string{"base URL is empty", "no API key: use WithAPIKey, or FromEnv and KODEXA_API_KEY"},
		},
		"the same twice": {
			[]kodexa.Option{kodexa.WithAPIKey("key"), kodexa.WithTimeout(-1), kodexa.WithTimeout(-2)},
			[]string{"timeout -1ns is not positive", "timeout -2ns is not positive"},
		},
	} {
		client, err := kodexa.New(tt.options...)
		if client != nil || err == nil {
			t.Errorf("%s: got %v, %v", name, client, err)
			continue
		}
		got := strings.Split(strings.TrimPrefix(err.Error(), "kodexa: "), "\n")
		slices.Sort(got)
		slices.Sort(tt.want)
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
}

func TestLaterOptionWins(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	server.SetSession(kodexa.Session{ID: new(sessionID.String())})
	client, err := kodexa.New(kodexa.WithBaseURL("https://kodexa.example"), kodexa.WithAPIKey("another"),
		kodexa.WithBaseURL(server.URL), kodexa.WithAPIKey(server.APIKey))
	if err != nil {
		t.Fatal(err)
	}
	if _, err = client.UpdateSession(t.Context(), sessionID, kodexa.Session{}); err != nil {
		t.Error(err)
	}
}

func TestFromEnv(t *testing.T) {
	server := startServer(t)
	server.SetSession(kodexa.Session{ID: new(sessionID.String())})
	const unset = "\x00"
	for _, tt := range []struct {
		testCase
		url, key, oldKey string
		before, after    []kodexa.Option
		want             string // of the error; "" if the server is reached with its key
	}{
		{testCase: at("both variables"), url: server.URL, key: server.APIKey, oldKey: unset},
		{testCase: at("the key before the older one"), url: server.URL, key: server.APIKey, oldKey: "old"},
		{testCase: at("the older key alone"), url: server.URL, key: unset, oldKey: server.APIKey},
		{testCase: at("the older key beside an empty one"), url: server.URL, key: "", oldKey: server.APIKey},
		{testCase: at("the older key is not looked at"), url: server.URL, key: server.APIKey, oldKey: "with\nline feed"},
		{testCase: at("URL with /api"), url: server.URL + "/api", key: server.APIKey, oldKey: unset},
		{testCase: at("nothing set keeps earlier options"), url: unset, key: unset, oldKey: unset,
			before: []kodexa.Option{kodexa.WithBaseURL(server.URL), kodexa.WithAPIKey(server.APIKey)}},
		{testCase: at("nothing but empty variables keeps earlier options"), url: "", key: "", oldKey: "",
			before: []kodexa.Option{kodexa.WithBaseURL(server.URL), kodexa.WithAPIKey(server.APIKey)}},
		{testCase: at("the environment before earlier options"), url: server.URL, key: server.APIKey, oldKey: unset,
			before: []kodexa.Option{kodexa.WithBaseURL("https://kodexa.example"), kodexa.WithAPIKey("another")}},
		{testCase: at("later options before the environment"), url: "https://kodexa.example", key: "another", oldKey: unset,
			after: []kodexa.Option{kodexa.WithBaseURL(server.URL), kodexa.WithAPIKey(server.APIKey)}},
		{testCase: at("no key"), url: server.URL, key: unset, oldKey: unset, want: "no API key"},
		{testCase: at("bad key"), url: server.URL, key: "canary\n", oldKey: server.APIKey, want: "KODEXA_API_KEY: API key has space around it"},
		{testCase: at("bad older key"), url: server.URL, key: unset, oldKey: "canary\n", want: "KODEXA_ACCESS_TOKEN: API key has space around it"},
		{testCase: at("bad URL"), url: "https://canary:password@kodexa.example", key: server.APIKey, oldKey: unset, want: "KODEXA_URL: base URL has userinfo"},
		{testCase: at("bad URL that an option replaces is not looked at"), url: "ftp://canary", key: server.APIKey, oldKey: unset,
			after: []kodexa.Option{kodexa.WithBaseURL(server.URL)}},
		{testCase: at("bad URL of an option after a good one"), url: server.URL, key: server.APIKey, oldKey: unset,
			after: []kodexa.Option{kodexa.WithBaseURL("ftp://canary")}, want: "kodexa: base URL has neither scheme"},
		{testCase: at("quoted key, as a shell leaves it"), url: server.URL, key: `"canary"`, oldKey: unset,
			want: "KODEXA_API_KEY: API key has quotation marks around it"},
		{testCase: at("key with its scheme"), url: server.URL, key: "Bearer canary", oldKey: unset,
			want: `KODEXA_API_KEY: API key begins with "Bearer "`},
		{testCase: at("bad key and bad URL"), url: "ftp://canary", key: " canary", oldKey: unset,
			want: "KODEXA_API_KEY: API key has space around it\nKODEXA_URL: base URL has neither scheme https nor http"},
		{testCase: at("plaintext URL"), url: "http://kodexa.example", key: server.APIKey, oldKey: unset, want: "KODEXA_URL: base URL is plaintext http"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for name, value := range map[string]string{"KODEXA_URL": tt.url, "KODEXA_API_KEY": tt.key, "KODEXA_ACCESS_TOKEN": tt.oldKey} {
				if value == unset {
					t.Setenv(name, "") // restores it
					if err := os.Unsetenv(name); err != nil {
						t.Fatal(err)
					}
				} else {
					t.Setenv(name, value)
				}
			}
			client, err := kodexa.New(slices.Concat(tt.before, []kodexa.Option{kodexa.FromEnv()}, tt.after)...)
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "canary") {
					t.Errorf("%s: got %v, want %q", tt.place, err, tt.want)
				}
				return
			}
			if err != nil {
				t.Fatalf("%s: %v", tt.place, err)
			}
			if _, err = client.UpdateSession(t.Context(), sessionID, kodexa.Session{}); err != nil {
				t.Errorf("%s: %v", tt.place, err)
			}
		})
	}
}

func TestFromEnvIsReadWhenTheClientIsMade(t *testing.T) {
	option := kodexa.FromEnv()
	t.Setenv("KODEXA_URL", "") // whatever the environment of the tests has
	t.Setenv("KODEXA_API_KEY", "key")
	if _, err := kodexa.New(option); err != nil {
		t.Error(err)
	}
}

func TestUserAgentNamesProductAndModule(t *testing.T) {
	t.Parallel()
	for want, options := range map[string][]kodexa.Option{
		"kodexa-go":               nil,
		"acme-sync/1.4 kodexa-go": {kodexa.WithUserAgent("acme-sync/1.4")},
	} {
		server := startServer(t)
		server.SetSession(kodexa.Session{ID: new(sessionID.String())})
		if _, err := server.Client(options...).UpdateSession(t.Context(), sessionID, kodexa.Session{}); err != nil {
			t.Fatal(err)
		}
		if got := server.Requests()[0].Header["User-Agent"]; len(got) != 1 || !strings.HasPrefix(got[0], want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestCallersHTTPClientIsUsedAndNotChanged(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	server.SetSession(kodexa.Session{ID: new(sessionID.String())})
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	serverURL, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	jar.SetCookies(serverURL, []*http.Cookie{{Name: "route", Value: "a"}}) //nolint:gosec // Secure ones are not sent to this server
	trips := 0
	transport := roundTrip(func(req *http.Request) (*http.Response, error) {
		trips++
		return http.DefaultTransport.RoundTrip(req)
	})
	given := &http.Client{Transport: transport, Jar: jar, Timeout: time.Hour}
	client := server.Client(kodexa.WithHTTPClient(given), kodexa.WithTimeout(time.Minute))
	if _, err := client.UpdateSession(t.Context(), sessionID, kodexa.Session{}); err != nil {
		t.Fatal(err)
	}
	if trips != 1 || server.Requests()[0].Header.Get("Cookie") != "route=a" {
		t.Errorf("%d round trips, header %v", trips, server.Requests()[0].Header["Cookie"])
	}
	_, isGiven := given.Transport.(roundTrip)
	if !isGiven || given.CheckRedirect != nil || given.Jar != http.CookieJar(jar) || given.Timeout != time.Hour {
		t.Errorf("the caller's client is changed: %+v", given)
	}
	given.Transport = roundTrip(func(*http.Request) (*http.Response, error) { return nil, errors.New("changed later") })
	if _, err := client.UpdateSession(t.Context(), sessionID, kodexa.Session{}); err != nil {
		t.Errorf("a later change of the caller's client reached the copy: %v", err)
	}
}

// Not parallel: it has http.DefaultTransport, see TestRedirectIsNeverFollowed.
func TestCookiesOfAnAnswerAreKeptInTheCallersJar(t *testing.T) { //nolint:paralleltest // see above
	server := startServer(t)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	sets := func(value string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			http.SetCookie(w, &http.Cookie{Name: "route", Value: value, Path: "/"}) //nolint:gosec // a Secure one is not sent to this server
			answerWith(http.StatusServiceUnavailable, "", nil)(w, r)
		}
	}
	server.Enqueue(sets("a"), sets("b"), answerWith(http.StatusOK, jsonMedia, []byte(`{}`)))
	client := server.Client(kodexa.WithHTTPClient(&http.Client{Jar: jar}), kodexa.WithRetry(kodexa.RetryPolicy{BaseDelay: 1, MaxDelay: 1}))
	if _, err := client.UpdateSession(t.Context(), sessionID, kodexa.Session{}); err != nil {
		t.Fatal(err)
	}
	var sent []string
	for _, req := range server.Requests() {
		sent = append(sent, strings.Join(req.Header["Cookie"], ", "))
	}
	if !slices.Equal(sent, []string{"", "route=a", "route=b"}) {
		t.Errorf("sent %q", sent)
	}
}

// TestTimeoutOfAnAttempt sees it by the deadline of the request, in a bubble in which no time passes.
func TestTimeoutOfAnAttempt(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		testCase
		ofClient time.Duration // http.Client's
		options  []kodexa.Option
		want     time.Duration
	}{
		{at("by default"), 0, nil, 30 * time.Second},
		{at("WithTimeout"), 0, []kodexa.Option{kodexa.WithTimeout(time.Second)}, time.Second},
		{at("that of the http.Client"), time.Hour, nil, time.Hour},
		{at("WithTimeout before that of the http.Client"), time.Hour, []kodexa.Option{kodexa.WithTimeout(time.Second)}, time.Second},
		{at("a negative one of the http.Client, which is none for net/http"), -1, nil, 30 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var got time.Duration
				transport := roundTrip(func(req *http.Request) (*http.Response, error) {
					deadline, _ := req.Context().Deadline()
					got = time.Until(deadline)
					return nil, errors.New("enough was seen")
				})
				client, err := kodexa.New(append([]kodexa.Option{
					kodexa.WithAPIKey("key"), oneTry, kodexa.WithHTTPClient(&http.Client{Transport: transport, Timeout: tt.ofClient}),
				}, tt.options...)...)
				if err != nil {
					t.Fatal(err)
				}
				if _, err = client.GetSession(t.Context(), sessionID); err == nil || got != tt.want {
					t.Errorf("%s: an attempt has %v, want %v: %v", tt.place, got, tt.want, err)
				}
			})
		})
	}
}

func TestNothingIsLoggedByDefault(t *testing.T) { //nolint:paralleltest // it changes slog's default
	var log bytes.Buffer
	previous := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	t.Cleanup(func() { slog.SetDefault(previous) })
	server := startServer(t)
	if _, err := server.Client().UpdateSession(t.Context(), sessionID, kodexa.Session{}); !errors.Is(err, kodexa.ErrNotFound) {
		t.Error(err)
	}
	if log.Len() != 0 {
		t.Errorf("logged %s", &log)
	}
}

// TestClientThatWasNotMadePanicsWithAnAdvice has a text of its own in place of a nil dereference in generated code.
func TestClientThatWasNotMadePanicsWithAnAdvice(t *testing.T) {
	t.Parallel()
	for kind, c := range map[string]*kodexa.Client{"nil": nil, "zero": {}} {
		for method, call := range map[string]func(){
			"GetSession":    func() { _, _ = c.GetSession(t.Context(), sessionID) },
			"UpdateSession": func() { _, _ = c.UpdateSession(t.Context(), sessionID, kodexa.Session{}) },
			"ModifySession": func() {
				_, _ = c.ModifySession(t.Context(), sessionID, func(*kodexa.Session) error { return nil })
			},
			"API":                  func() { c.API() },
			"CloseIdleConnections": func() { c.CloseIdleConnections() },
		} {
			func() {
				defer func() {
					if got := fmt.Sprint(recover()); got != "kodexa: the Client is nil or empty: make one with New" {
						t.Errorf("%s, %s: panicked with %s", kind, method, got)
					}
				}()
				call()
			}()
		}
	}
}
