package kodexa

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/kodexa-community/kodexa-go/gen"
)

// RequestEditor changes a request before it is checked against the contract and sent.
type RequestEditor = gen.RequestEditorFn

// Defaults of the options.
const (
	defaultBaseURL          = "https://platform.kodexa.ai"
	defaultTimeout          = 30 * time.Second
	defaultMaxResponseBytes = 10 << 20
)

// Option configures the client that [New] makes. Where two options set the same thing the later one wins; what an option
// refuses is an error of [New].
type Option func(*config) error

// config is what the options say. The API key stands in an editor alone, so that formatting a client can't show it.
type config struct {
	key              RequestEditor
	baseURL          string
	baseFrom         string // the variable that baseURL came from, with ": "; errors about it begin with that
	base             *url.URL
	plaintext        bool
	httpClient       *http.Client
	timeout          time.Duration // of an attempt; 0: not set
	retry            RetryPolicy
	maxResponseBytes int64
	report           func(context.Context, *CallError) // nil: answers that break the contract are refused
	logger           *slog.Logger
	product          string
	editors          []RequestEditor
}

// newConfig applies opts to the defaults and reports every one that is refused.
func newConfig(opts []Option) (*config, error) {
	c := &config{baseURL: defaultBaseURL, maxResponseBytes: defaultMaxResponseBytes, logger: slog.New(slog.DiscardHandler)}
	errs := []error{WithRetry(RetryPolicy{})(c)}
	for i, opt := range opts {
		if opt == nil {
			errs = append(errs, fmt.Errorf("option %d is nil", i+1))
			continue
		}
		errs = append(errs, opt(c))
	}
	errs = append(errs, refuse(c.key == nil, "no API key: use WithAPIKey, or FromEnv and KODEXA_API_KEY"))
	var err error
	if c.base, err = parseBaseURL(c.baseURL, c.plaintext); err != nil {
		errs = append(errs, fmt.Errorf("%s%w", c.baseFrom, err))
	}
	if c.httpClient != nil {
		c.timeout = cmp.Or(c.timeout, max(0, c.httpClient.Timeout))
	}
	c.timeout = cmp.Or(c.timeout, defaultTimeout)
	return c, errors.Join(errs...)
}

// option returns an [Option] that sets something, unless it is refused.
func option(refusal error, set func(*config)) Option {
	return func(c *config) error {
		if refusal == nil {
			set(c)
		}
		return refusal
	}
}

// refuse returns an error with a text if the condition holds.
func refuse(condition bool, format string, args ...any) error {
	if condition {
		return fmt.Errorf(format, args...)
	}
	return nil
}

// FromEnv takes the base URL from KODEXA_URL and the API key from KODEXA_API_KEY, or else from the older
// KODEXA_ACCESS_TOKEN. A variable that is unset or empty changes nothing. The rules of [WithBaseURL] and [WithAPIKey] hold,
// and an error names the variable.
func FromEnv() Option {
	return func(c *config) error {
		if rawURL := os.Getenv("KODEXA_URL"); rawURL != "" {
			c.baseURL, c.baseFrom = rawURL, "KODEXA_URL: "
		}
		for _, name := range []string{"KODEXA_API_KEY", "KODEXA_ACCESS_TOKEN"} {
			if key := os.Getenv(name); key != "" {
				if err := WithAPIKey(key)(c); err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
				break
			}
		}
		return nil
	}
}

// WithAPIKey sets the API key, which is sent with every request as the header x-api-key and has no default. Create one in
// the platform's UI under Settings > Access Tokens. Refused is a key that is empty, has space or quotation marks around it,
// begins with "Bearer ", or has a character other than printable ASCII.
func WithAPIKey(key string) Option {
	return func(c *config) error {
		c.key = setHeader(apiKeyHeader, key)
		return checkAPIKey(key)
	}
}

// WithBaseURL sets where the platform is; https://platform.kodexa.ai by default. A "/" or "/api" at the end is understood.
// Refused are a URL that is not absolute, another scheme than https and http, userinfo, a query and a fragment, and http to
// a host beyond loopback unless [WithPlaintextHTTP] is given.
func WithBaseURL(rawURL string) Option {
	return option(refuse(rawURL == "", "base URL is empty"), func(c *config) { c.baseURL, c.baseFrom = rawURL, "" })
}

// WithPlaintextHTTP permits an http base URL for a host beyond loopback: the API key then crosses the network in the clear,
// and a proxy that the environment names gets it too. It does nothing for https.
func WithPlaintextHTTP() Option { return option(nil, func(c *config) { c.plaintext = true }) }

// WithHTTPClient makes the client send through hc's Transport and cookie Jar. A nil Transport is [http.DefaultTransport].
// hc.Timeout bounds each attempt unless [WithTimeout] is given. Nothing else of hc is used, CheckRedirect included, and hc is
// never changed. By default the client has a transport of its own; to change that one, pass a [DefaultTransport] in a client:
// &http.Client{Transport: t}. hc must not be nil.
func WithHTTPClient(hc *http.Client) Option {
	return option(cmp.Or(
		refuse(hc == nil, "HTTP client is nil"),
		refuse(hc != nil && hc.Transport == (*http.Transport)(nil), "HTTP client has a nil *http.Transport"),
		refuse(hc != nil && hc.Jar == (*cookiejar.Jar)(nil), "HTTP client has a nil *cookiejar.Jar"),
	), func(c *config) { c.httpClient = hc })
}

// WithTimeout bounds each attempt, from connecting to the last byte of the answer; 30 seconds by default. A call takes as
// many attempts and waits as [WithRetry] allows: bound it as a whole by its context. d must be positive.
func WithTimeout(d time.Duration) Option {
	return option(refuse(d <= 0, "timeout %v is not positive", d), func(c *config) { c.timeout = d })
}

// WithRetry sets how often a request is sent and how long to wait in between. A zero field has its default, see [RetryPolicy].
// Refused are a negative field and a BaseDelay beyond MaxDelay.
func WithRetry(p RetryPolicy) Option {
	p, err := p.withDefaults()
	return option(err, func(c *config) { c.retry = p })
}

// WithMaxResponseBytes bounds the body of an answer, counted after decompression; 10 MiB by default. A 2xx answer beyond it
// fails with [ErrResponseTooLarge], any other is an [*APIError] whose Body is cut there, or at 1 MiB. n must be positive. For
// downloads make a second client with a larger limit, or stream them with [gen.NewClient], which checks nothing and sends no
// key by itself.
func WithMaxResponseBytes(n int64) Option {
	return option(refuse(n <= 0, "response limit of %d bytes is not positive", n), func(c *config) { c.maxResponseBytes = n })
}

// WithReportOnly makes the client accept answers that break the contract: fn gets the error that the call would have failed
// with, a [*ContractError] in a [CallError], and the answer is decoded as well as it can be: a member that its Go type can't
// hold, such as a date-time without a zone, is left out. Of an array with such an element nothing is kept.
//
// Still refused are a request that breaks the contract; an answer that is not JSON, or not of its schema's type at the top, or
// has a status that the contract does not name; and a session other than the one that was asked for. [Client.ModifySession]
// does not store a session that was read with a member left out; [Client.UpdateSession] can't know. By default every answer
// that breaks the contract is refused. fn must be safe for concurrent use and must not be nil.
func WithReportOnly(fn func(context.Context, *CallError)) Option {
	return option(refuse(fn == nil, "report function is nil"), func(c *config) { c.report = fn })
}

// WithLogger makes the client write one record an attempt. Its level is [slog.LevelDebug] for a success, [slog.LevelInfo] for
// 404, 409 and 412, and else [slog.LevelWarn], also for a success that breaks the contract. A record has operation, method,
// path (as sent), attempt (from 1), duration and outcome_unknown; status and request_id where there is one; and error where no
// answer came, and where the attempt's answer made the call fail. An answer about another session gets a second record, a warning.
// Nothing is logged by default. l must not be nil.
func WithLogger(l *slog.Logger) Option {
	return option(refuse(l == nil || l.Handler() == nil, "logger is nil or empty"), func(c *config) { c.logger = l })
}

// WithUserAgent puts product, such as "acme-sync/1.4", before the module's own name and version in the header User-Agent, which
// stand alone by default. product must be printable ASCII, not empty, without space around it.
func WithUserAgent(product string) Option {
	return option(checkHeaderText("user agent", product), func(c *config) { c.product = product })
}

// WithRequestEditor adds a function that changes each request after API key, User-Agent and Accept are set and before it is
// checked against the contract; there is none by default, and editors run in the order in which they are given. A changed
// method or path must be an operation of the contract, and a changed host is refused. An error of fn ends the call, and that
// request is not sent. fn must be safe for concurrent use and must not be nil.
func WithRequestEditor(fn RequestEditor) Option {
	return option(refuse(fn == nil, "request editor is nil"), func(c *config) { c.editors = append(c.editors, withOwnError(fn)) })
}

const (
	apiKeyHeader  = "X-Api-Key"
	defaultAccept = "application/json" // an operation that answers otherwise is asked for that
)

// setHeader returns an editor that sets a header.
func setHeader(name, value string) RequestEditor {
	return func(_ context.Context, req *http.Request) error {
		req.Header.Set(name, value)
		return nil
	}
}

// withOwnError marks the errors of fn as an editor's: fn may make calls, whose errors are not those of this call.
func withOwnError(fn RequestEditor) RequestEditor {
	return func(ctx context.Context, req *http.Request) error {
		if err := fn(ctx, req); err != nil {
			return fmt.Errorf("request editor: %w", err)
		}
		return nil
	}
}

func checkAPIKey(key string) error {
	const quotes = "\"'`"
	isQuoted := len(key) > 1 && strings.ContainsRune(quotes, rune(key[0])) && key[0] == key[len(key)-1]
	return cmp.Or(
		refuse(strings.HasPrefix(key, "Bearer "), `API key begins with "Bearer ": give the key alone`),
		refuse(isQuoted, "API key has quotation marks around it"),
		checkHeaderText("API key", key),
	)
}

// checkHeaderText refuses what can't be sent as a header's value unchanged. Its error does not repeat the text.
func checkHeaderText(what, text string) error {
	bad := strings.IndexFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
	return cmp.Or(
		refuse(text == "", "%s is empty", what),
		refuse(strings.TrimSpace(text) != text, "%s has space around it", what),
		refuse(bad >= 0, "%s has a character other than printable ASCII at byte %d", what, bad),
	)
}
