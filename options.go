package kodexa

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/kodexa-community/kodexa-go/gen"
)

// Defaults of the options.
const (
	defaultBaseURL          = "https://platform.kodexa.ai"
	defaultTimeout          = 30 * time.Second
	defaultMaxResponseBytes = 10 << 20
)

// Option configures the client that [New] makes. Where two options set the same thing the later one wins; what an option
// refuses is an error of [New].
type Option func(*config) error

type config struct {
	apiKey           string
	baseURL          string
	base             *url.URL // what baseURL says
	plaintext        bool
	httpClient       *http.Client
	timeout          time.Duration // 0: not set
	retry            RetryPolicy
	maxResponseBytes int64
	onViolation      func(context.Context, *ContractError) error
	logger           *slog.Logger
	product          string
	editors          []gen.RequestEditorFn
}

// newConfig applies opts to the defaults and reports every one that is refused.
func newConfig(opts []Option) (*config, error) {
	c := &config{
		baseURL:          defaultBaseURL,
		retry:            defaultRetry,
		maxResponseBytes: defaultMaxResponseBytes,
		onViolation:      func(_ context.Context, err *ContractError) error { return err },
		logger:           slog.New(slog.DiscardHandler),
	}
	var errs []error
	for i, opt := range opts {
		if opt == nil {
			errs = append(errs, fmt.Errorf("option %d is nil", i+1))
			continue
		}
		errs = append(errs, opt(c))
	}
	if errors.Join(errs...) == nil && c.apiKey == "" {
		errs = append(errs, errors.New("no API key: use WithAPIKey, or FromEnv and KODEXA_API_KEY"))
	}
	base, err := parseBaseURL(c.baseURL, c.plaintext)
	c.base = base
	return c, errors.Join(append(errs, err)...)
}

// FromEnv takes the base URL from KODEXA_URL and the API key from KODEXA_API_KEY, or else from the older
// KODEXA_ACCESS_TOKEN. A variable that is unset or empty changes nothing. The rules of [WithBaseURL] and [WithAPIKey] hold.
func FromEnv() Option {
	return func(c *config) error {
		if rawURL := os.Getenv("KODEXA_URL"); rawURL != "" {
			c.baseURL = rawURL
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
// the platform's UI under Settings > Access Tokens. A key that is empty, that has space around it, or that has a
// character other than printable ASCII is refused.
func WithAPIKey(key string) Option {
	return func(c *config) error {
		if err := checkAPIKey(key); err != nil {
			return err
		}
		c.apiKey = key
		return nil
	}
}

// WithBaseURL sets where the platform is; https://platform.kodexa.ai by default. A "/" or "/api" at the end is understood.
// Refused are a URL that is not absolute, another scheme than https and http, userinfo, a query and a fragment, and http to
// a host beyond loopback unless [WithPlaintextHTTP] is given.
func WithBaseURL(rawURL string) Option {
	return func(c *config) error {
		if rawURL == "" {
			return errors.New("base URL is empty")
		}
		c.baseURL = rawURL
		return nil
	}
}

// WithPlaintextHTTP permits an http base URL for a host beyond loopback: the API key then crosses the network in the clear,
// and a proxy that the environment names gets it too. It does nothing for https.
func WithPlaintextHTTP() Option {
	return func(c *config) error {
		c.plaintext = true
		return nil
	}
}

// WithHTTPClient makes the client send through a copy of hc, its transport and cookie jar included; hc itself is never
// changed. Redirects are not followed whatever hc says, and hc.Timeout holds unless [WithTimeout] is given. The default is
// a client of its own whose pool keeps up to 256 idle connections and whose answers have at most 1 MiB of header.
func WithHTTPClient(hc *http.Client) Option {
	return func(c *config) error {
		if hc == nil {
			return errors.New("HTTP client is nil")
		}
		c.httpClient = hc
		return nil
	}
}

// WithTimeout bounds each attempt, from connecting to the last byte of the answer; 30 seconds by default. A call takes as
// many attempts and waits as [WithRetry] allows: bound it as a whole by its context. d must be positive.
func WithTimeout(d time.Duration) Option {
	return func(c *config) error {
		if d <= 0 {
			return fmt.Errorf("timeout %v is not positive", d)
		}
		c.timeout = d
		return nil
	}
}

// WithRetry sets when and how often a request is sent again, see [RetryPolicy] for the default.
func WithRetry(p RetryPolicy) Option {
	return func(c *config) error {
		p, err := p.withDefaults()
		if err != nil {
			return err
		}
		c.retry = p
		return nil
	}
}

// WithMaxResponseBytes bounds the body of an answer, counted after decompression; 10 MiB by default. A 2xx answer beyond
// it fails with [ErrResponseTooLarge], any other is an [*APIError] whose Body is cut there, or at 1 MiB. n must be positive.
func WithMaxResponseBytes(n int64) Option {
	return func(c *config) error {
		if n <= 0 {
			return fmt.Errorf("response limit of %d bytes is not positive", n)
		}
		c.maxResponseBytes = n
		return nil
	}
}

// WithViolationHandler sets what becomes of a request or an answer that breaks the contract. fn gets the violation and its
// error is what the call returns. If it returns nil the violation is only reported: the request is sent all the same, and
// the answer is decoded as well as it can be; if it can't, the call fails with the violation after all. The default returns
// the violation. fn must be safe for concurrent use and must not be nil.
func WithViolationHandler(fn func(context.Context, *ContractError) error) Option {
	return func(c *config) error {
		if fn == nil {
			return errors.New("violation handler is nil")
		}
		c.onViolation = fn
		return nil
	}
}

// WithLogger makes the client write one record an attempt: at [slog.LevelDebug] if it was answered with 2xx, else at
// [slog.LevelWarn]. A record has method, path (the template), attempt (from 1), duration, status or error, and request_id if
// the platform sends one. Nothing is logged by default. l must not be nil.
func WithLogger(l *slog.Logger) Option {
	return func(c *config) error {
		if l == nil {
			return errors.New("logger is nil")
		}
		c.logger = l
		return nil
	}
}

// WithUserAgent puts product, such as "acme-sync/1.4", before the module's own name in the header User-Agent. It must be
// printable ASCII.
func WithUserAgent(product string) Option {
	return func(c *config) error {
		if err := checkHeaderText("user agent", product); err != nil {
			return err
		}
		c.product = product
		return nil
	}
}

// WithRequestEditor adds a function that changes each request after API key and User-Agent are set and before it is
// checked against the contract; editors run in the order in which they are given. A changed method or path must be an
// operation of the contract, and a changed host is refused. fn must be safe for concurrent use and must not be nil.
func WithRequestEditor(fn gen.RequestEditorFn) Option {
	return func(c *config) error {
		if fn == nil {
			return errors.New("request editor is nil")
		}
		c.editors = append(c.editors, fn)
		return nil
	}
}
