package kodexa_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/uuid"

	kodexa "github.com/kodexa-community/kodexa-go"
	"github.com/kodexa-community/kodexa-go/gen"
	"github.com/kodexa-community/kodexa-go/kodexatest"
)

func TestTheSearchFindsCanaries(t *testing.T) {
	t.Parallel()
	type holder struct{ Secret any }
	for _, canary := range canaries {
		for form, text := range map[string]string{
			"plain":         "a " + canary + " b",
			"first half":    canary[:len(canary)/2] + "…",
			"second half":   "…" + canary[len(canary)/2:],
			"hex":           fmt.Sprintf("%x", "ab"+canary),
			"upper hex":     fmt.Sprintf("%X", "ab"+canary),
			"spaced hex":    fmt.Sprintf("% x", "ab"+canary),
			"decimal":       fmt.Sprintf("%v", []byte("ab"+canary+"c")),
			"decimal by %d": fmt.Sprintf("%d", holder{[]byte(canary)}),
			"Go bytes":      fmt.Sprintf("%#v", []byte("ab"+canary)),
			"base64":        base64.StdEncoding.EncodeToString([]byte(canary)),
			"base64, 1 off": base64.StdEncoding.EncodeToString([]byte("a" + canary + "b")),
			"base64, 2 off": base64.URLEncoding.EncodeToString([]byte("ab" + canary + "cd")),
			"JSON":          mustJSON(holder{canary}),
			"JSON of bytes": mustJSON(holder{[]byte(canary)}),
			"JSON of raw":   mustJSON(holder{json.RawMessage(`"` + canary + `"`)}),
		} {
			if len(leaks(text)) == 0 {
				t.Errorf("%s is not found as %s in %s", canary, form, text)
			}
		}
	}
	if found := leaks("kodexa: PUT /api/sessions/{id}: 200 OK: response breaks the contract at /token: value must be a string"); found != nil {
		t.Errorf("found %v where there is none", found)
	}
	planted := &kodexa.APIError{Body: []byte(canaryText)}
	for name, found := range map[string][]string{
		"a wrapped error":  leaksOfError(fmt.Errorf("outer: %w", errors.Join(io.EOF, planting{}))),
		"a value's fields": leaksOfValue("", struct{ Body []byte }{planted.Body}),
		"a value's JSON":   leaksOfValue("", url.UserPassword("u", canaryKey)),
	} {
		if len(found) == 0 {
			t.Errorf("%s: found nothing", name)
		}
	}
}

func TestNoSecretInWhatIsMadeOfAnAnswer(t *testing.T) {
	t.Parallel()
	tests := map[string]string{}
	addStatuses(tests, echo(t))
	addBrokenBodies(t, tests, echo(t))
	addBrokenMembers(t, tests)
	addBrokenHTTP(tests, echo(t))
	addEchoingHeaders(tests, echo(t))
	for name, answer := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := rawServer(t, answer)
			var logged logBuffer
			for i, opts := range [][]kodexa.Option{nil, {kodexa.WithReportOnly(func(_ context.Context, err *kodexa.CallError) { report(t, leaksOfError(err)) })}} {
				c := canaryClient(t, server, append(opts, kodexa.WithLogger(loggers(&logged)[i]))...)
				session, err := c.UpdateSession(t.Context(), uuid.Nil, canarySession())
				if (session == nil) == (err == nil) || opts == nil && (err == nil) != strings.HasPrefix(name, "success") {
					t.Fatalf("got %v, %v", session, err)
				}
				report(t, slices.Concat(leaksOfError(err), leaksOfValue("session", session)))
				res, err := c.API().UpdateSessionWithResponse(t.Context(), uuid.Nil, canarySession())
				report(t, slices.Concat(leaksOfError(err), leaksOfValue("response", res)))
				if res != nil {
					report(t, slices.Concat(leaksOfValue("response", *res), leaksOfValue("session", res.JSON200)))
				}
			}
			report(t, logged.leaks())
		})
	}
}

// What is read was not sent, so that nothing can be masked: no value of an answer gets into a text in the first place.
func TestNoSecretInWhatIsMadeOfWhatIsRead(t *testing.T) {
	t.Parallel()
	tests := map[string]string{"success": withJSON(echo(t))}
	addBrokenBodies(t, tests, echo(t))
	addBrokenMembers(t, tests)
	addBrokenHTTP(tests, echo(t))
	for name, answer := range tests {
		if strings.Contains(name, "media type") {
			continue // it is named
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := rawServer(t, answer)
			var logged logBuffer
			for i, opts := range [][]kodexa.Option{nil, {kodexa.WithReportOnly(func(_ context.Context, err *kodexa.CallError) { report(t, leaksOfError(err)) })}} {
				c := canaryClient(t, server, append(opts, kodexa.WithLogger(loggers(&logged)[i]))...)
				session, err := c.GetSession(t.Context(), uuid.Nil)
				if (session == nil) == (err == nil) || opts == nil && (err == nil) != strings.HasPrefix(name, "success") {
					t.Fatalf("got %v, %v", session, err)
				}
				report(t, slices.Concat(leaksOfError(err), leaksOfValue("session", session)))
				res, err := c.API().GetSessionWithResponse(t.Context(), uuid.Nil)
				report(t, slices.Concat(leaksOfError(err), leaksOfValue("response", res)))
				if res != nil {
					report(t, slices.Concat(leaksOfValue("response", *res), leaksOfValue("session", res.JSON200)))
				}
			}
			report(t, logged.leaks())
		})
	}
}

func canaryClient(t *testing.T, baseURL string, opts ...kodexa.Option) *kodexa.Client {
	t.Helper()
	c, err := kodexa.New(append(opts, kodexa.WithBaseURL(baseURL), kodexa.WithAPIKey(canaryKey),
		kodexa.WithRetry(kodexa.RetryPolicy{MaxAttempts: 2, BaseDelay: 1, MaxDelay: time.Second}), kodexa.WithTimeout(time.Minute),
		kodexa.WithHTTPClient(&http.Client{Transport: &http.Transport{DisableKeepAlives: true, MaxResponseHeaderBytes: 64 << 10}}),
	)...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func addStatuses(tests map[string]string, echo string) {
	for _, status := range []string{"201", "204", "301", "304", "307", "400", "401", "403", "404", "409", "412", "422", "429", "500", "502", "503", "599", "999"} {
		tests["status "+status] = withStatus(status+" "+canaryText, jsonHeader, echo)
		tests["status "+status+" and message"] = withStatus(status+" "+canaryText, jsonHeader,
			`{"message":"`+canaryKey+`","errors":{"`+canaryText+`":["`+canaryToken+`"]}}`)
		tests["status "+status+" and no JSON"] = withStatus(status+" no", "Content-Type: text/html\r\n", "<html>"+canaryKey+canaryToken)
	}
	tests["status 500 that is cut"] = "HTTP/1.1 500 no\r\nContent-Length: 9999\r\n\r\n" + echo
	tests["status 404 of broken chunks"] = "HTTP/1.1 404 no\r\nTransfer-Encoding: chunked\r\n\r\n" + canaryToken + "\r\n" + echo
	tests["status 404 with a broken trailer"] = "HTTP/1.1 404 no\r\nTransfer-Encoding: chunked\r\nTrailer: X-A\r\n\r\n0\r\n" + canaryToken + "\r\n\r\n"
}

func addBrokenBodies(t *testing.T, tests map[string]string, echo string) {
	t.Helper()
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	_, err := io.WriteString(w, echo+canaryText)
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string]string{
		"cut in a value":       echo[:len(echo)/2],
		"text":                 canaryText,
		"quoted text":          `"` + canaryToken + `"`,
		"number":               canaryNumber,
		"more after it":        echo + canaryText,
		"another after it":     echo + echo,
		"a byte-order mark":    "\ufeff" + echo,
		"a bad literal":        `{"token":` + canaryToken + `}`,
		"a bad escape":         `{"token":"\x` + canaryToken + `"}`,
		"a bad number":         `{"x":` + canaryNumber + `.}`,
		"invalid UTF-8":        `{"token":"` + canaryToken + "\xff" + `"}`,
		"a lone surrogate":     `{"x":"` + canaryText + `\ud800"}`,
		"a repeated member":    `{"token":"` + canaryToken + `","token":"` + canaryToken + `"}`,
		"a repeated x":         `{"x":"` + canaryToken + `","x":` + canaryNumber + `}`,
		"a control character":  "{\"token\":\"" + canaryToken + "\x00\"}",
		"an unquoted name":     `{` + canaryText + `:1}`,
		"depth":                strings.Repeat(`[`, 10_001) + `"` + canaryText + `"` + strings.Repeat(`]`, 10_001),
		"an array":             `["` + canaryText + `"]`,
		"another case":         `{"TOKEN":"` + canaryToken + `"}`,
		"null":                 `null`,
		"null and its letters": `null "` + canaryText + `"`,
	} {
		tests["body: "+name] = withJSON(body)
	}
	tests["body: another media type"] = withStatus("200 OK", "Content-Type: text/"+canaryText+"\r\n", echo)
	tests["body: a bad media type"] = withStatus("200 OK", "Content-Type: "+canaryText+"; \""+canaryToken+"\r\n", echo)
	tests["body: cut"] = "HTTP/1.1 200 OK\r\n" + jsonHeader + "Content-Length: 99999\r\n\r\n" + echo
	tests["body: broken chunks"] = "HTTP/1.1 200 OK\r\n" + jsonHeader + "Transfer-Encoding: chunked\r\n\r\n" + canaryToken + "\r\n" + echo
	tests["body: broken second chunk"] = "HTTP/1.1 200 OK\r\n" + jsonHeader + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}" + canaryToken + "\r\n" + echo
	tests["body: broken trailer"] = "HTTP/1.1 200 OK\r\n" + jsonHeader + "Transfer-Encoding: chunked\r\nTrailer: X-A\r\n\r\n2\r\n{}\r\n0\r\n" +
		canaryToken + "\r\n\r\n"
	tests["body: no gzip"] = withStatus("200 OK", jsonHeader+"Content-Encoding: gzip\r\n", echo)
	tests["body: cut gzip"] = withStatus("200 OK", jsonHeader+"Content-Encoding: gzip\r\n", zipped.String()[:zipped.Len()-12])
	tests["body: bad sum of gzip"] = withStatus("200 OK", jsonHeader+"Content-Encoding: gzip\r\n", zipped.String()[:zipped.Len()-8]+"01234567")
	tests["body: more after it in gzip"] = withStatus("200 OK", jsonHeader+"Content-Encoding: gzip\r\n", zipped.String())
}

// addBrokenMembers breaks the contract in turn at every place that it names, with values that are secret.
func addBrokenMembers(t *testing.T, tests map[string]string) {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(kodexa.Spec())
	if err != nil {
		t.Fatal(err)
	}
	values := []string{
		`"` + canaryToken + `"`, canaryNumber, canaryNumber + ".5", "1e" + canaryNumber, `["` + canaryText + `"]`, `[` + canaryNumber + `]`,
		`{"a":"` + canaryText + `"}`, `true`, `null`, `"2023-11-07T05:31:56Z` + canaryText + `"`, `"2023-02-30T05:31:56Z"`,
		`"` + canaryNumber + `-11-07T05:31:56Z"`,
	}
	var walk func(pointer, before, after string, s *openapi3.Schema)
	walk = func(pointer, before, after string, s *openapi3.Schema) {
		for _, value := range values {
			if s.VisitJSON(parse(t, value), openapi3.EnableFormatValidation()) != nil {
				tests["at "+pointer+": "+value] = withJSON(before + value + `,"x":"` + canaryText + `"` + after)
			}
		}
		if s.Items != nil {
			walk(pointer+"/1", before+`["`+canaryText+`",`, `]`+after, s.Items.Value)
		}
		for name, property := range s.Properties {
			walk(pointer+"/"+name, before+`{"`+name+`":`, `}`+after, property.Value)
		}
	}
	for name, property := range doc.Components.Schemas["Session"].Value.Properties {
		walk("/"+name, `{"`+name+`":`, `}`, property.Value)
	}
}

func addBrokenHTTP(tests map[string]string, echo string) {
	for name, answer := range map[string]string{
		"nothing":                   "",
		"text":                      canaryToken,
		"a line":                    canaryToken + "\r\n\r\n" + echo,
		"another protocol":          canaryToken + " 200 OK\r\n\r\n" + echo,
		"another version":           "HTTP/" + canaryToken + " 200 OK\r\n\r\n" + echo,
		"a status of letters":       "HTTP/1.1 " + canaryToken + " OK\r\n\r\n" + echo,
		"a status alone":            "HTTP/1.1 " + canaryToken + "\r\n\r\n" + echo,
		"a long status":             "HTTP/1.1 " + canaryNumber + " OK\r\n\r\n" + echo,
		"a header without a colon":  "HTTP/1.1 200 OK\r\n" + canaryToken + "\r\n\r\n" + echo,
		"a header of spaces":        "HTTP/1.1 200 OK\r\n" + canaryToken + " a: b\r\n\r\n" + echo,
		"a bad header name":         "HTTP/1.1 200 OK\r\n" + canaryToken + "(): b\r\n\r\n" + echo,
		"a bad header value":        "HTTP/1.1 200 OK\r\nX-A: \x00" + canaryKey + "\r\n\r\n" + echo,
		"a continued first header":  "HTTP/1.1 200 OK\r\n " + canaryToken + ": b\r\n\r\n" + echo,
		"a length of letters":       "HTTP/1.1 200 OK\r\nContent-Length: " + canaryToken + "\r\n\r\n" + echo,
		"two lengths":               "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: " + canaryNumber + "\r\n\r\n" + echo,
		"another encoding":          "HTTP/1.1 200 OK\r\nTransfer-Encoding: " + canaryToken + "\r\n\r\n" + echo,
		"two encodings":             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: " + canaryToken + "\r\n\r\n" + echo,
		"a bad trailer":             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Content-Length, " + canaryToken + "\r\n\r\n" + echo,
		"a header that is cut":      "HTTP/1.1 200 OK\r\nX-A: " + canaryToken,
		"a header without end":      "HTTP/1.1 200 OK\r\nX-A: " + strings.Repeat(canaryToken, 10_000) + "\r\n\r\n",
		"many answers to wait for":  strings.Repeat("HTTP/1.1 103 "+canaryToken+"\r\n\r\n", 20),
		"another protocol to speak": "HTTP/1.1 101 " + canaryToken + "\r\nConnection: Upgrade\r\nUpgrade: " + canaryToken + "\r\n\r\n" + echo,
	} {
		tests["no HTTP: "+name] = answer
	}
}

// addEchoingHeaders repeats each secret in headers.
func addEchoingHeaders(tests map[string]string, echo string) {
	for _, canary := range canaries {
		header := ""
		for _, name := range []string{"X-Api-Key", "Server", "Set-Cookie", "Retry-After", "ETag", "WWW-Authenticate", "X-Any"} {
			header += name + ": " + canary + "\r\n"
		}
		for _, location := range []string{"https://example.com/" + canary, "https://u:" + canary + "@[" + canary, canary, "%zz" + canary} {
			all := header + "Location: " + location + "\r\n"
			tests["success: "+canary+" in headers, "+location] = withStatus("200 OK", all+jsonHeader, echo)
			for _, status := range []string{"200 OK", "302 Found", "307 Temporary Redirect", "404 Not Found", "503 Service Unavailable"} {
				tests[status+": "+canary+" in headers, "+location] = withStatus(status, all, echo)
			}
		}
	}
	tests["success"] = withJSON(echo)
}

func TestNoSecretInTheRequestID(t *testing.T) {
	t.Parallel()
	for _, canary := range canaries {
		for _, id := range []string{canary, "a-" + canary + "-b"} {
			for _, isBare := range []bool{false, true} {
				t.Run(fmt.Sprint(id, " ", isBare), func(t *testing.T) {
					t.Parallel()
					echoes := roundTrip(func(req *http.Request) (*http.Response, error) {
						res := &http.Response{StatusCode: http.StatusNotFound, Header: http.Header{"X-Request-Id": {id}}, Body: http.NoBody}
						if !isBare { // a caller's transport need not say whose answer it is, and most fakes don't
							res.Request = req
						}
						return res, nil
					})
					var logged logBuffer
					for _, logger := range loggers(&logged) {
						c, err := kodexa.New(kodexa.WithAPIKey(canaryKey), kodexa.WithBaseURL("http://localhost"), kodexa.WithLogger(logger),
							kodexa.WithHTTPClient(&http.Client{Transport: echoes}))
						if err != nil {
							t.Fatal(err)
						}
						_, err = c.UpdateSession(t.Context(), uuid.Nil, canarySession())
						report(t, leaksOfError(err))
					}
					report(t, logged.leaks())
				})
			}
		}
	}
}

func TestNoSecretInWhatIsMadeOfARequest(t *testing.T) {
	t.Parallel()
	c, err := kodexa.New(kodexa.WithAPIKey(canaryKey), kodexa.WithBaseURL("http://localhost"), kodexa.WithRetry(kodexa.RetryPolicy{MaxAttempts: 1}),
		kodexa.WithHTTPClient(&http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
			return &http.Response{
				StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {jsonMedia}}, Body: io.NopCloser(strings.NewReader(`{}`)),
			}, nil
		})}))
	if err != nil {
		t.Fatal(err)
	}
	for name, member := range map[string]string{
		"a bad literal":    canaryText,
		"a bad escape":     `"\x` + canaryText + `"`,
		"invalid UTF-8":    `"` + canaryText + "\xff\"",
		"a cut string":     `"` + canaryText,
		"a bad number":     canaryNumber + ".",
		"two values":       canaryNumber + " " + canaryNumber,
		"a repeated name":  `{"a":"` + canaryText + `","a":"` + canaryText + `"}`,
		"an unquoted name": `{` + canaryText + `:1}`,
	} {
		s := canarySession()
		s.Set("x", json.RawMessage(member))
		_, err := c.UpdateSession(t.Context(), uuid.Nil, s)
		if err == nil {
			t.Errorf("%s is sent", name)
		}
		report(t, leaksOfError(err))
		_, err = c.API().UpdateSessionWithResponse(t.Context(), uuid.Nil, s)
		report(t, leaksOfError(err))
	}
	for name, s := range map[string]kodexa.Session{
		"a string that is not UTF-8":            {Token: new(canaryToken + "\xff")},
		"a date-time that is none":              {CreatedOn: new(time.Date(77319, 1, 1, 0, 0, 0, 0, time.UTC)), Token: new(canaryToken)},
		"a named member among the unnamed ones": {Token: new(canaryToken), AdditionalProperties: map[string]json.RawMessage{"token": []byte(`"` + canaryToken + `"`)}},
		"a member in another case":              {AdditionalProperties: map[string]json.RawMessage{"Token": []byte(`"` + canaryToken + `"`)}},
	} {
		_, err := c.UpdateSession(t.Context(), uuid.Nil, s)
		if err == nil {
			t.Errorf("%s is sent", name)
		}
		report(t, leaksOfError(err))
	}

	tests := map[string]string{}
	addBrokenBodies(t, tests, echo(t))
	addBrokenMembers(t, tests)
	for name, answer := range tests {
		header, body, _ := strings.Cut(answer, "\r\n\r\n")
		if strings.Contains(header, "Encoding") || strings.Contains(name, "cut") {
			continue
		}
		_, err := c.API().UpdateSessionWithBodyWithResponse(t.Context(), uuid.Nil, "application/json", strings.NewReader(body))
		if err == nil && !strings.Contains(name, "media type") {
			t.Errorf("%s: is sent", name)
		}
		report(t, leaksOfError(err))
	}
	_, err = c.API().UpdateSessionWithBodyWithResponse(t.Context(), uuid.Nil, canaryText+"/"+canaryToken, strings.NewReader(echo(t)))
	if err == nil {
		t.Error("another media type is sent")
	}
	report(t, leaksOfError(err))

	t.Run("headers of an editor", func(t *testing.T) {
		t.Parallel()
		c, err := kodexa.New(kodexa.WithAPIKey(canaryKey), kodexa.WithBaseURL(rawServer(t, "")), kodexa.WithRetry(kodexa.RetryPolicy{MaxAttempts: 1}))
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.UpdateSession(t.Context(), uuid.Nil, canarySession(), func(_ context.Context, req *http.Request) error {
			req.Header.Set("X-Other-Key", canaryKey+"\n")
			return nil
		})
		if err == nil {
			t.Error("a broken header is sent")
		}
		report(t, leaksOfError(err))
	})
}

func TestNoSecretInWhatIsMadeOfValues(t *testing.T) {
	t.Parallel()
	server := kodexatest.NewServer()
	t.Cleanup(server.Close)
	s := canarySession()
	s.ID = new(uuid.Nil.String())
	server.SetSession(s)
	if _, err := server.Client().UpdateSession(t.Context(), uuid.Nil, s); err != nil {
		t.Fatal(err)
	}
	api, broken := &kodexa.APIError{
		StatusCode: 404, Message: "no such session", Header: http.Header{"X-Api-Key": {canaryKey}}, Body: []byte(canaryToken),
	}, &kodexa.ContractError{In: kodexa.InRequest, Header: http.Header{"X-Api-Key": {canaryKey}}, Body: []byte(canaryToken)}
	call := &kodexa.CallError{Method: "PUT", Path: "/", Err: api}
	read := &gen.GetSessionResponse{
		Body: []byte(canaryToken), JSON200: &s, HTTPResponse: &http.Response{Status: canaryText, Header: http.Header{"X-Api-Key": {canaryKey}}},
	}
	response := &gen.UpdateSessionResponse{
		Body: []byte(canaryToken), JSON200: &s,
		HTTPResponse: &http.Response{StatusCode: http.StatusOK, Status: canaryText, Header: http.Header{"X-Api-Key": {canaryKey}}},
	}
	client := server.Client(kodexa.WithAPIKey(canaryKey))
	values := map[string]any{
		"client": client, "generated client": client.API(), "generated client itself": client.API().ClientInterface,
		"session": s, "session pointer": &s, "nil session": (*kodexa.Session)(nil), "sessions": []kodexa.Session{s}, "map of sessions": map[string]*kodexa.Session{"a": &s},
		"organization": *s.Organization, "organization pointer": s.Organization,
		"link": *s.Organization.AuthGroupLink, "link pointer": s.Organization.AuthGroupLink,
		"memory": *s.Organization.Memory, "memory pointer": s.Organization.Memory,
		"response": *response, "response pointer": response, "nil response": (*gen.UpdateSessionResponse)(nil),
		"read": *read, "read pointer": read, "nil read": (*gen.GetSessionResponse)(nil), "call error": *call, "call error pointer": call,
		"API error": *api, "API error pointer": api, "contract error": *broken, "contract error pointer": broken,
		"policy": kodexa.RetryPolicy{}, "options": []kodexa.Option{kodexa.WithAPIKey(canaryKey), kodexa.FromEnv()},
		"server": server, "request": server.Requests()[0], "request pointer": &server.Requests()[0], "requests": server.Requests(),
	}
	for name, v := range values {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := leaksOfValue(name, v)
			if strings.Contains(name, "sessions") || name == "requests" {
				// Collections are encoded as JSON by slog.JSONHandler, not asked for their log value.
				found = slices.DeleteFunc(found, func(leak string) bool { return strings.HasPrefix(leak, "log of") })
			}
			report(t, found)
		})
	}
	report(t, slices.Concat(leaksOfError(call), leaksOfError(api), leaksOfError(broken), leaksOfError(errors.Join(api, fmt.Errorf("outer: %w", broken)))))

	t.Run("the test server's own key", func(t *testing.T) {
		t.Parallel()
		for name, v := range map[string]any{"server": server, "client": server.Client(), "requests": server.Requests()} {
			var logged bytes.Buffer
			for _, log := range loggers(&logged) {
				log.Info("m", name, v)
			}
			for _, text := range []string{fmt.Sprintf("%v %+v %#v %s %q %x %d", v, v, v, v, v, v, v), logged.String()} {
				if name != "requests" && strings.Contains(text, server.APIKey) {
					t.Errorf("%s shows it: %s", name, text)
				}
			}
		}
	})
}

func TestNoSecretInErrorsOfNew(t *testing.T) { // not parallel: it sets the environment
	for name, opt := range map[string]kodexa.Option{
		"key with a line break":      kodexa.WithAPIKey(canaryKey + "\n"),
		"key with a line break in":   kodexa.WithAPIKey(canaryKey + "\r\nX-A: " + canaryKey),
		"key with a space before it": kodexa.WithAPIKey(" " + canaryKey),
		"key with a space after it":  kodexa.WithAPIKey(canaryKey + "\t"),
		"key with a zero byte":       kodexa.WithAPIKey(canaryKey + "\x00" + canaryKey),
		"key that is not ASCII":      kodexa.WithAPIKey("é" + canaryKey),
		"user agent":                 kodexa.WithUserAgent(canaryKey + "\x7f"),
		"password":                   kodexa.WithBaseURL("https://u:" + canaryKey + "@example.com"),
		"user":                       kodexa.WithBaseURL("https://" + canaryKey + "@example.com"),
		"password of a bad URL":      kodexa.WithBaseURL("https://u:" + canaryKey + "@[example.com"),
		"password with an escape":    kodexa.WithBaseURL("https://u:" + canaryKey + "%zz@example.com"),
		"URL with a control":         kodexa.WithBaseURL("https://u:" + canaryKey + "@example.com\x7f"),
		"bad port":                   kodexa.WithBaseURL("https://example.com:" + canaryKey),
		"query":                      kodexa.WithBaseURL("https://example.com?key=" + canaryKey),
		"fragment":                   kodexa.WithBaseURL("https://example.com#" + canaryKey),
		"scheme":                     kodexa.WithBaseURL(canaryKey + "://example.com"),
		"no scheme":                  kodexa.WithBaseURL(canaryKey),
		"no host":                    kodexa.WithBaseURL("https:///" + canaryKey),
		"path":                       kodexa.WithBaseURL("https://example.com/%2F" + canaryKey),
		"plaintext":                  kodexa.WithBaseURL("http://" + canaryKey + ".example.com/" + canaryKey),
		"URL in the key's place":     kodexa.WithAPIKey("https://" + canaryKey + "\n"),
	} {
		c, err := kodexa.New(kodexa.WithAPIKey(canaryKey), opt)
		if err == nil {
			t.Errorf("%s: New accepts it", name)
		}
		report(t, slices.Concat(leaksOfError(err), leaksOfValue(name, c)))
	}
	for _, name := range []string{"KODEXA_API_KEY", "KODEXA_ACCESS_TOKEN", "KODEXA_URL"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("KODEXA_API_KEY", "")
			t.Setenv("KODEXA_ACCESS_TOKEN", "")
			t.Setenv("KODEXA_URL", "")
			t.Setenv(name, canaryKey+"\n")
			_, err := kodexa.New(kodexa.FromEnv())
			if err == nil {
				t.Error("New accepts it")
			}
			report(t, leaksOfError(err))
		})
	}
}
