//go:build grown

package growth_test

import (
	"errors"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"

	kodexa "github.com/kodexa-community/kodexa-go"
	"github.com/kodexa-community/kodexa-go/kodexatest"
)

const jsonMedia = "application/json"

// answer answers with contentType, or without Content-Type if it is empty.
func answer(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = nil
		if contentType != "" {
			w.Header().Set("Content-Type", contentType)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func echo(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
	_, _ = io.Copy(w, r.Body)
}

// send has API() send a model, or a text in its place, and returns the model that was answered.
func send(t *testing.T, client *kodexa.Client, name string, model any) (answered any, err error) {
	t.Helper()
	method, args := "Send"+name, []reflect.Value{reflect.ValueOf(t.Context())}
	if text, ok := model.(string); ok {
		method += "WithBody"
		args = append(args, reflect.ValueOf(jsonMedia), reflect.ValueOf(io.Reader(strings.NewReader(text))))
	} else {
		args = append(args, reflect.ValueOf(model).Elem())
	}
	out := reflect.ValueOf(client.API()).MethodByName(method + "WithResponse").Call(args)
	if err, _ = out[1].Interface().(error); err != nil {
		if !out[0].IsNil() {
			t.Error("an answer and an error")
		}
		return nil, err
	}
	value := out[0].Elem().FieldByName("JSON200")
	if value.IsNil() {
		t.Fatal("neither a model nor an error")
	}
	return value.Interface(), nil
}

func TestGoodDocumentsGoBothWays(t *testing.T) {
	t.Parallel()
	for _, row := range rows(t) {
		t.Run(row.Name, func(t *testing.T) {
			t.Parallel()
			server := kodexatest.NewServer()
			defer server.Close()
			server.Handle("send"+row.Name, echo)
			client := server.Client()
			for _, doc := range row.Good {
				var model any = doc
				for _, way := range []string{"as text", "as the model that was read"} {
					read, err := send(t, client, row.Name, model)
					if err != nil {
						t.Errorf("%s, %s: %v", doc, way, err)
						break
					}
					requests := server.Requests()
					if sent := string(requests[len(requests)-1].Body); !same(parse(t, doc), parse(t, sent)) {
						t.Errorf("%s, %s: sent %s", doc, way, sent)
					}
					model = read
				}
			}
		})
	}
}

func TestBadDocumentsGoNoWay(t *testing.T) {
	t.Parallel()
	for _, row := range rows(t) {
		t.Run(row.Name, func(t *testing.T) {
			t.Parallel()
			server := kodexatest.NewServer()
			defer server.Close()
			client := server.Client()
			for _, bad := range row.Bad {
				_, err := send(t, client, row.Name, bad.Body)
				wantBroken(t, err, kodexa.InRequest, bad.Pointer)
				if errors.Is(err, kodexa.ErrOutcomeUnknown) || len(server.Requests()) != 0 {
					t.Errorf("%s: %d requests, %v", bad.Body, len(server.Requests()), err)
				}
			}
			for i, bad := range row.Bad {
				server.Enqueue(answer(http.StatusOK, jsonMedia, bad.Body))
				_, err := send(t, client, row.Name, row.Good[0])
				wantBroken(t, err, kodexa.InResponse, bad.Pointer)
				if !errors.Is(err, kodexa.ErrOutcomeUnknown) || len(server.Requests()) != i+1 {
					t.Errorf("%s: %d requests, %v", bad.Body, len(server.Requests()), err)
				}
			}
		})
	}
}

// wantBroken wants a violation at pointer, which is "*" for any.
func wantBroken(t *testing.T, err error, in kodexa.Part, pointer string) {
	t.Helper()
	broken, ok := errors.AsType[*kodexa.ContractError](err)
	if !ok || broken.In != in || broken.Violations[0].Pointer != pointer && pointer != "*" {
		t.Errorf("got %v, want a %s that breaks the contract at %q", err, in, pointer)
	}
}
