// Package traced has OpenTelemetry trace a client's requests. docs/cookbook.md has the recipe.
package traced

import (
	"net/http"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/trace"

	kodexa "github.com/kodexa-community/kodexa-go"
)

// recipe:begin

// Traced gives each attempt of a call a span, below the span in the call's context.
func Traced(provider trace.TracerProvider) kodexa.Option {
	transport := otelhttp.NewTransport(kodexa.DefaultTransport(), otelhttp.WithTracerProvider(provider))
	return kodexa.WithHTTPClient(&http.Client{Transport: transport})
}

// recipe:end
