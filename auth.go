package kodexa

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/kodexa-community/kodexa-go/gen"
)

const apiKeyHeader = "X-Api-Key"

// apiKeyEditor sends key with each request. The key lives in this closure alone, so that formatting a client can't show it.
func apiKeyEditor(key string) gen.RequestEditorFn {
	return func(_ context.Context, req *http.Request) error {
		req.Header.Set(apiKeyHeader, key)
		return nil
	}
}

func userAgentEditor(userAgent string) gen.RequestEditorFn {
	return func(_ context.Context, req *http.Request) error {
		req.Header.Set("User-Agent", userAgent)
		return nil
	}
}

func checkAPIKey(key string) error { return checkHeaderText("API key", key) }

// checkHeaderText refuses what can't be sent as a header's value unchanged. Its error does not repeat the text.
func checkHeaderText(what, text string) error {
	switch {
	case text == "":
		return fmt.Errorf("%s is empty", what)
	case strings.TrimSpace(text) != text:
		return fmt.Errorf("%s has space around it", what)
	}
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return fmt.Errorf("%s has a character other than printable ASCII at byte %d", what, i)
		}
	}
	return nil
}

// parseBaseURL returns the URL that the contract's paths, which begin with /api, are appended to. Its errors do not repeat
// the URL, which may hold a password.
func parseBaseURL(rawURL string, plaintext bool) (*url.URL, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, errors.New("base URL can't be parsed")
	}
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("base URL has neither scheme https nor http")
	case u.Hostname() == "":
		return nil, errors.New("base URL has no host")
	case strings.HasSuffix(u.Host, ":") || !isPort(u.Port()):
		return nil, errors.New("base URL has a port out of range")
	case u.User != nil:
		return nil, errors.New("base URL has userinfo")
	case u.RawQuery != "" || u.ForceQuery:
		return nil, errors.New("base URL has a query")
	case u.Fragment != "" || strings.HasSuffix(rawURL, "#"):
		return nil, errors.New("base URL has a fragment")
	case u.RawPath != "":
		return nil, errors.New("base URL has an escaped character in its path")
	case u.Scheme == "http" && !plaintext && !isLoopback(u.Hostname()):
		return nil, errors.New("base URL is plaintext http beyond loopback: use https, or WithPlaintextHTTP")
	}
	base := strings.TrimSuffix(path.Clean("/"+u.Path), "/")
	u = &url.URL{Scheme: u.Scheme, Host: u.Host, Path: strings.TrimSuffix(base, "/api")}
	if _, err := url.Parse(u.String()); err != nil { // as the generated client does for each request
		return nil, errors.New("base URL can't be parsed")
	}
	return u, nil
}

// isPort reports whether a URL's port is one, or none, which is the scheme's.
func isPort(text string) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return text == "" || err == nil && n > 0
}

func isLoopback(host string) bool {
	if strings.ToLower(host) == "localhost" { // EqualFold would take other letters for these
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// liesBelow reports whether req goes to the host of base and stays below its path.
func liesBelow(base *url.URL, req *http.Request) bool {
	u := req.URL
	return u.Scheme == base.Scheme && u.Opaque == "" && u.User == nil && u.Host == base.Host &&
		(req.Host == "" || req.Host == base.Host) && strings.HasPrefix(u.Path, base.Path+"/")
}

// newHTTPClient returns a copy of given, or a client of this package's own choice if it is nil, that hands every 3xx to its
// caller. The timeout, which is the copy's unless another is asked for, is left to the caller too: net/http's own costs
// more.
func newHTTPClient(given *http.Client, asked time.Duration) (hc *http.Client, timeout time.Duration) {
	hc = &http.Client{Transport: newTransport()}
	if given != nil {
		*hc = *given
	}
	timeout = cmp.Or(asked, max(0, hc.Timeout), defaultTimeout)
	hc.Timeout = 0
	if hc.Transport == nil {
		hc.Transport = http.DefaultTransport
	}
	hc.Transport = redirectGuard{hc.Transport}
	hc.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return hc, timeout
}

// keepsRequests reports whether hc changes no request that it sends. Foreign transports may, and a cookie jar does.
func keepsRequests(hc *http.Client) bool {
	guard, _ := hc.Transport.(redirectGuard)
	_, isNetHTTP := guard.next.(*http.Transport)
	return isNetHTTP && hc.Jar == nil
}

// newTransport returns net/http's default transport with a pool for one host that many goroutines share, and less patience
// for large headers.
func newTransport() http.RoundTripper {
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		t = &http.Transport{Proxy: http.ProxyFromEnvironment}
	}
	t = t.Clone()
	t.MaxIdleConns = maxIdleConns
	t.MaxIdleConnsPerHost = maxIdleConns
	t.MaxResponseHeaderBytes = maxHeaderBytes
	return t
}

const (
	maxIdleConns   = 256
	maxHeaderBytes = 1 << 20
)

// redirectGuard keeps http.Client from parsing a 3xx's Location: it does so before it asks CheckRedirect, and drops the
// answer if the Location is malformed.
type redirectGuard struct{ next http.RoundTripper }

func (g redirectGuard) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := g.next.RoundTrip(req)
	if err != nil || res == nil { // net/http makes an error of neither
		return res, err
	}
	if res.StatusCode/100 == 3 {
		exchangeOf(req).location = res.Header["Location"]
		res.Header.Del("Location")
	}
	return res, nil
}

// CloseIdleConnections lets hc.CloseIdleConnections reach the transport.
func (g redirectGuard) CloseIdleConnections() {
	if c, ok := g.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}
