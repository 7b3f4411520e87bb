package peers

import (
	"io"
	"net/http"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"

	kodexa "github.com/kodexa-community/kodexa-go"
	"github.com/kodexa-community/kodexa-go/bench/gen/stock"
)

// FilterResponses is the stock client whose answers openapi3filter validates.
func FilterResponses(t Target) (Peer, error) { return newFiltered(FilterResponsesName, t, false) }

// Filter is the stock client whose requests and answers openapi3filter validates.
func Filter(t Target) (Peer, error) { return newFiltered(FilterName, t, true) }

func newFiltered(name string, t Target, requests bool) (Peer, error) {
	f, err := newFilter(t, requests)
	if err != nil {
		return Peer{}, err
	}
	return newStock(name, t, f)
}

func newFilter(t Target, requests bool) (*filter, error) {
	doc, err := openapi3.NewLoader().LoadFromData(kodexa.Spec())
	if err != nil {
		return nil, err
	}
	doc.Servers = openapi3.Servers{{URL: t.URL}}
	router, err := legacy.NewRouter(doc)
	if err != nil {
		return nil, err
	}
	options := &openapi3filter.Options{
		AuthenticationFunc:    openapi3filter.NoopAuthenticationFunc,
		IncludeResponseStatus: true,
	}
	return &filter{next: t.HTTP, router: router, options: options, requests: requests}, nil
}

type filter struct {
	next     stock.HttpRequestDoer
	router   routers.Router
	options  *openapi3filter.Options
	requests bool
}

func (f *filter) Do(req *http.Request) (*http.Response, error) {
	route, params, err := f.router.FindRoute(req)
	if err != nil {
		return nil, err
	}
	request := &openapi3filter.RequestValidationInput{Request: req, PathParams: params, Route: route, Options: f.options}
	if f.requests {
		if err := openapi3filter.ValidateRequest(req.Context(), request); err != nil {
			return nil, err
		}
	}
	res, err := f.next.Do(req)
	if err != nil {
		return nil, err
	}
	response := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: request, Status: res.StatusCode, Header: res.Header, Body: res.Body, Options: f.options,
	}
	if err := openapi3filter.ValidateResponse(req.Context(), response); err != nil {
		return nil, err
	}
	res.Body = withClose{response.Body, res.Body}
	return res, nil
}

// withClose is what the validator has read, to be read again, and the body to be closed after it.
type withClose struct {
	io.Reader
	io.Closer
}
