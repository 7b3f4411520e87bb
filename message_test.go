package kodexa_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"testing"

	kodexa "github.com/kodexa-community/kodexa-go"
)

func TestMessageIsFoundInTheUsualShapes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		testCase
		contentType, body, message string
	}{
		{at("message"), jsonMedia, `{"message":"stale"}`, "stale"},
		{at("error"), jsonMedia, `{"error":"stale"}`, "stale"},
		{at("detail"), jsonMedia, `{"type":"about:blank","detail":"stale"}`, "stale"},
		{at("title"), jsonMedia, `{"title":"stale","status":409}`, "stale"},
		{at("msg"), jsonMedia, `{"msg":"stale"}`, "stale"},
		{at("message before error"), jsonMedia, `{"error":"Conflict","message":"stale"}`, "stale"},
		{at("detail before title"), jsonMedia, `{"title":"Conflict","detail":"stale"}`, "stale"},
		{at("error before errors"), jsonMedia, `{"errors":["taken"],"error":"stale"}`, "stale"},
		{at("empty message"), jsonMedia, `{"message":"","error":"stale"}`, "stale"},
		{at("null message"), jsonMedia, `{"message":null,"error":"stale"}`, "stale"},
		{at("message within error"), jsonMedia, `{"error":{"code":409,"message":"stale"}}`, "stale"},
		{at("deeply nested"), jsonMedia, `{"error":{"error":{"detail":"stale"}}}`, "stale"},
		{at("errors object"), jsonMedia, `{"errors":{"slug":"too short","name":"is taken"}}`, "name: is taken; slug: too short"},
		{at("errors object of arrays"), jsonMedia, `{"errors":{"slug":["too short","is taken"]}}`, "slug: too short; is taken"},
		{at("errors object of objects"), jsonMedia, `{"errors":{"slug":{"message":"too short"}}}`, "slug: too short"},
		{at("errors array"), jsonMedia, `{"errors":["too short","is taken"]}`, "too short; is taken"},
		{at("errors array of objects"), jsonMedia, `{"errors":[{"message":"too short"},{"code":7},{"detail":"is taken"}]}`, "too short; is taken"},
		{at("detail array of objects with msg"), jsonMedia, `{"detail":[{"loc":["body","slug"],"msg":"too short","type":"value_error"},{"msg":"is taken"}]}`,
			"too short; is taken"},
		{at("errors text"), jsonMedia, `{"errors":"stale"}`, "stale"},
		{at("array"), jsonMedia, `[{"message":"too short"},{"message":"is taken"}]`, "too short; is taken"},
		{at("string"), jsonMedia, `"stale"`, "stale"},
		{at("beyond ASCII"), jsonMedia, `{"message":"zu kurz: Gr\u00f6\u00dfe \ud83d\udd11"}`, "zu kurz: Größe 🔑"},
		{at("problem details"), "application/problem+json", `{"title":"Conflict","detail":"stale"}`, "stale"},
		{at("JSON that claims to be HTML"), "text/html", `{"message":"stale"}`, "stale"},
		{at("JSON of no media type"), "", `{"message":"stale"}`, "stale"},
		{at("plain text"), "text/plain", "stale", "stale"},
		{at("plain text with a parameter"), "text/plain; charset=utf-8", "stale\n", "stale"},
		{at("plain text in another case"), "Text/Plain;charset=utf-8", "stale", "stale"},
		{at("plain text that is JSON"), "text/plain", `{"message":"stale"}`, `{"message":"stale"}`},
		{at("plain text that is not UTF-8"), "text/plain", "zu kurz: Gr\xf6\xdfe\x9b31m", ""},
		{at("something like plain text"), "text/plainly", "stale", ""},
		{at("no usual member"), jsonMedia, `{"reason":"stale","code":409}`, ""},
		{at("numbers"), jsonMedia, `{"message":409,"errors":[1,2]}`, ""},
		{at("empty object"), jsonMedia, `{}`, ""},
		{at("null"), jsonMedia, `null`, ""},
		{at("empty"), jsonMedia, ``, ""},
		{at("truncated"), jsonMedia, `{"message":"stale"`, ""},
		{at("trailing data"), jsonMedia, `{"message":"stale"} x`, ""},
		{at("plain text that claims to be JSON"), jsonMedia, `stale`, ""},
		{at("HTML"), "text/html", `<html><head><title>502 Bad Gateway</title></head></html>`, ""},
	}
	server := startServer(t)
	for _, tt := range tests {
		server.Enqueue(answerWith(http.StatusBadRequest, tt.contentType, []byte(tt.body)))
		_, err := server.Client().UpdateSession(t.Context(), sessionID, kodexa.Session{})
		if answer := apiError(t, tt.place, err); answer.Message != tt.message {
			t.Errorf("%s: got %q, want %q", tt.place, answer.Message, tt.message)
		}
		want := "kodexa: " + operation + ": 400 Bad Request"
		if tt.message != "" {
			want += ": " + tt.message
		}
		if fmt.Sprint(err) != want {
			t.Errorf("%s: got the text %q, want %q", tt.place, err, want)
		}
	}
}

// TestATextThatIsCutIsNoMessage has one that ends within the token that was sent: what is left of it would be shown.
func TestATextThatIsCutIsNoMessage(t *testing.T) {
	t.Parallel()
	const token = "st_7Qm2xV9pL4"
	for name, header := range map[string]string{"a lost connection": "Content-Length: 99", "broken chunks": "Transfer-Encoding: chunked"} {
		server := startServer(t)
		server.Enqueue(func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = fmt.Fprintf(conn, "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n%s\r\n\r\n11\r\nno %s", header, token[:9])
			_ = conn.Close()
		})
		_, err := server.Client(oneTry).UpdateSession(t.Context(), sessionID, kodexa.Session{Token: new(token)})
		if answer := apiError(t, name, err); answer.Message != "" || !bytes.Contains(answer.Body, []byte(token[:9])) {
			t.Errorf("%s: message %q, body %q", name, answer.Message, answer.Body)
		}
	}
}

func TestMessageIsOneLineOfAtMost200Characters(t *testing.T) {
	t.Parallel()
	const key = "🔑"
	for name, tt := range map[string]struct{ text, want string }{
		"white space":             {" a\r\n\r\n  b\tc\v\f ", "a b c"},
		"spaces of other scripts": {"a\u00a0\u2003\u3000b\u2028c", "a b c"},
		"controls":                {"a\x01b\x1b[31mc\x7fd", "a b [31mc d"},
		"marks that turn text":    {"a\u202eb\u200bc\u2066d", "a b c d"},
		"white space alone":       {" \n\t", ""},
		"200 characters":          {strings.Repeat(key, 200), strings.Repeat(key, 200)},
		"201 characters":          {strings.Repeat(key, 201), strings.Repeat(key, 199) + "…"},
		"very many characters":    {strings.Repeat("a", 1<<20-100), strings.Repeat("a", 199) + "…"},
		"200 after the spaces":    {"\n\n" + strings.Repeat("a ", 100) + "\n", strings.TrimSpace(strings.Repeat("a ", 100))},
		"not in its first KiB":    {strings.Repeat(" ", 1024) + "a", ""},
	} {
		server := startServer(t)
		body, err := json.Marshal(map[string]string{"message": tt.text})
		if err != nil {
			t.Fatal(err)
		}
		server.Enqueue(answerWith(http.StatusBadRequest, jsonMedia, body))
		_, err = server.Client().UpdateSession(t.Context(), sessionID, kodexa.Session{})
		if answer := apiError(t, name, err); answer.Message != tt.want || !bytes.Equal(answer.Body, body) {
			t.Errorf("%s: got %q, want %q", name, answer.Message, tt.want)
		}
		if strings.ContainsAny(err.Error(), "\r\n\x00\x1b\u202e\u2028") {
			t.Errorf("%s: the text is not one line: %q", name, err)
		}
	}
}

// maskingClient has a key whose answers to an update with the session below say tt.message.
func TestMessageMasksWhatWasSent(t *testing.T) {
	t.Parallel()
	const quoted = `sl"ash\ed and "quoted"`
	long := strings.Repeat("long text, ", 200)
	session := kodexa.Session{
		ChangeSequence: new(int32(1234567)), Token: new("t0"), State: new("SEVEN77"), UUID: new("EIGHT888"), OrganizationID: map[bool]string{true: quoted},
		Organization: &kodexa.Organization{
			Name: new("Größe XXL"), Description: new(long), Slug: new("acme"), ChangeSequence: new(int32(1234567890)),
			Memory:     &kodexa.OrganizationMemory{OrderedDashboards: &[]string{"dashboard-one"}},
			Properties: &map[string]json.RawMessage{"longPropertyName": json.RawMessage(`{"a":[{"token":"t1"},"free-form text","\u0065scaped text"]}`)},
		},
		AdditionalProperties: map[string]json.RawMessage{"tokens": json.RawMessage(`"t2"`), "n": json.RawMessage("98765432109876543210"), "path": json.RawMessage(`"a/path/😀"`),
			"pattern": json.RawMessage(`"^\\/api\\/v1\\/"`), "folder": json.RawMessage(`"C:\\temp\\u0041dam"`), "red": json.RawMessage(`"\u001b[31mfailed\n"`)},
	}
	tests := []struct {
		testCase
		message, want string
	}{
		{at("the key"), "unknown key " + canaryKey + "!", "unknown key …!"},
		{at("the key more than once"), canaryKey + ", " + canaryKey + canaryKey, "…, …"},
		{at("a half of the key, which is no key"), canaryKey[:12], canaryKey[:12]},
		{at("the token, however short"), "got t0.", "got …."},
		{at("a token deep within"), "got t1.", "got …."},
		{at("a member that is only like a token"), "got t2.", "got t2."},
		{at("8 bytes"), "got EIGHT888.", "got …."},
		{at("7 bytes, as many words are"), "got SEVEN77.", "got SEVEN77."},
		{at("short everyday words"), "acme is taken", "acme is taken"},
		{at("another case, which is another text"), "got eight888.", "got eight888."},
		{at("within a word"), "gotEIGHT888s", "got…s"},
		{at("letters beyond ASCII"), "size Größe XXL is taken", "size … is taken"},
		{at("an item"), "no dashboard-one", "no …"},
		{at("a free-form value"), "bad: free-form text", "bad: …"},
		{at("a value that was sent with an escape"), "bad: escaped text", "bad: …"},
		{at("a value with quotation marks"), "bad: " + quoted + "?", "bad: …?"},
		{at("a value that is quoted as JSON"), `bad: {"organizationId":"sl\"ash\\ed and \"quoted\""}`, `bad: {"organizationId":"…"}`},
		{at("a value that is quoted as ASCII"), `bad: {"x":"Gr\u00f6\u00DFe\u0020XXL"}`, `bad: {"x":"…"}`},
		{at("a value that is quoted for HTML"), `bad: "a\/path\/\ud83d\ude00"`, `bad: "…"`},
		{at("a value that looks quoted for HTML"), `bad: ^\/api\/v1\/ and "^\\/api\\/v1\\/"`, `bad: … and "…"`},
		{at("a value that looks quoted as ASCII"), `bad: C:\temp\u0041dam and "C:\\temp\\u0041dam"`, `bad: … and "…"`},
		{at("a value that is quoted in two ways at once"), "bad: \x1b[31mfailed\n" + ` and "\u001b[31mfailed\n"`, `bad: … and "…"`},
		{at("half a character that is quoted"), `bad: \ud83d EIGHT888`, "bad: \ufffd …"},
		{at("a name, which is no value"), "longPropertyName is unknown, organizationId too", "longPropertyName is unknown, organizationId too"},
		{at("long numbers"), "1234567890, 98765432109876543210 not 1", "…, … not 1"},
		{at("short numbers"), "changeSequence is 1234567", "changeSequence is 1234567"},
		{at("all of it, in one go"), canaryKey + "EIGHT888dashboard-one", "…"},
		{at("overlapping"), "EIGHT888EIGHT888", "…"},
		{at("a value beyond the cut"), strings.Repeat("a", 190) + " EIGHT888 and more", strings.Repeat("a", 190) + " … and mo…"},
		{at("a value of more than a KiB"), "bad: " + long, "bad: …"},
		{at("the end of a KiB within a value"), strings.Repeat("\n", 1020) + "EIGHT888", "…"},
		{at("the end of a KiB within a key"), strings.Repeat(canaryKey, 41), "…"},
		{at("the end of a KiB within a token"), strings.Repeat("\n", 1023) + "t0", "…"},
		{at("the end of a KiB right after a value"), strings.Repeat("\n", 1016) + "EIGHT888 more", "…"},
		{at("the end of a KiB within another text"), strings.Repeat("\n", 1020) + "qqqqq", "qqqq"},
	}
	server := startServer(t)
	for _, tt := range tests {
		for name, update := range doors {
			body, err := json.Marshal(map[string]string{"message": tt.message})
			if err != nil {
				t.Fatal(err)
			}
			server.Enqueue(answerWith(http.StatusBadRequest, jsonMedia, body))
			var logged bytes.Buffer
			client := server.Client(kodexa.WithAPIKey(canaryKey), kodexa.WithLogger(slog.New(slog.NewJSONHandler(&logged, nil))))
			_, err = update(t.Context(), client, session)
			if answer := apiError(t, tt.place, err); answer.Message != tt.want {
				t.Errorf("%s: %s: got %q, want %q", tt.place, name, answer.Message, tt.want)
			}
			if want := "kodexa: " + operation + ": 400 Bad Request: " + tt.want; err.Error() != want {
				t.Errorf("%s: %s: got the text %q, want %q", tt.place, name, err, want)
			}
			var record struct{ Error string }
			if err := json.Unmarshal(logged.Bytes(), &record); err != nil || record.Error != "400 Bad Request: "+tt.want {
				t.Errorf("%s: %s: logged %s, %v", tt.place, name, &logged, err)
			}
		}
	}
}

func TestMessageToAReadMasksTheKey(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	for name, read := range readers {
		server.Enqueue(answerWith(http.StatusUnauthorized, "text/plain", []byte("unknown key "+canaryKey+", session "+sessionID.String())))
		_, err := read(t.Context(), server.Client(kodexa.WithAPIKey(canaryKey)), kodexa.Session{})
		if answer := apiError(t, name, err); answer.Message != "unknown key …, session "+sessionID.String() {
			t.Errorf("%s: %q", name, answer.Message)
		}
	}
}

// TestMessageToABodyOfManyStrings has each of them be one to search for: a body of a MiB must not take a second.
func TestMessageToABodyOfManyStrings(t *testing.T) {
	t.Parallel()
	var tokens, alike bytes.Buffer
	for i := range 40_000 {
		_, _ = fmt.Fprintf(&tokens, `,"%07d"`, i)
		_, _ = fmt.Fprintf(&alike, `,"aaaaaaaa%d"`, i)
	}
	list := func(items bytes.Buffer) string { return "[" + items.String()[1:] + "]" }
	run := strings.Repeat("a", 100)
	server := startServer(t)
	server.Enqueue(answerWith(http.StatusBadRequest, "text/plain", []byte("0039999 "+run+" aaaaaaaa777! "+strings.Repeat(run, 10))))
	_, err := server.Client().UpdateSession(t.Context(), sessionID, kodexa.Session{AdditionalProperties: map[string]json.RawMessage{
		"x": json.RawMessage(`{"token":` + list(tokens) + `,"alike":` + list(alike) + `}`),
	}})
	if answer := apiError(t, "", err); !strings.HasPrefix(answer.Message, "… "+run+" …! aaa") {
		t.Errorf("%q", answer.Message)
	}
}

func TestMessageToABodyBeyondAMiBIsNotShown(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	const around = len(`{"state":""}`)
	for size, want := range map[int]string{1 << 20: "stale …", 1<<20 + 1: ""} {
		state := canaryText + strings.Repeat("a", size-around-len(canaryText))
		server.Enqueue(answerWith(http.StatusConflict, jsonMedia, []byte(`{"message":"stale `+canaryKey+`"}`)))
		_, err := server.Client(kodexa.WithAPIKey(canaryKey)).UpdateSession(t.Context(), sessionID, kodexa.Session{State: &state})
		answer := apiError(t, fmt.Sprint(size), err)
		if answer.Message != want || !errors.Is(err, kodexa.ErrConflict) || len(answer.Body) == 0 {
			t.Errorf("%d bytes: %q", size, answer.Message)
		}
		if sent := server.Requests(); len(sent[len(sent)-1].Body) != size {
			t.Errorf("%d bytes were sent", len(sent[len(sent)-1].Body))
		}
	}
}

func TestRequestIDIsShownUnlessItCouldBeASecret(t *testing.T) {
	t.Parallel()
	longest := strings.Repeat("a", 128)
	sent := kodexa.Session{Token: new("t0"), State: new("EIGHT888"), UUID: new("SEVEN77")}
	tests := []struct {
		testCase
		id, want string
	}{
		{at("an id"), "r-1 a", "r-1 a"},
		{at("a UUID"), sessionID.String(), sessionID.String()},
		{at("the longest"), longest, longest},
		{at("too long"), longest + "a", ""},
		{at("not printable"), "a\x1b[31m", ""},
		{at("not ASCII"), "é", ""},
		{at("none"), "", ""},
		{at("a short text that was sent"), "SEVEN77", "SEVEN77"},
		{at("a long one"), "EIGHT888", ""},
		{at("a long one within it"), "r-EIGHT888-1", ""},
		{at("the token"), "r-t0", ""},
		{at("the key"), "r-" + canaryKey, ""},
	}
	for _, tt := range tests {
		for _, status := range []int{http.StatusOK, http.StatusConflict} {
			var logged bytes.Buffer
			client, err := kodexa.New(kodexa.WithAPIKey(canaryKey), kodexa.WithLogger(slog.New(slog.NewJSONHandler(&logged, nil))),
				kodexa.WithHTTPClient(&http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
					return &http.Response{
						StatusCode: status, Header: http.Header{"X-Request-Id": {tt.id}, "Content-Type": {jsonMedia}},
						Body: io.NopCloser(strings.NewReader(`[]`)),
					}, nil
				})}))
			if err != nil {
				t.Fatal(err)
			}
			_, err = client.UpdateSession(t.Context(), sessionID, sent)
			if failed := callError(t, tt.place, err); failed.RequestID != tt.want {
				t.Errorf("%s: %d: got %q, want %q", tt.place, status, failed.RequestID, tt.want)
			}
			var record map[string]any
			err = json.Unmarshal(logged.Bytes(), &record)
			if id, ok := record["request_id"]; err != nil || ok != (tt.want != "") || ok && id != tt.want {
				t.Errorf("%s: %d: logged %s", tt.place, status, &logged)
			}
		}
	}
}

// A server names a member by whatever it was sent, and a violation points to it.
func TestPointersMaskWhatWasSent(t *testing.T) {
	t.Parallel()
	const slashed = "sl/ash~ed/token"
	long, other := strings.Repeat("long text/", 100), strings.Repeat("other", 60)
	sent := kodexa.Session{Token: new("t0/t"), State: new(slashed), UUID: new("EIGHT888"), ID: &long}
	tests := []struct {
		testCase
		body string
		want kodexa.Violation
	}{
		{at("a repeated name"), `{"EIGHT888":1,"EIGHT888":2}`, kodexa.Violation{Pointer: "/…", Reason: "the member name is repeated"}},
		{at("within a name"), `{"x":{"a-EIGHT888-b":{"c":1,"c":2}}}`, kodexa.Violation{Pointer: "/x/a-…-b/c", Reason: "the member name is repeated"}},
		{at("a name that a pointer escapes"), `{"` + slashed + `":1,"` + slashed + `":2}`, kodexa.Violation{Pointer: "/…", Reason: "the member name is repeated"}},
		{at("a token that a pointer escapes"), `{"t0/t":1,"t0/t":2}`, kodexa.Violation{Pointer: "/…", Reason: "the member name is repeated"}},
		{at("a name beyond what is shown"), `{"` + long + `":1,"` + long + `":2}`, kodexa.Violation{Pointer: "/…", Reason: "the member name is repeated"}},
		{at("a long name that was not sent"), `{"x":{"` + other + `":{"y":1,"y":2}}}`, kodexa.Violation{Pointer: "/x/…", Reason: "the member name is repeated"}},
		{at("the longest that is shown"), `{"` + other[:255] + `":1,"` + other[:255] + `":2}`,
			kodexa.Violation{Pointer: "/" + other[:255], Reason: "the member name is repeated"}},
		{at("text that is not UTF-8 below it"), "{\"EIGHT888\":[\"\xff\"]}", kodexa.Violation{Pointer: "/…/0", Reason: "the body is not JSON in UTF-8, at byte 14"}},
		{at("a name that was not sent"), `{"other/name":1,"other/name":2}`, kodexa.Violation{Pointer: "/other~1name", Reason: "the member name is repeated"}},
	}
	server := startServer(t)
	for _, tt := range tests {
		server.Enqueue(answerWith(http.StatusOK, jsonMedia, []byte(tt.body)))
		_, err := server.Client().API().UpdateSessionWithResponse(t.Context(), sessionID, sent)
		if got := contractError(t, tt.place, err).Violations; !slices.Equal(got, []kodexa.Violation{tt.want}) {
			t.Errorf("%s: got %.300q, want %q", tt.place, got, tt.want)
		}
		if shown := tt.want.Pointer; len(shown) < 200 && !strings.Contains(err.Error(), " at "+shown+": ") {
			t.Errorf("%s: got the text %.600s", tt.place, err)
		}
	}
}

func TestPointersMaskWhatWasSentInALargeBodyToo(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	server.Enqueue(answerWith(http.StatusOK, jsonMedia, []byte(`{"EIGHT888":1,"EIGHT888":2}`)))
	sent := kodexa.Session{State: new(strings.Repeat("a", 1<<20)), UUID: new("EIGHT888")}
	_, err := server.Client().UpdateSession(t.Context(), sessionID, sent)
	if got := contractError(t, "2 MiB", err).Violations[0].Pointer; got != "/…" {
		t.Errorf("got %s", got)
	}
}

func TestMediaTypeAndCodingOfAnAnswerAreNamed(t *testing.T) {
	t.Parallel()
	const notGzip = "the body is broken gzip, or cut short, after 0 bytes"
	server := startServer(t)
	for _, tt := range []struct {
		testCase
		contentType, coding, body, reason string
	}{
		{at("another media type"), "text/html; charset=utf-8", "", "<html>", "Content-Type must be application/json, not text/html"},
		{at("none"), "", "", "{}", "Content-Type must be application/json"},
		{at("the key in one"), "text/" + canaryKey, "", "{}", "Content-Type must be application/json, not text/…"},
		{at("the token in one"), "text/" + canaryToken, "", "{}", "Content-Type must be application/json, not text/…"},
		{at("an encoding that the transport leaves alone"), jsonMedia, "br", "\x8b\x01\x80{}\x03", "the body is encoded as br"},
		{at("the key in one"), jsonMedia, canaryKey, "\x8b\x01", "the body is encoded as …"},
		{at("an encoding that was undone"), jsonMedia, "identity", "x", "the body is not JSON in UTF-8, at byte 0"},
		{at("plain text that is said to be gzip"), jsonMedia, "gzip", `{"state":"OPEN"}`, notGzip},
		{at("very little of it"), jsonMedia, "gzip", "{}", notGzip},
		{at("gzip that is broken"), jsonMedia, "gzip", "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff", notGzip},
	} {
		server.Enqueue(func(w http.ResponseWriter, r *http.Request) {
			if tt.coding != "" {
				w.Header().Set("Content-Encoding", tt.coding)
			}
			answerWith(http.StatusOK, tt.contentType, []byte(tt.body))(w, r)
		})
		_, err := server.Client(kodexa.WithAPIKey(canaryKey)).UpdateSession(t.Context(), sessionID, kodexa.Session{Token: new(canaryToken)})
		if got := contractError(t, tt.place, err).Violations; len(got) != 1 || got[0].Pointer != "" || got[0].Reason != tt.reason {
			t.Errorf("%s: got %q, want %q", tt.place, got, tt.reason)
		}
	}
}

// Someone else's error keeps its text as far as that quotes no answer, and errors.Is and errors.As always find it.
func TestTextsOfATransportsErrors(t *testing.T) {
	t.Parallel()
	breaker := errors.New(`circuit breaker "kodexa" is open`)
	for _, tt := range []struct {
		testCase
		err  error
		want string
	}{
		{at("nothing quoted"), io.ErrUnexpectedEOF, "unexpected EOF"},
		{at("net/http's word on an answer"), errors.New(`net/http: HTTP/1.x transport connection broken: malformed HTTP response "` + canaryText + `"`),
			"net/http: HTTP/1.x transport connection broken: malformed HTTP response …"},
		{at("two quoted parts"), errors.New(`bad "` + canaryText + `", not "a"; sorry`), "bad …; sorry"},
		{at("a quotation mark within the quoted part"), errors.New(`bad "a\"` + canaryText + `"`), "bad …"},
		{at("one quotation mark"), errors.New(`5" disk`), "5… disk"},
		{at("the key"), errors.New("no such key: " + canaryKey), "no such key: …"},
		{at("a breaker"), breaker, "circuit breaker … is open"},
		{at("a wrapped one"), fmt.Errorf("outer: %w", breaker), "outer: circuit breaker … is open"},
		{at("a header that can't be read"), textproto.ProtocolError("malformed MIME header line: " + canaryText), "the answer is not HTTP"},
		{at("a URL"), &url.Error{Op: "Put", URL: "http://localhost/", Err: io.EOF}, "Put …: EOF"},
	} {
		client, err := kodexa.New(kodexa.WithAPIKey(canaryKey), oneTry,
			kodexa.WithHTTPClient(&http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) { return nil, tt.err })}))
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.GetSession(t.Context(), sessionID)
		if want := "kodexa: GET " + sessionPath + ": " + tt.want; callError(t, tt.place, err).Error() != want {
			t.Errorf("%s: got %q, want %q", tt.place, err, want)
		}
		if !errors.Is(err, tt.err) {
			t.Errorf("%s: the error itself is not found", tt.place)
		}
	}
	client, err := kodexa.New(kodexa.WithAPIKey("key"), oneTry,
		kodexa.WithHTTPClient(&http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
			return nil, &url.Error{Op: "Put", URL: "http://localhost/", Err: io.EOF}
		})}))
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.GetSession(t.Context(), sessionID)
	if inner, ok := errors.AsType[*url.Error](err); !ok || inner.Op != "Put" || !errors.Is(err, io.EOF) {
		t.Errorf("%v is not found by its type", err)
	}
}

// TestAMessageIsLookedForAFewLevelsDeep would not end if each level were looked at twice.
func TestAMessageIsLookedForAFewLevelsDeep(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ body, want string }{
		"60 levels of usual members": {strings.Repeat(`{"error":`, 60) + `{}` + strings.Repeat(`}`, 60), ""},
		"9,000 levels of fields":     {`{"errors":` + strings.Repeat(`{"a":`, 9000) + `"x"` + strings.Repeat(`}`, 9000) + `}`, ""},
		"three levels":               {`{"error":{"detail":[{"msg":"too long"}]}}`, "too long"},
	} {
		server := startServer(t)
		server.Enqueue(answerWith(http.StatusBadRequest, jsonMedia, []byte(tt.body)))
		_, err := server.Client().GetSession(t.Context(), sessionID)
		if got := apiError(t, name, err).Message; got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

// TestTheKeyIsMaskedHoweverAnEditorSetsIt has keys that are not where WithAPIKey puts its own.
func TestTheKeyIsMaskedHoweverAnEditorSetsIt(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(http.Header){
		"another spelling": func(h http.Header) { h["x-api-key"] = []string{canaryKey} }, //nolint:canonicalheader // that is the point
		"a second value":   func(h http.Header) { h.Add("X-Api-Key", canaryKey) },
	} {
		server := startServer(t)
		server.Enqueue(answerWith(http.StatusBadRequest, jsonMedia, []byte(`{"message":"unknown key `+canaryKey+`"}`)))
		_, err := server.Client().GetSession(t.Context(), sessionID, func(_ context.Context, req *http.Request) error {
			edit(req.Header)
			return nil
		})
		if got := apiError(t, name, err).Message; got != "unknown key …" {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestATransportsErrorRepeatsNothingThatWasSent(t *testing.T) {
	t.Parallel()
	client, err := kodexa.New(kodexa.WithAPIKey(canaryKey), kodexa.WithRetry(kodexa.RetryPolicy{MaxAttempts: 1}),
		kodexa.WithHTTPClient(&http.Client{Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
			body, err := io.ReadAll(req.Body)
			return nil, errors.Join(err, fmt.Errorf("can't send %s with %v", bytes.ReplaceAll(body, []byte(`"`), nil), req.Header))
		})}))
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.UpdateSession(t.Context(), sessionID, kodexa.Session{Token: new("canary-token"), State: new("OPEN")})
	if text := err.Error(); strings.Contains(text, "canary") || !strings.Contains(text, "can't send {state:OPEN,token:…}") {
		t.Error(text)
	}
	if data, err := json.Marshal(err); err != nil || strings.Contains(string(data), "canary") || !strings.Contains(string(data), "can't send") {
		t.Errorf("as JSON: %s, %v", data, err)
	}
}

// TestAKeyThatIsNoTextIsMaskedToo has bytes that are in no UTF-8, and a member that is named by them in part.
func TestAKeyThatIsNoTextIsMaskedToo(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	server.Enqueue(answerWith(http.StatusOK, jsonMedia, []byte(`{"changeSequence":"1","state":5}`)))
	_, err := server.Client().GetSession(t.Context(), sessionID, func(_ context.Context, req *http.Request) error {
		req.Header.Set("X-Api-Key", "\xff")
		return nil
	})
	if broken := contractError(t, "two violations", err); len(broken.Violations) != 2 || broken.Violations[1].Pointer != "/state" {
		t.Errorf("%+v", broken.Violations)
	}
}
