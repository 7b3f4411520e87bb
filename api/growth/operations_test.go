//go:build grown

package growth_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	kodexa "github.com/kodexa-community/kodexa-go"
	"github.com/kodexa-community/kodexa-go/gen"
	"github.com/kodexa-community/kodexa-go/kodexatest"
)

const item = `{"id":"a","any":[1.10]}`

func serve(t *testing.T) *kodexatest.Server {
	t.Helper()
	server := kodexatest.NewServer()
	t.Cleanup(server.Close)
	return server
}

// TestPathsFindTheirOperation has the server find it too, by the path that was sent.
func TestPathsFindTheirOperation(t *testing.T) {
	t.Parallel()
	var names, paths []string
	for _, name := range []string{"a", "a/b", "a b", "ä", "%2F", "a?b#c", "a.b", "a:b", "a.json.json", "currently", ".hidden", "a+b;c", "a:activated"} {
		names, paths = append(names, name), append(paths, url.PathEscape(name))
	}
	server := serve(t)
	client := server.Client().API()
	for id, call := range map[string]struct {
		fixed string
		call  func(name string) error
	}{
		"getItem":       {"%s", func(name string) error { _, err := client.GetItemWithResponse(t.Context(), name); return err }},
		"deleteItem":    {"%s", func(name string) error { _, err := client.DeleteItemWithResponse(t.Context(), name); return err }},
		"getItemAsFile": {"%s.json", func(name string) error { _, err := client.GetItemAsFileWithResponse(t.Context(), name); return err }},
		"activateItem":  {"%s:activate", func(name string) error { _, err := client.ActivateItemWithResponse(t.Context(), name); return err }},
		"getFile":       {"x/fs/%s", func(name string) error { _, err := client.GetFileWithResponse(t.Context(), "x", name); return err }},
	} {
		for i, name := range names {
			if id == "getItem" && strings.HasSuffix(name, ".json") {
				continue // what follows the parameter in getItemAsFile is fixed text, which wins
			}
			var got string
			server.Handle(id, func(w http.ResponseWriter, r *http.Request) {
				got = id
				w.Header().Set("Content-Type", map[string]string{"getFile": "application/octet-stream"}[id])
				if strings.HasPrefix(id, "getItem") {
					w.Header().Set("Content-Type", jsonMedia)
					_, _ = io.WriteString(w, item)
				} else if id != "getFile" {
					w.WriteHeader(http.StatusNoContent)
				}
			})
			err := call.call(name)
			requests := server.Requests()
			if len(requests) == 0 {
				t.Fatalf("%s of %q: %v", id, name, err)
			}
			sent, err2 := url.PathUnescape(requests[len(requests)-1].Path)
			want := "/api/o/items/" + fmt.Sprintf(call.fixed, name)
			if err != nil || err2 != nil || got != id || sent != want || strings.Contains(name, "/") && !strings.Contains(requests[len(requests)-1].Path, "%2F") {
				t.Errorf("%s of %q (%s): sent %s, served by %q, %v", id, name, paths[i], requests[len(requests)-1].Path, got, err)
			}
		}
	}
	server.Handle("getCurrentItem", answer(http.StatusOK, jsonMedia, `{"id":"current"}`))
	res, err := client.GetCurrentItemWithResponse(t.Context())
	if err != nil || res.JSON200.ID != "current" {
		t.Errorf("a fixed path beside a template: %v", err)
	}
	_, err = client.GetItemWithResponse(t.Context(), "")
	wantBroken(t, err, kodexa.InRequest, "")
}

func TestLists(t *testing.T) {
	t.Parallel()
	server := serve(t)
	client := server.Client().API()
	list := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Total", "7")
		answer(http.StatusOK, jsonMedia, `{"content":[`+item+`],"u":12345678901234567890}`)(w, nil)
	}
	server.Handle("listItems", list)
	for name, tt := range map[string]struct {
		params *gen.ListItemsParams
		query  string // sent; "" if nothing is
	}{
		"none":          {&gen.ListItemsParams{}, "?"},
		"a page":        {&gen.ListItemsParams{Page: new(int32(2)), PageSize: new(int32(100))}, "?page=2&pageSize=100"},
		"page 0":        {&gen.ListItemsParams{Page: new(int32(0))}, ""},
		"large page":    {&gen.ListItemsParams{PageSize: new(int32(101))}, ""},
		"one order":     {&gen.ListItemsParams{Sort: &[]string{"createdOn,desc"}}, "?sort=createdOn%2Cdesc"},
		"two orders":    {&gen.ListItemsParams{Sort: &[]string{"createdOn,desc", "name,asc"}}, "?sort=createdOn%2Cdesc&sort=name%2Casc"},
		"a bad order":   {&gen.ListItemsParams{Sort: &[]string{"createdOn,desc", "name"}}, ""},
		"RSQL":          {&gen.ListItemsParams{Filter: new(`state=="OPEN";createdOn=ge=2024-01-01T00:00:00Z,(name=in=("a&b",ä))`)}, `?filter=` + url.QueryEscape(`state=="OPEN";createdOn=ge=2024-01-01T00:00:00Z,(name=in=("a&b",ä))`)},
		"a header":      {&gen.ListItemsParams{XTenant: new(gen.ListItemsParamsXTenant("a"))}, "?"},
		"a header of C": {&gen.ListItemsParams{XTenant: new(gen.ListItemsParamsXTenant("c"))}, ""},
	} {
		before := len(server.Requests())
		res, err := client.ListItemsWithResponse(t.Context(), tt.params)
		requests := server.Requests()[before:]
		if tt.query == "" {
			wantBroken(t, err, kodexa.InRequest, "")
			if len(requests) > 0 {
				t.Errorf("%s: was sent", name)
			}
			continue
		}
		if err != nil || len(res.JSON200.Content) != 1 || res.Headers200.XTotal != 7 || len(requests) != 1 || "?"+requests[0].Query != tt.query {
			t.Errorf("%s: %v, %v", name, err, requests)
		}
	}
	for name, total := range map[string][]string{"missing": nil, "no number": {"x"}} {
		server.Enqueue(func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["X-Total"] = total
			answer(http.StatusOK, jsonMedia, `{"content":[]}`)(w, nil)
		})
		res, err := client.ListItemsWithResponse(t.Context(), nil)
		wantBroken(t, err, kodexa.InResponse, "")
		if res != nil || errors.Is(err, kodexa.ErrOutcomeUnknown) {
			t.Errorf("the header is %s: %v", name, err)
		}
	}
}

// TestErrorsThatTheContractDescribes shows how a caller decodes one, too.
func TestErrorsThatTheContractDescribes(t *testing.T) {
	t.Parallel()
	const problem = "application/problem+json"
	server := serve(t)
	client := server.Client(kodexa.WithRetry(kodexa.RetryPolicy{MaxAttempts: 1})).API()
	for name, tt := range map[string]struct {
		status            int
		contentType, body string
		pointer           string // of the violation
		isBroken          bool
	}{
		"404":                           {404, jsonMedia, `{"code":7}`, "", false},
		"404, a member missing":         {404, jsonMedia, `{"message":"none"}`, "/code", true},
		"404 in another form":           {404, problem, `{"title":"t"}`, "", true},
		"404 of a gateway":              {404, "text/html", `<p>none</p>`, "", true},
		"422":                           {422, problem, `{"title":"t","status":422}`, "", false},
		"422 with parameters":           {422, "Application/Problem+JSON; charset=utf-8", `{"title":"t"}`, "", false},
		"422 of another type":           {422, problem, `{"title":"t","status":"x"}`, "/status", true},
		"422 cut short":                 {422, problem, `{"title":`, "", true},
		"500":                           {500, jsonMedia, `{"code":7}`, "", false},
		"503 of a gateway, empty":       {503, "", ``, "", true},
		"302 is by default":             {302, jsonMedia, `{"code":7}`, "", false},
		"401 without a word":            {401, problem, ``, "", true},
		"409 whose letter case differs": {409, problem, `{"title":"t","Title":"u"}`, "/Title", true},
	} {
		server.Enqueue(answer(tt.status, tt.contentType, tt.body))
		res, err := client.GetItemWithResponse(t.Context(), "a")
		failed, ok := errors.AsType[*kodexa.APIError](err)
		if !ok || res != nil || failed.StatusCode != tt.status || string(failed.Body) != tt.body {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if isBroken := len(failed.Violations) > 0; isBroken != tt.isBroken || isBroken && failed.Violations[0].Pointer != tt.pointer {
			t.Errorf("%s: violations %v", name, failed.Violations)
		}
		if tt.isBroken {
			continue
		}
		var missing gen.Missing
		var refused gen.Problem
		if err := json.Unmarshal(failed.Body, &missing); tt.status != 422 && (err != nil || missing.Code != 7) {
			t.Errorf("%s: %v", name, err)
		}
		if err := json.Unmarshal(failed.Body, &refused); tt.status == 422 && (err != nil || refused.Title != "t") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSecurity(t *testing.T) {
	t.Parallel()
	set := func(name, value string) gen.RequestEditorFn {
		return func(_ context.Context, req *http.Request) error { req.Header.Set(name, value); return nil }
	}
	query := func(_ context.Context, req *http.Request) error { req.URL.RawQuery = "token=secret-canary"; return nil }
	cookie := func(_ context.Context, req *http.Request) error {
		req.AddCookie(&http.Cookie{Name: "sid", Value: "secret-canary"})
		return nil
	}
	basic := func(_ context.Context, req *http.Request) error { req.SetBasicAuth("me", "secret-canary"); return nil }
	bearer := set("Authorization", "Bearer secret-canary")
	server := serve(t)
	client := server.Client()
	for _, tt := range []struct {
		operation string
		editors   []gen.RequestEditorFn
		isSent    bool
		hasKey    bool
	}{
		{"None", nil, true, false},
		{"None", []gen.RequestEditorFn{bearer}, true, false},
		{"Optional", nil, true, false},
		{"Optional", []gen.RequestEditorFn{bearer}, true, false},
		{"Either", nil, true, true},
		{"Either", []gen.RequestEditorFn{bearer}, true, true},
		{"Both", nil, false, false},
		{"Both", []gen.RequestEditorFn{set("X-Second", "secret-canary")}, true, true},
		{"Bearer", nil, false, false},
		{"Bearer", []gen.RequestEditorFn{bearer}, true, false},
		{"Basic", nil, false, false},
		{"Basic", []gen.RequestEditorFn{basic}, true, false},
		{"Query", nil, false, false},
		{"Query", []gen.RequestEditorFn{query}, true, false},
		{"Cookie", nil, false, false},
		{"Cookie", []gen.RequestEditorFn{cookie}, true, false},
	} {
		server.Handle("security"+tt.operation, answer(http.StatusNoContent, "", ""))
		before := len(server.Requests())
		args := []reflect.Value{reflect.ValueOf(t.Context())}
		for _, editor := range tt.editors {
			args = append(args, reflect.ValueOf(editor))
		}
		out := reflect.ValueOf(client.API()).MethodByName("Security" + tt.operation + "WithResponse").Call(args)
		err, _ := out[1].Interface().(error)
		requests := server.Requests()[before:]
		if isSent := len(requests) == 1; isSent != tt.isSent || (err == nil) != tt.isSent {
			t.Errorf("%s with %d editors: sent %t, %v", tt.operation, len(tt.editors), isSent, err)
			continue
		}
		if tt.isSent && (requests[0].Header.Get("X-Api-Key") != "") != tt.hasKey {
			t.Errorf("%s with %d editors: the API key is sent: %t", tt.operation, len(tt.editors), !tt.hasKey)
		}
		if strings.Contains(fmt.Sprint(err), "canary") {
			t.Errorf("%s: a secret in %v", tt.operation, err)
		}
		if !tt.isSent {
			wantBroken(t, err, kodexa.InRequest, "")
		}
	}
}

func TestForms(t *testing.T) {
	t.Parallel()
	server := serve(t)
	server.Handle("postForm", answer(http.StatusNoContent, "", ""))
	client := server.Client().API()
	const form = "application/x-www-form-urlencoded"
	_, err := client.PostFormWithFormdataBodyWithResponse(t.Context(), gen.PostFormFormdataBody{Name: "a&b", Count: new(int32(7))})
	values := url.Values{"name": {"a&b"}, "tags": {"x", "y"}, "more": {"z"}} // lists, and what has no name, are written by hand
	_, err2 := client.PostFormWithBodyWithResponse(t.Context(), form, strings.NewReader(values.Encode()))
	requests := server.Requests()
	if err != nil || err2 != nil || string(requests[0].Body) != "count=7&name=a%26b" || string(requests[1].Body) != "more=z&name=a%26b&tags=x&tags=y" {
		t.Errorf("%v, %v, %v", err, err2, requests)
	}
	for body, pointer := range map[string]string{"count=7": "/name", "name=a&count=x": "*", "name=a&count=2147483648": "*", "": "", "name=%zz": ""} {
		before := len(server.Requests())
		_, err := client.PostFormWithBodyWithResponse(t.Context(), form, strings.NewReader(body))
		wantBroken(t, err, kodexa.InRequest, pointer)
		if len(server.Requests()) != before {
			t.Errorf("%s was sent", body)
		}
	}
	_, err = client.PostFormWithBodyWithResponse(t.Context(), jsonMedia, strings.NewReader(`{"name":"a"}`))
	wantBroken(t, err, kodexa.InRequest, "")
}

func TestUploads(t *testing.T) {
	t.Parallel()
	server := serve(t)
	server.Handle("upload", answer(http.StatusNoContent, "", ""))
	client := server.Client().API()
	large := strings.Repeat("\x00\xff\r\n--", 1<<20)
	for name, tt := range map[string]struct {
		parts   [][3]string // name, Content-Type, content; one with Content-Type is a file
		pointer string      // of the violation; "good" if there is none
	}{
		"all":              {[][3]string{{"label", "", "a"}, {"count", "", "7"}, {"file", "application/octet-stream", "\x00\xff"}, {"meta", jsonMedia, `{"kind":"x"}`}}, "good"},
		"an image":         {[][3]string{{"label", "", "a"}, {"file", "image/png", "\x89PNG"}}, "good"},
		"text as a file":   {[][3]string{{"label", "", "a"}, {"file", "text/plain", "x"}}, "good"},
		"an empty file":    {[][3]string{{"label", "", "a"}, {"file", "application/octet-stream", ""}}, "good"},
		"large":            {[][3]string{{"label", "", "a"}, {"file", "application/octet-stream", large}}, "good"},
		"large, no label":  {[][3]string{{"file", "application/octet-stream", large}}, "/label"},
		"no file":          {[][3]string{{"label", "", "a"}}, "/file"},
		"another label":    {[][3]string{{"label", "", "c"}, {"file", "application/octet-stream", "x"}}, "/label"},
		"a member missing": {[][3]string{{"label", "", "a"}, {"file", "application/octet-stream", "x"}, {"meta", jsonMedia, `{}`}}, "/meta/kind"},
		"count is no one":  {[][3]string{{"label", "", "a"}, {"file", "application/octet-stream", "x"}, {"count", "", "x"}}, ""},
	} {
		var body bytes.Buffer
		w := multipart.NewWriter(&body)
		for _, part := range tt.parts {
			header := map[string][]string{"Content-Disposition": {fmt.Sprintf(`form-data; name=%q`, part[0])}}
			if part[1] != "" {
				header["Content-Type"] = []string{part[1]}
				header["Content-Disposition"][0] += `; filename="f"`
			}
			content, err := w.CreatePart(header)
			if err == nil {
				_, err = io.WriteString(content, part[2])
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		_ = w.Close()
		before, sent := len(server.Requests()), bytes.Clone(body.Bytes())
		_, err := client.UploadWithBodyWithResponse(t.Context(), w.FormDataContentType(), &body)
		requests := server.Requests()[before:]
		if tt.pointer != "good" {
			wantBroken(t, err, kodexa.InRequest, tt.pointer)
		}
		if isGood := tt.pointer == "good"; isGood != (err == nil) || isGood != (len(requests) == 1) || isGood && !bytes.Equal(requests[0].Body, sent) {
			t.Errorf("%s: %d requests, %v", name, len(requests), err)
		}
	}
}

func TestAnswersOfAllKinds(t *testing.T) {
	t.Parallel()
	type api = *gen.ClientWithResponses
	text := func(body []byte, err error) (string, error) { return string(body), err }
	getText := func(c api) (string, error) {
		res, err := c.GetTextWithResponse(t.Context())
		return text(bodyOf(res), err)
	}
	getMarkup := func(c api) (string, error) {
		res, err := c.GetMarkupWithResponse(t.Context())
		return text(bodyOf(res), err)
	}
	getAny := func(c api) (string, error) {
		res, err := c.GetAnyWithResponse(t.Context())
		return text(bodyOf(res), err)
	}
	getFile := func(c api) (string, error) {
		res, err := c.GetFileWithResponse(t.Context(), "a", "b")
		return text(bodyOf(res), err)
	}
	getVersioned := func(c api) (string, error) {
		res, err := c.GetVersionedWithResponse(t.Context())
		if err != nil {
			return "", err
		}
		return res.ApplicationVndXV2JSON2XX.ID, nil
	}
	getEither := func(c api) (string, error) {
		res, err := c.GetEitherWithResponse(t.Context())
		if err != nil || res.JSON200 == nil {
			return text(bodyOf(res), err)
		}
		return res.JSON200.ID, nil
	}
	create := func(c api) (string, error) {
		res, err := c.CreateItemWithResponse(t.Context(), gen.Item{ID: "a"})
		switch {
		case err != nil:
			return "", err
		case res.JSON200 != nil:
			return "200 " + res.JSON200.ID, nil
		case res.JSON201 != nil:
			return "201 " + res.JSON201.Created.ID, nil
		}
		return fmt.Sprint(res.StatusCode()), nil
	}
	has := func(c api) (string, error) {
		res, err := c.HasItemWithResponse(t.Context(), "a")
		if err != nil {
			return "", err
		}
		return res.HTTPResponse.Header.Get("Content-Type"), nil
	}
	remove := func(c api) (string, error) {
		res, err := c.DeleteItemWithResponse(t.Context(), "a")
		if err != nil {
			return "", err
		}
		return fmt.Sprint(res.StatusCode()), nil
	}
	for _, tt := range []struct {
		call              func(api) (string, error)
		accept            string
		status            int
		contentType, body string
		want              string // "" if the answer is refused
	}{
		{getText, "text/csv, text/plain", 200, "text/plain; charset=utf-8", "hello", "hello"},
		{getText, "text/csv, text/plain", 200, "Text/CSV", "a,b\r\n", "a,b\r\n"},
		{getText, "text/csv, text/plain", 200, "text/html", "<p>", ""},
		{getText, "text/csv, text/plain", 200, jsonMedia, "{}", ""},
		{getText, "text/csv, text/plain", 200, "", "hello", ""},
		{getMarkup, "application/xml, application/yaml", 200, "application/xml", "<a b='c'/>", "<a b='c'/>"},
		{getMarkup, "application/xml, application/yaml", 200, "application/yaml", "id: a", "id: a"},
		{getMarkup, "application/xml, application/yaml", 200, jsonMedia, "{}", ""},
		{getAny, "*/*, image/*", 200, "application/x-thing", "\x00\xff", "\x00\xff"},
		{getAny, "*/*, image/*", 200, jsonMedia, `"{}"`, `"{}"`},
		{getAny, "*/*, image/*", 203, "image/png", "\x89PNG", "\x89PNG"},
		{getAny, "*/*, image/*", 203, "text/plain", "no image", ""},
		{getFile, "application/octet-stream", 200, "application/octet-stream", "\x00\xff", "\x00\xff"},
		{getFile, "application/octet-stream", 200, "text/plain", "x", ""},
		{getVersioned, "application/vnd.x.v2+json", 200, "application/vnd.x.v2+json", item, "a"},
		{getVersioned, "application/vnd.x.v2+json", 206, "Application/vnd.X.v2+JSON; charset=UTF-8", item, "a"},
		{getVersioned, "application/vnd.x.v2+json", 200, jsonMedia, item, ""},
		{getVersioned, "application/vnd.x.v2+json", 299, "application/vnd.x.v2+json", `{}`, ""},
		{getEither, jsonMedia, 200, jsonMedia, item, "a"},
		{getEither, jsonMedia, 200, "text/plain", "hello", "hello"},
		{getEither, jsonMedia, 200, jsonMedia, "hello", ""},
		{create, jsonMedia, 200, jsonMedia, item, "200 a"},
		{create, jsonMedia, 201, jsonMedia, `{"created":` + item + `}`, "201 a"},
		{create, jsonMedia, 201, jsonMedia, item, ""},
		{create, jsonMedia, 202, "", "", "202"},
		{create, jsonMedia, 204, "", "", "204"},
		{create, jsonMedia, 203, jsonMedia, item, ""},
		{has, jsonMedia, 200, jsonMedia, "", jsonMedia},
		{has, jsonMedia, 204, "", "", ""},
		{remove, jsonMedia, 204, "", "", "204"},
		{remove, jsonMedia, 204, jsonMedia, "", "204"},
		{remove, jsonMedia, 200, jsonMedia, "{}", ""},
	} {
		server := serve(t)
		server.Enqueue(answer(tt.status, tt.contentType, tt.body))
		got, err := tt.call(server.Client().API())
		name := fmt.Sprintf("%s, %d %s %s", tt.accept, tt.status, tt.contentType, tt.body)
		if got != tt.want || (err != nil) != (tt.want == "") {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
		requests := server.Requests()
		if accept := requests[0].Header.Values("Accept"); len(requests) != 1 || !slices.Equal(accept, []string{tt.accept}) {
			t.Errorf("%s: %d requests, Accept is %q", name, len(requests), accept)
		}
		if tt.want == "" {
			wantBroken(t, err, kodexa.InResponse, "*")
			if isSafe := requests[0].Method == "GET" || requests[0].Method == "HEAD"; errors.Is(err, kodexa.ErrOutcomeUnknown) == isSafe {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestAcceptOfAnEditorHolds(t *testing.T) {
	t.Parallel()
	server := serve(t)
	server.Handle("getText", answer(http.StatusOK, "text/csv", "a,b"))
	_, err := server.Client().API().GetTextWithResponse(t.Context(), func(_ context.Context, req *http.Request) error {
		req.Header.Set("Accept", "text/csv")
		return nil
	})
	if got := server.Requests()[0].Header.Get("Accept"); err != nil || got != "text/csv" {
		t.Errorf("%q, %v", got, err)
	}
}

// bodyOf returns the body of a response, which may be nil.
func bodyOf[R any, P interface {
	*R
	GetBody() []byte
}](res P) []byte {
	if res == nil {
		return nil
	}
	return res.GetBody()
}

func TestBytesAreSentAsTheyAre(t *testing.T) {
	t.Parallel()
	server := serve(t)
	server.Handle("putBytes", answer(http.StatusNoContent, "", ""))
	client := server.Client().API()
	for contentType, body := range map[string]string{"application/octet-stream": "\x00\xff", "text/plain; charset=utf-8": "hello"} {
		_, err := client.PutBytesWithBodyWithResponse(t.Context(), contentType, strings.NewReader(body))
		requests := server.Requests()
		if err != nil || string(requests[len(requests)-1].Body) != body {
			t.Errorf("%s: %v", contentType, err)
		}
	}
	_, err := client.PutBytesWithTextBodyWithResponse(t.Context(), "hello")
	if requests := server.Requests(); err != nil || string(requests[2].Body) != "hello" || requests[2].Header.Get("Content-Type") != "text/plain" {
		t.Errorf("%v", err)
	}
	_, err = client.PutBytesWithBodyWithResponse(t.Context(), "image/png", strings.NewReader("x"))
	wantBroken(t, err, kodexa.InRequest, "")
}

// TestOnlyIdempotentRequestsAreSentAgain loses the first answer, and has the second be good.
func TestOnlyIdempotentRequestsAreSentAgain(t *testing.T) {
	t.Parallel()
	for name, lost := range map[string]http.HandlerFunc{
		"no answer": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"503":       answer(http.StatusServiceUnavailable, "", ""),
	} {
		for id, call := range map[string]func(*gen.ClientWithResponses) error{
			"POST": func(c *gen.ClientWithResponses) error {
				_, err := c.ActivateItemWithResponse(t.Context(), "a")
				return err
			},
			"DELETE": func(c *gen.ClientWithResponses) error {
				_, err := c.DeleteItemWithResponse(t.Context(), "a")
				return err
			},
			"HEAD": func(c *gen.ClientWithResponses) error { _, err := c.HasItemWithResponse(t.Context(), "a"); return err },
		} {
			server := serve(t)
			for _, operation := range []string{"activateItem", "deleteItem"} {
				server.Handle(operation, answer(http.StatusNoContent, "", ""))
			}
			server.Handle("hasItem", answer(http.StatusOK, jsonMedia, ""))
			server.Enqueue(lost)
			err := call(server.Client(kodexa.WithRetry(kodexa.RetryPolicy{BaseDelay: 1, MaxDelay: 1})).API())
			isPost, sent := id == "POST", len(server.Requests())
			if (err != nil) != isPost || errors.Is(err, kodexa.ErrOutcomeUnknown) != isPost || isPost != (sent == 1) {
				t.Errorf("%s, %s: sent %d times, %v", name, id, sent, err)
			}
		}
	}
}

// TestDownloadsBeyondTheLimit shows the two ways: a client with another limit, and the generated client by itself, which
// checks nothing and streams.
func TestDownloadsBeyondTheLimit(t *testing.T) {
	t.Parallel()
	file := strings.Repeat("x", 11<<20)
	server := httptest.NewServer(answer(http.StatusOK, "application/octet-stream", file))
	defer server.Close()
	options := []kodexa.Option{kodexa.WithBaseURL(server.URL), kodexa.WithAPIKey("key")}
	client, err := kodexa.New(options...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = client.API().GetFileWithResponse(t.Context(), "a", "b"); !errors.Is(err, kodexa.ErrResponseTooLarge) {
		t.Error(err)
	}
	client, err = kodexa.New(append(options, kodexa.WithMaxResponseBytes(12<<20))...)
	if err != nil {
		t.Fatal(err)
	}
	if res, err := client.API().GetFileWithResponse(t.Context(), "a", "b"); err != nil || len(res.Body) != len(file) {
		t.Error(err)
	}
	raw, err := gen.NewClient(server.URL, gen.WithRequestEditorFn(func(_ context.Context, req *http.Request) error {
		req.Header.Set("X-Api-Key", "key")
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	res, err := raw.GetFile(t.Context(), "a", "b")
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, res.Body)
	if _ = res.Body.Close(); err != nil || int(n) != len(file) {
		t.Errorf("%d bytes, %v", n, err)
	}
}

// TestEveryOperationAnswersOrFails calls all that need no more than a context, with answers of all kinds.
func TestEveryOperationAnswersOrFails(t *testing.T) {
	t.Parallel()
	var status int
	var contentType, body string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer(status, contentType, body)(w, r)
	}))
	defer server.Close()
	client, err := kodexa.New(kodexa.WithBaseURL(server.URL), kodexa.WithAPIKey("key"), kodexa.WithRetry(kodexa.RetryPolicy{MaxAttempts: 1}))
	if err != nil {
		t.Fatal(err)
	}
	api, calls := reflect.ValueOf(client.API()), 0
	for i := range api.NumMethod() {
		name, method := api.Type().Method(i).Name, api.Method(i)
		if !strings.HasSuffix(name, "WithResponse") {
			continue
		}
		args := []reflect.Value{reflect.ValueOf(t.Context())}
		for in := 1; in < method.Type().NumIn()-1; in++ {
			arg := reflect.New(method.Type().In(in)).Elem()
			switch arg.Interface().(type) {
			case string:
				arg.SetString(jsonMedia)
			case nil:
				if reader := reflect.ValueOf(strings.NewReader("{}")); reader.Type().AssignableTo(arg.Type()) {
					arg.Set(reader)
				}
			}
			args = append(args, arg)
		}
		for _, status = range []int{200, 201, 202, 204, 206, 302, 400, 404, 500} {
			for contentType, body = range map[string]string{jsonMedia: "null", "text/html": "<p>", "": "", "application/problem+json": "{}"} {
				if status == 204 {
					body = ""
				}
				out := method.Call(args)
				err, _ := out[1].Interface().(error)
				if calls++; (err == nil) == out[0].IsNil() || err == nil && status/100 != 2 {
					t.Errorf("%s, %d %s: %v, %v", name, status, contentType, out[0], err)
				}
				if err != nil {
					continue
				}
				for field, value := range out[0].Elem().Fields() {
					isOf := strings.HasSuffix(field.Name, fmt.Sprint("JSON", status)) || strings.HasSuffix(field.Name, "JSON2XX") || strings.HasSuffix(field.Name, "JSONDefault")
					if isOf && value.Kind() == reflect.Pointer && value.IsNil() {
						t.Errorf("%s, %d %s: %s is nil", name, status, contentType, field.Name)
					}
				}
			}
		}
	}
	if calls < 1000 {
		t.Errorf("%d calls", calls)
	}
}

// TestParametersOfAllKinds sends objects, lists and JSON in a query.
func TestParametersOfAllKinds(t *testing.T) {
	t.Parallel()
	server := serve(t)
	server.Handle("inline", answer(http.StatusNoContent, "", ""))
	client := server.Client().API()
	filter := gen.InlineParams_Filter{Secret: new("a&b")}
	filter.Set("more", json.RawMessage(`"x"`))
	where := gen.InlineParams_Where{A: new("b")}
	where.Set("n", json.RawMessage(`12345678901234567890`))
	for name, tt := range map[string]struct {
		params gen.InlineParams
		query  url.Values
	}{
		"an object":         {gen.InlineParams{Filter: &filter}, url.Values{"filter[secret]": {"a&b"}, "filter[more]": {"x"}}},
		"JSON":              {gen.InlineParams{Where: &where}, url.Values{"where": {`{"a":"b","n":12345678901234567890}`}}},
		"a list":            {gen.InlineParams{Tags: &[]string{"a,b", "c"}}, url.Values{"tags": {"a,b", "c"}}},
		"a time with a day": {gen.InlineParams{Since: new(time.Date(2023, 11, 7, 5, 31, 56, 0, time.FixedZone("", 7200)))}, url.Values{"since": {"2023-11-07T05:31:56+02:00"}}},
		"a UUID":            {gen.InlineParams{ID: &id}, url.Values{"id": {id.String()}}},
		"anything":          {gen.InlineParams{Free: &json.RawMessage{'1'}}, url.Values{"free": {"1"}}},
		"a list of UTF-8":   {gen.InlineParams{Tags: &[]string{"ä"}}, url.Values{"tags": {"ä"}}},
	} {
		_, err := client.InlineWithResponse(t.Context(), "a", &tt.params, gen.InlineJSONRequestBody{})
		requests := server.Requests()
		if err != nil || len(requests) == 0 {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, err := url.ParseQuery(requests[len(requests)-1].Query); err != nil || !reflect.DeepEqual(got, tt.query) {
			t.Errorf("%s: sent %v, %v", name, got, err)
		}
	}
}
