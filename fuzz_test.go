package kodexa_test

import (
	"bufio"
	"bytes"
	"context"
	jsonv1 "encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers/legacy"
	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	kodexa "github.com/kodexa-community/kodexa-go"
	"github.com/kodexa-community/kodexa-go/gen"
)

// FuzzResponse answers a call with anything. What is accepted keeps the contract by kin-openapi's word and rules 1 and 2 of
// the design; what is refused breaks the one or the others.
func FuzzResponse(f *testing.F) {
	for _, body := range documents(f) {
		f.Add(200, "application/json", body)
	}
	f.Add(200, "Application/JSON ; charset=utf-8", []byte(`{"createdOn":"2024-02-29T23:59:59.5+14:00"}`))
	f.Add(200, "text/html", []byte(`<html>`))
	f.Add(200, "", []byte(`{}`))
	f.Add(204, "application/json", []byte(``))
	f.Add(101, "application/json", []byte(`{}`))
	f.Add(307, "application/problem+json", []byte(`{"message":"moved"}`))
	f.Add(409, "application/json", []byte(`{"errors":{"a":["b"]}}`))
	f.Add(502, "text/html", []byte(`<html>bad gateway`))
	oracle := newOracle(f)
	strict := answering(f)
	lenient := answering(f, kodexa.WithReportOnly(func(context.Context, *kodexa.CallError) {}))
	f.Fuzz(func(t *testing.T, status int, contentType string, body []byte) {
		if status < 100 || status > 999 {
			t.Skip("not a status")
		}
		body = planted(body)
		header := http.Header{"Content-Type": {contentType}}
		ctx := context.WithValue(t.Context(), answerKey{}, answered{status: status, header: header, body: body})
		sent := kodexa.Session{State: new(canaryText)} // so that a message that repeats it masks it
		session, err := strict.UpdateSession(ctx, uuid.Nil, sent)
		if (session == nil) == (err == nil) {
			t.Fatalf("got %v, %v", session, err)
		}
		if err != nil {
			checkTexts(t, err)
		}
		if session, err := lenient.UpdateSession(ctx, uuid.Nil, sent); (session == nil) == (err == nil) {
			t.Errorf("by a lenient client: %v, %v", session, err)
		}
		res, apiErr := strict.API().UpdateSessionWithResponse(ctx, uuid.Nil, sent)
		if broken, ok := errors.AsType[*kodexa.ContractError](err); ok && apiErr == nil {
			if id, parseErr := uuid.Parse(*res.JSON200.ID); broken.Violations[0].Pointer != "/id" || parseErr != nil || id == uuid.Nil {
				t.Errorf("%v, but the generated client accepts it", err)
			}
			return
		}
		if (err == nil) != (apiErr == nil && res.JSON200 != nil) || err != nil && err.Error() != apiErr.Error() {
			t.Errorf("%v, but by the generated client %v", err, apiErr)
		}
		if status/100 != 2 {
			want := body
			if status == http.StatusSwitchingProtocols {
				want = nil // what follows is no body
			}
			if api, ok := errors.AsType[*kodexa.APIError](err); !ok || api.StatusCode != status || !bytes.Equal(api.Body, want) {
				t.Errorf("got %v of status %d", err, status)
			}
			return
		}
		kinSays, ruleSays := oracle.response(t, status, header, body), oracle.rules(body)
		switch {
		case err == nil && kinSays != nil:
			t.Errorf("accepted, but kin-openapi says: %v", kinSays)
		case err == nil && ruleSays != "":
			t.Errorf("accepted, but %s", ruleSays)
		case err != nil && kinSays == nil && ruleSays == "":
			t.Errorf("refused without a reason: %v", err)
		}
		if broken, ok := errors.AsType[*kodexa.ContractError](err); err != nil {
			if !ok || broken.StatusCode != status || !bytes.Equal(broken.Body, body) || len(broken.Violations) == 0 {
				t.Errorf("got %#v", err)
			}
		} else if got, err := json.Marshal(session); err != nil || oracle.response(t, 200, header, got) != nil {
			t.Errorf("became %s, %v", got, err)
		}
	})
}

// FuzzTransport has a transport that breaks the contract of http.RoundTripper. Nothing panics, and no text has what was sent.
func FuzzTransport(f *testing.F) {
	for flaws := range uint8(64) {
		f.Add(200, "Content-Type", "application/json", []byte(`{"state":"canary"}`), flaws)
		f.Add(404, "X-Request-Id", "canary", []byte(`{"message":"canary"}`), flaws)
	}
	f.Add(0, "", "", []byte(nil), uint8(0))
	f.Add(-1, "Location", "://canary", []byte(`canary`), uint8(0))
	f.Add(301, "Location", "http://[canary", []byte(`canary`), uint8(0))
	f.Add(429, "Retry-After", "canary", []byte(`canary`), uint8(0))
	f.Add(503, "Retry-After", "99999999999999999999", []byte(``), uint8(0))
	f.Add(200, "Content-Encoding", "canary", []byte(`{`), uint8(0))
	f.Add(400, "Content-Type", "text/plain", []byte("\x00canary\xff\x1b"), uint8(0))
	f.Add(1000, "X-A", "canary", []byte(`[{"canary":1,"canary":2}]`), uint8(3))
	strict := answering(f)
	lenient := answering(f, kodexa.WithReportOnly(func(context.Context, *kodexa.CallError) {}))
	f.Fuzz(func(t *testing.T, status int, name, value string, body []byte, flaws uint8) {
		body, value = planted(body), strings.ReplaceAll(value, "canary", canaryText)
		header := http.Header{name: {value}}
		if name != "Content-Type" && status == http.StatusOK {
			header["Content-Type"] = []string{"application/json"}
		}
		ctx := context.WithValue(t.Context(), answerKey{}, answered{status, header, body, flaws})
		for kind, c := range map[string]*kodexa.Client{"strict": strict, "lenient": lenient} {
			session, err := c.UpdateSession(ctx, uuid.Nil, kodexa.Session{State: new(canaryText)})
			if _, ok := err.(*kodexa.CallError); (session == nil) == (err == nil) || err != nil && !ok {
				t.Fatalf("%s: got %v, %v", kind, session, err)
			}
			if err != nil {
				checkTexts(t, err)
			}
			if session, err = c.GetSession(ctx, uuid.Nil); (session == nil) == (err == nil) || errors.Is(err, kodexa.ErrOutcomeUnknown) {
				t.Errorf("%s: read %v, %v", kind, session, err)
			}
		}
	})
}

// FuzzRequestBody sends anything through the generated client. It arrives as it is, or not at all.
func FuzzRequestBody(f *testing.F) {
	for _, body := range documents(f) {
		f.Add("application/json", body)
	}
	f.Add("application/json", []byte(``))
	f.Add("application/json; charset=utf-8", []byte(` {"x" : 1.10} `))
	f.Add("text/plain", []byte(`{}`))
	oracle := newOracle(f)
	c := answering(f)
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		body = planted(body)
		var sent [][]byte
		ctx := context.WithValue(t.Context(), sentKey{}, &sent)
		res, err := c.API().UpdateSessionWithBodyWithResponse(ctx, uuid.Nil, contentType, bytes.NewReader(body))
		broken, isContract := errors.AsType[*kodexa.ContractError](err)
		switch {
		case err == nil && (res.JSON200 == nil || len(sent) != 1 || !bytes.Equal(sent[0], body)):
			t.Errorf("sent %q, got %v", sent, res)
		case err != nil && !isContract && strings.ContainsFunc(contentType, func(r rune) bool { return r < ' ' && r != '\t' || r == '\x7f' }):
			return // it can't be sent
		case err != nil && (!isContract || broken.In != kodexa.InRequest || broken.StatusCode != 0 || len(broken.Violations) == 0):
			t.Errorf("got %#v", err)
		case err != nil && (len(sent) != 0 || !bytes.Equal(broken.Body, body) || errors.Is(err, kodexa.ErrOutcomeUnknown)):
			t.Errorf("sent %q, got %v", sent, err)
		}
		if err != nil {
			checkTexts(t, err)
		}
		if len(body) == 0 {
			return
		}
		kinSays, ruleSays := oracle.request(t, contentType, body), oracle.rules(body)
		switch {
		case err == nil && kinSays != nil:
			t.Errorf("sent, but kin-openapi says: %v", kinSays)
		case err == nil && ruleSays != "":
			t.Errorf("sent, but %s", ruleSays)
		case err != nil && kinSays == nil && ruleSays == "":
			t.Errorf("refused without a reason: %v", err)
		}
	})
}

// FuzzBaseURL makes clients of anything. Where one is made, its requests go where the URL says and can be sent.
func FuzzBaseURL(f *testing.F) {
	for _, rawURL := range []string{
		"", "https://platform.kodexa.ai", "https://platform.kodexa.ai/", "https://platform.kodexa.ai/api", "https://h/api/api//", "HTTPS://H:8443/a/../b/",
		"http://localhost:80", "http://LOCALHOST", "http://127.8.9.10", "http://[::1]:80/x", "http://[::ffff:127.0.0.1]", "http://[::1%25lo]",
		"http://0177.0.0.1", "http://127.1", "http://localhost.example.com", "http://localhost.", "http://localho\u017ft", "http://example.com",
		"https://u:p@h", "https://@h", "https://h?q", "https://h?", "https://h#f", "https://h#", "https://", "https:///x", "https://:80", "https://h:", "https://h:99999",
		"ftp://h", "//h", "h", "https:h", "https://h/%2F", "https://h/%20", "https://h/ü", "https://ü", "https://h/a b", "https://h\\@x", " https://h", "https://h\n",
		"https://h/%2e%2e/x", "https://h/;a", "https://h/a:b", "https://h/api/", "https://h/xapi", "https://h/?", "https://[::1", "https://%41", "https://a%20b", "https://-", "http://[::%25\x8e]",
	} {
		f.Add(rawURL, false)
		f.Add(rawURL, true)
	}
	f.Fuzz(func(t *testing.T, rawURL string, plaintext bool) {
		went, err := whereItGoes(t, rawURL, plaintext)
		if went == nil {
			if err == nil || len(rawURL) > 15 && strings.Contains(err.Error(), rawURL) {
				t.Errorf("%q: %v", rawURL, err)
			}
			return
		}
		if went.Scheme != "https" && went.Scheme != "http" || went.Host == "" || went.User != nil || went.RawQuery != "" || went.Fragment != "" {
			t.Errorf("%q leads to %q", rawURL, went)
		}
		if went.Scheme == "http" && !plaintext && !isLoopback(went.Hostname()) {
			t.Errorf("%q leads to %q without WithPlaintextHTTP", rawURL, went)
		}
		prefix, ok := strings.CutSuffix(went.String(), "/api/sessions/"+uuid.Nil.String())
		if !ok || strings.HasSuffix(prefix, "/") {
			t.Errorf("%q leads to %q", rawURL, went)
		}
		for _, same := range []string{prefix + "/api", prefix + "/api/"} {
			if again, err := whereItGoes(t, same, plaintext); again == nil || again.String() != went.String() {
				t.Errorf("%q leads to %q, but %q to %q: %v", rawURL, went, same, again, err)
			}
		}
	})
}

// whereItGoes returns the URL of a request of a client that has rawURL, or the error of New.
func whereItGoes(t *testing.T, rawURL string, plaintext bool) (*url.URL, error) {
	t.Helper()
	var went *url.URL
	opts := []kodexa.Option{kodexa.WithAPIKey("key"), kodexa.WithBaseURL(rawURL), kodexa.WithHTTPClient(&http.Client{
		Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
			went = req.URL
			if err := req.Write(io.Discard); err != nil { // as net/http's transport would
				t.Errorf("%q can't be sent to: %v", rawURL, err)
			}
			return accepted(req)
		}),
	})}
	if plaintext {
		opts = append(opts, kodexa.WithPlaintextHTTP())
	}
	c, err := kodexa.New(opts...)
	if err != nil {
		return nil, err
	}
	if _, err := c.UpdateSession(t.Context(), uuid.Nil, kodexa.Session{}); err != nil {
		t.Errorf("New accepts %q, but a call says %v", rawURL, err)
	}
	return went, nil
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return err == nil && (addr.IsLoopback() || addr.Unmap().IsLoopback()) || asciiLower(host) == "localhost"
}

func asciiLower(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, s)
}

// FuzzHeaderText gives keys and user agents that are anything. Accepted are those that arrive unchanged.
func FuzzHeaderText(f *testing.F) {
	for _, text := range []string{
		"", "a", "a b", "Bearer a", "bearer a", "\"a\"", "'a'", "`a`", "\"", "\"\"", "\"a'", " a", "a ", "\ta", "a\t", "a\tb", "a\nb", "a\r\nX-A: b", "a\x00", "a\x7f", "~!\"#$%&'()*+,-./:;<=>?@[]^_`{|}\\", "é", "a\u00a0", "\xff", "\u2028",
	} {
		f.Add(text)
	}
	isMistaken := regexp.MustCompile("^(Bearer .*|\"(.*\")|'(.*')|`(.*`))$")
	isSendable := regexp.MustCompile(`^[!-~]([ -~]*[!-~])?$`)
	f.Fuzz(func(t *testing.T, text string) {
		for header, opts := range map[string][]kodexa.Option{
			"X-Api-Key":  {kodexa.WithAPIKey(text)},
			"User-Agent": {kodexa.WithAPIKey("key"), kodexa.WithUserAgent(text)},
		} {
			want := isSendable.MatchString(text) && (header != "X-Api-Key" || !isMistaken.MatchString(text))
			var got string
			c, err := kodexa.New(append(opts, kodexa.WithBaseURL("http://localhost"), kodexa.WithHTTPClient(&http.Client{
				Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
					var wire bytes.Buffer
					if err := req.Write(&wire); err != nil {
						t.Errorf("%q can't be sent: %v", text, err)
					}
					arrived, err := http.ReadRequest(bufio.NewReader(&wire))
					if err != nil {
						t.Errorf("%q does not arrive: %v", text, err)
					}
					got = arrived.Header.Get(header)
					return accepted(req)
				}),
			}))...)
			if (err == nil) != want || err != nil && len(text) > 15 && strings.Contains(err.Error(), text) {
				t.Errorf("%s %q: %v", header, text, err)
			}
			if err != nil {
				continue
			}
			if _, err := c.UpdateSession(t.Context(), uuid.Nil, kodexa.Session{}); err != nil {
				t.Errorf("%s %q: %v", header, text, err)
			}
			if got != text && !strings.HasPrefix(got, text+" kodexa-go") {
				t.Errorf("%s %q arrives as %q", header, text, got)
			}
		}
	})
}

// answered is what a call's context says that it is answered with; by default a success.
type answered struct {
	status int
	header http.Header
	body   []byte
	flaws  uint8 // of the transport, one a bit
}

type (
	answerKey struct{}
	sentKey   struct{}
)

// accepted is an answer that keeps the contract.
func accepted(req *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {jsonMedia}}, ContentLength: -1,
		Body: io.NopCloser(strings.NewReader(`{}`)), Request: req,
	}, nil
}

// answering returns a client whose answers are those of the contexts of its calls.
func answering(f *testing.F, opts ...kodexa.Option) *kodexa.Client {
	f.Helper()
	c, err := kodexa.New(append(opts, kodexa.WithAPIKey("key"), kodexa.WithBaseURL("http://localhost"),
		kodexa.WithRetry(kodexa.RetryPolicy{MaxAttempts: 1}), kodexa.WithHTTPClient(&http.Client{Transport: fromContext{}}))...)
	if err != nil {
		f.Fatal(err)
	}
	return c
}

type fromContext struct{}

func (fromContext) RoundTrip(req *http.Request) (*http.Response, error) {
	if sent, ok := req.Context().Value(sentKey{}).(*[][]byte); ok {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		*sent = append(*sent, body)
	}
	answer, ok := req.Context().Value(answerKey{}).(answered)
	if !ok {
		return accepted(req)
	}
	res := &http.Response{
		StatusCode: answer.status, Header: answer.header.Clone(), ContentLength: int64(len(answer.body)),
		Body: io.NopCloser(bytes.NewReader(answer.body)), Request: req,
	}
	has := func(bit int) bool { return answer.flaws>>bit&1 == 1 }
	if has(0) {
		res.Body = nil
	}
	if has(1) {
		res.Header = nil
	}
	if has(2) {
		res.Header = http.Header{"Content-Type": {}, "X-Request-Id": nil, "Retry-After": {}}
	}
	if has(3) {
		res.Request, res.ContentLength = nil, math.MinInt64
	}
	if has(4) {
		res.ContentLength = math.MaxInt64
	}
	if has(5) {
		return res, fmt.Errorf("an error beside an answer that says %q", answer.body)
	}
	if has(6) {
		return nil, nil //nolint:nilnil // as none should
	}
	return res, nil
}

// documents returns JSON texts that keep the contract and texts that don't.
func documents(f *testing.F) (bodies [][]byte) {
	f.Helper()
	for _, body := range []string{
		``, `null`, `{}`, `[]`, `{"changeSequence":2147483647,"createdOn":"1999-12-31T23:59:59Z","organizationId":null,"state":"A","x":[{"b":1e999}]}`,
		`{"changeSequence":2147483648}`, `{"changeSequence":-0}`, `{"token":"canary"}`, `{"canary":"canary","canary":1}`, `{"createdOn":"canary","x":canary}`, `{"changeSequence":1.0}`, `{"changeSequence":1e2}`, `{"changeSequence":null}`,
		`{"createdOn":"1999-02-30T00:00:00Z"}`, `{"createdOn":"1999-12-31T23:59:60Z"}`, `{"createdOn":"1999-12-31T24:00:00Z"}`, `{"createdOn":"1999-12-31t00:00:00z"}`,
		`{"createdOn":"1999-12-31T23:59:59.1234567890123Z"}`, `{"createdOn":"1999-12-31T23:59:59+24:00"}`, `{"createdOn":"1999-12-31T23:59:59,5Z"}`,
		`{"createdOn":"\u0031999-12-31T23:59:59Z"}`, `{"createdOn":"0000-01-01T00:00:00Z"}`,
		`{"state":"\ud800"}`, `{"x":"\udc00\ud800"}`, `{"x":"\ud83d\ude00"}`, "{\"state\":\"\xff\"}", "{\"\xff\":1}", "\ufeff{}", "{}\x00", `{} {}`, `{"a":1,"a":2}`, `{"a":1,"\u0061":2}`,
		`{"State":"a"}`, `{"ſtate":"a"}`, `{"\u0053tate":"a"}`, `{"st\u0061te":"a"}`, `{"organization":{"NAME":1}}`, `{"x":{"STATE":1}}`,
		`{"organization":{"features":{"a":{"A":1,"a":2}},"properties":{"b":[1,"c",null]},"memory":{"orderedDashboards":["d"],"e":null},"authGroupLink":{"authGroup":"f"}}}`,
		`{"organization":{"memory":{"orderedDashboards":[null]}}}`, `{"organization":{"features":null}}`, `{"organization":{"features":[]}}`, `{"organization":null}`,
		`{"organization":{"hasImage":"true","publicAccess":false,"supportAccessExpiresAt":"x"}}`, `{"id":01}`, `{"id":'a'}`, `{"x":1,}`, `{"x":+1}`, `{"x":.5}`,
		`{"":1,"/":2,"~":3,"~1":4}`, `{"changeSequence":9223372036854775808,"x":-9223372036854775809}`,
	} {
		bodies = append(bodies, []byte(body))
	}
	bodies = append(bodies, contents(f, "examples/*.json")...)
	for _, content := range contents(f, "violations/*.json") {
		var rows []struct {
			Body   string
			Base64 []byte // in place of Body
		}
		if err := jsonv1.Unmarshal(content, &rows); err != nil {
			f.Fatal(err)
		}
		for _, row := range rows {
			bodies = append(bodies, append(row.Base64, row.Body...))
		}
	}
	return bodies
}

// contents returns those of the files in api that match pattern.
func contents(f *testing.F, pattern string) (all [][]byte) {
	f.Helper()
	api := os.DirFS("api")
	files, err := fs.Glob(api, pattern)
	if err != nil || len(files) == 0 {
		f.Fatalf("%s: %v, %v", pattern, files, err)
	}
	for _, file := range files {
		content, err := fs.ReadFile(api, file)
		if err != nil {
			f.Fatal(err)
		}
		all = append(all, content)
	}
	return all
}

// planted returns body with a secret in each place where it says canary, as many seeds do.
func planted(body []byte) []byte { return bytes.ReplaceAll(body, []byte("canary"), []byte(canaryText)) }

// checkTexts looks for what was planted in all that an error says, but for the names that point to a violation.
func checkTexts(t *testing.T, err error) {
	t.Helper()
	text := mustJSON(err) + fmt.Sprintf(" %v %+v %#v %d", err, err, err, err)
	for cause := err; cause != nil; cause = errors.Unwrap(cause) {
		if text += " " + cause.Error(); wrapsForeign(cause) {
			break
		}
	}
	if broken, ok := errors.AsType[*kodexa.ContractError](err); ok {
		for _, v := range broken.Violations {
			for _, pointer := range []string{v.Pointer, mustJSON(v.Pointer), strconv.Quote(v.Pointer)} {
				text = strings.ReplaceAll(text, pointer, "")
			}
		}
	}
	if found := leaks(text); found != nil {
		t.Errorf("%s of the body is in %s", found, text)
	}
}

// oracle tells what kin-openapi and the rules say about a message, and shares no code with the client.
type oracle struct {
	session *openapi3.Schema
	input   func(*http.Request) *openapi3filter.RequestValidationInput
}

func newOracle(f *testing.F) *oracle {
	f.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(kodexa.Spec())
	if err != nil {
		f.Fatal(err)
	}
	doc.Servers = nil
	router, err := legacy.NewRouter(doc)
	if err != nil {
		f.Fatal(err)
	}
	return &oracle{session: doc.Components.Schemas["Session"].Value, input: func(req *http.Request) *openapi3filter.RequestValidationInput {
		route, params, err := router.FindRoute(req)
		if err != nil {
			panic(err)
		}
		return &openapi3filter.RequestValidationInput{Request: req, Route: route, PathParams: params, Options: &openapi3filter.Options{
			AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true, SkipSettingDefaults: true,
		}}
	}}
}

func (o *oracle) response(t *testing.T, status int, header http.Header, body []byte) error {
	t.Helper()
	in := o.input(o.newRequest(t, "application/json", []byte(`{}`)))
	return openapi3filter.ValidateResponse(t.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: status, Options: in.Options,
		Header: http.Header{"Content-Type": {mediaType(header.Get("Content-Type"))}}, Body: io.NopCloser(bytes.NewReader(body)),
	})
}

func (o *oracle) request(t *testing.T, contentType string, body []byte) error {
	t.Helper()
	return openapi3filter.ValidateRequest(t.Context(), o.input(o.newRequest(t, mediaType(contentType), body)))
}

func (o *oracle) newRequest(t *testing.T, contentType string, body []byte) *http.Request {
	t.Helper()
	req, err := gen.NewUpdateSessionRequestWithBody("http://localhost", uuid.Nil, contentType, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// mediaType returns a media type as kin-openapi spells it: a media type has no case, and its parameters do not matter here.
func mediaType(contentType string) string {
	name, _, _ := strings.Cut(contentType, ";")
	if name = strings.TrimSpace(name); strings.EqualFold(name, "application/json") {
		return "application/json"
	}
	return contentType
}

// rules returns which of rules 1 and 2 a body of JSON breaks, beyond what kin-openapi says.
func (o *oracle) rules(body []byte) string {
	switch {
	case !utf8.Valid(body):
		return "it is not UTF-8"
	case !jsonv1.Valid(body):
		return "it is not one JSON value"
	case hasLoneSurrogate(body):
		return "it has half a character"
	}
	dec := jsonv1.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	return rulesOfValue(dec, o.session)
}

// rulesOfValue reads a value token by token; schema is nil where the contract says nothing.
func rulesOfValue(dec *jsonv1.Decoder, schema *openapi3.Schema) string {
	token, err := dec.Token()
	if err != nil {
		return err.Error()
	}
	if schema == nil {
		schema = &openapi3.Schema{}
	}
	switch token := token.(type) {
	case jsonv1.Number:
		if _, err := strconv.ParseInt(token.String(), 10, 32); schema.Type.Is("integer") && err != nil {
			return "it has an integer that is none"
		}
	case string:
		if err := new(time.Time).UnmarshalText([]byte(token)); schema.Format == "date-time" && err != nil {
			return "it has a date-time that is none"
		}
	case jsonv1.Delim:
		broken, names := "", map[string]bool{}
		for dec.More() {
			var of *openapi3.Schema
			if token == '[' && schema.Items != nil {
				of = schema.Items.Value
			}
			if token == '{' {
				name, err := dec.Token()
				if err != nil {
					return err.Error()
				}
				key := name.(string) //nolint:forcetypeassert // it is
				if names[key] {
					broken = "it repeats a name"
				}
				names[key] = true
				for known, property := range schema.Properties {
					switch {
					case key == known:
						of = property.Value
					case strings.EqualFold(key, known):
						broken = "it has a name in another case"
					}
				}
			}
			if inner := rulesOfValue(dec, of); inner != "" {
				broken = inner
			}
		}
		if _, err := dec.Token(); err != nil {
			return err.Error()
		}
		return broken
	}
	return ""
}

// hasLoneSurrogate reports whether a text of JSON escapes one half of a character without the other.
func hasLoneSurrogate(body []byte) bool {
	high := false
	for i := 0; i < len(body); i++ {
		unit := uint64(0)
		if body[i] == '\\' {
			if i++; body[i] == 'u' {
				unit, _ = strconv.ParseUint(string(body[i+1:i+5]), 16, 16)
				i += 4
			}
		}
		isLow := unit >= 0xdc00 && unit <= 0xdfff
		if high != isLow {
			return true
		}
		high = unit >= 0xd800 && unit <= 0xdbff
	}
	return high
}
