package traced

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	kodexa "github.com/kodexa-community/kodexa-go"
	"github.com/kodexa-community/kodexa-go/kodexatest"
)

func TestEachAttemptIsASpan(t *testing.T) {
	t.Parallel()
	server := kodexatest.NewServer()
	defer server.Close()
	const token = "canary-token-x2Vc70rLs6"
	id := uuid.New()
	session := kodexa.Session{ID: new(id.String()), ChangeSequence: new(int32(7)), Token: new(token)}
	server.SetSession(session)
	server.Enqueue(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })

	exporter := tracetest.NewInMemoryExporter()
	provider := sdk.NewTracerProvider(sdk.WithSyncer(exporter))
	client := server.Client(Traced(provider), kodexa.WithRetry(kodexa.RetryPolicy{MaxAttempts: 2, BaseDelay: time.Nanosecond}))
	ctx, caller := provider.Tracer("test").Start(t.Context(), "caller")
	if _, err := client.UpdateSession(ctx, id, session); err != nil {
		t.Fatal(err)
	}

	want := []struct {
		status int64
		code   codes.Code
	}{{http.StatusServiceUnavailable, codes.Error}, {http.StatusOK, codes.Unset}}
	spans := exporter.GetSpans()
	if len(spans) != len(want) {
		t.Fatalf("%d spans, want one for each of %d attempts", len(spans), len(want))
	}
	for i, span := range spans {
		if span.Parent.SpanID() != caller.SpanContext().SpanID() || span.SpanContext.TraceID() != caller.SpanContext().TraceID() {
			t.Errorf("attempt %d: the span's parent is not the caller's", i+1)
		}
		if span.Name != "HTTP PUT" || span.Status.Code != want[i].code {
			t.Errorf("attempt %d: %s, %v, want %v", i+1, span.Name, span.Status, want[i].code)
		}
		said := attribute.NewSet(span.Attributes...)
		status, _ := said.Value("http.response.status_code")
		target, _ := said.Value("url.full")
		if status.AsInt64() != want[i].status || !strings.HasSuffix(target.AsString(), "/api/sessions/"+id.String()) {
			t.Errorf("attempt %d: %v", i+1, span.Attributes)
		}
		text := fmt.Sprintf("%+v", span)
		if !strings.Contains(text, id.String()) { // else the text has no attributes
			t.Fatal(text)
		}
		for name, secret := range map[string]string{"API key": server.APIKey, "token": token} {
			if strings.Contains(text, secret) {
				t.Errorf("attempt %d: the span has the %s: %s", i+1, name, text)
			}
		}
	}
}
