package kodexa

import (
	"bytes"
	"log/slog"
	"testing"
	"time"
)

func TestErrorsAreLoggedByTheirFields(t *testing.T) {
	t.Parallel()
	api := APIError{
		StatusCode: 409, Method: "PUT", Path: "/api/sessions/{id}", Message: "m", Attempts: 2, Body: []byte("b"), outcomeUnknown: true,
	}
	broken := ContractError{
		Direction: Response, StatusCode: 200, Method: "PUT", Path: "/api/sessions/{id}",
		Violations: []Violation{{"/state", "value must be a string"}}, Body: []byte("b"), outcomeUnknown: true,
	}
	const (
		wantAPI    = `{"err":{"status":409,"method":"PUT","path":"/api/sessions/{id}","attempts":2,"outcome_unknown":true}}`
		wantBroken = `{"err":{"direction":"response","status":200,"method":"PUT","path":"/api/sessions/{id}",` +
			`"violations":[{"Pointer":"/state","Reason":"value must be a string"}],"outcome_unknown":true}}`
	)
	for _, test := range []struct {
		err  any
		want string
	}{
		{api, wantAPI}, {&api, wantAPI}, {broken, wantBroken}, {&broken, wantBroken},
	} {
		var text bytes.Buffer
		handler := slog.NewJSONHandler(&text, nil)
		record := slog.NewRecord(time.Time{}, slog.LevelWarn, "", 0)
		record.AddAttrs(slog.Any("err", test.err))
		if err := handler.Handle(t.Context(), record); err != nil {
			t.Fatal(err)
		}
		if want := `{"level":"WARN","msg":"",` + test.want[1:] + "\n"; text.String() != want {
			t.Errorf("got %swant %s", text.String(), want)
		}
	}
}
