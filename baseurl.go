package kodexa

import (
	"cmp"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"strconv"
	"strings"
)

// parseBaseURL returns the URL that the contract's paths, which begin with /api, are appended to. Its errors do not repeat
// the URL, which may hold a password.
func parseBaseURL(rawURL string, plaintext bool) (*url.URL, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, errNoURL
	}
	if err := cmp.Or(
		refuse(u.Scheme != "https" && u.Scheme != "http", "base URL has neither scheme https nor http"),
		refuse(u.Hostname() == "", "base URL has no host"),
		refuse(strings.HasSuffix(u.Host, ":") || !isPort(u.Port()), "base URL has a port out of range"),
		refuse(u.User != nil, "base URL has userinfo"),
		refuse(u.RawQuery != "" || u.ForceQuery, "base URL has a query"),
		refuse(u.Fragment != "" || strings.HasSuffix(rawURL, "#"), "base URL has a fragment"),
		refuse(u.RawPath != "", "base URL has an escaped character in its path"),
		refuse(u.Scheme == "http" && !plaintext && !isLoopback(u.Hostname()),
			"base URL is plaintext http beyond loopback: use https, or WithPlaintextHTTP"),
	); err != nil {
		return nil, err
	}
	base := strings.TrimSuffix(path.Clean("/"+u.Path), "/")
	u = &url.URL{Scheme: u.Scheme, Host: u.Host, Path: strings.TrimSuffix(base, "/api")}
	if _, err := url.Parse(u.String()); err != nil { // as the generated client does for each request
		return nil, errNoURL
	}
	return u, nil
}

var errNoURL = errors.New("base URL can't be parsed: it must be like https://host, without space around it")

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
