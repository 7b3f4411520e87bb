package contract

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// Operation is an operation of a contract.
type Operation struct {
	ID, Method string
	Path       string // the template, such as "/api/sessions/{id}"

	contract *Contract
	route    *routers.Route
	request  *openapi3.RequestBody // never nil

	names, texts []string  // of Path
	parameters   []*schema // by the names
	keys         []string  // the headers of API keys
	accept       string    // see AnswerTypes
	isPlain      bool      // to check besides the body are texts in the path and all of the keys alone
}

func newOperation(c *Contract, route *routers.Route) *Operation {
	o := &Operation{ID: route.Operation.OperationID, Method: route.Method, Path: route.Path, contract: c, route: route}
	o.request = cmp.Or(route.Operation.RequestBody, &openapi3.RequestBodyRef{Value: &openapi3.RequestBody{}}).Value
	o.names, o.texts = parseTemplate(o.Path)
	o.parameters = slices.Repeat([]*schema{anything}, len(o.names))
	security := cmp.Or(route.Operation.Security, &route.Spec.Security)
	o.isPlain = len(*security) <= 1
	for _, ref := range slices.Concat(route.PathItem.Parameters, route.Operation.Parameters) { // those of the operation win
		p, i := ref.Value, slices.Index(o.names, ref.Value.Name)
		if i < 0 || p.In != openapi3.ParameterInPath || p.Schema == nil || p.Style != "" && p.Style != openapi3.SerializationSimple {
			o.isPlain = false
		} else {
			o.parameters[i] = c.schemas.of(p.Schema)
		}
	}
	for _, requirement := range *security {
		for name := range requirement {
			scheme := route.Spec.Components.SecuritySchemes[name]
			if scheme == nil || scheme.Value.In != openapi3.ParameterInHeader {
				o.isPlain = false
			} else {
				o.keys = append(o.keys, http.CanonicalHeaderKey(scheme.Value.Name))
			}
		}
	}
	o.accept = acceptOf(route.Operation.Responses)
	return o
}

// acceptOf returns the media types of the answers 2xx: of an answer that may be JSON those alone.
func acceptOf(responses *openapi3.Responses) string {
	var accepted []string
	for status, ref := range responses.Map() {
		if !strings.HasPrefix(status, "2") {
			continue
		}
		types := slices.Collect(maps.Keys(ref.Value.Content))
		if slices.ContainsFunc(types, isJSON) {
			types = slices.DeleteFunc(types, func(name string) bool { return !isJSON(name) })
		}
		accepted = append(accepted, types...)
	}
	slices.Sort(accepted)
	return strings.Join(slices.Compact(accepted), ", ")
}

// CheckRequest returns how a request breaks the contract, and kin-openapi's error about its body if it has one. The path and
// the query are escaped, as they are sent.
func (o *Operation) CheckRequest(path, query string, header http.Header, body []byte) (found []Violation, cause error) {
	var f findings
	defer func() { found, cause = f.result(recover() != nil) }()
	if !o.acceptsHead(path, header) {
		f.addHead(o.checkHead(path, query, header))
	}
	isMissing := len(body) == 0 && o.request.Required
	if len(body) > 0 || isMissing {
		o.contract.checkBody(&f, o.request.Content, header, body)
	}
	if isMissing {
		f.add("", "the body is empty")
	}
	return
}

// CheckResponse returns how an answer breaks the contract, and kin-openapi's error about its body if it has one. A 2xx that the
// contract does not name breaks it. Another status that it does not name can't.
func (o *Operation) CheckResponse(status int, header http.Header, body []byte) (found []Violation, cause error) {
	response := o.response(status)
	switch {
	case response == nil && status/100 == 2:
		return []Violation{{"", "status is not supported"}}, nil
	case response == nil || o.Method == http.MethodHead:
		return nil, nil
	}
	var f findings
	defer func() { found, cause = f.result(recover() != nil) }()
	if len(response.Headers) > 0 {
		f.addHead(openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
			RequestValidationInput: &openapi3filter.RequestValidationInput{Request: &http.Request{Method: o.Method}, Route: o.route},
			Status:                 status, Header: header, Options: &o.contract.options,
		}))
	}
	if len(response.Content) > 0 {
		o.contract.checkBody(&f, response.Content, header, body)
	}
	return
}

// MediaType returns the media type of an answer as the contract spells it, which is what generated code compares with, or
// "" if the contract names none that fits. Where the contract leaves it open, as "*/*" does, it is what came.
func (o *Operation) MediaType(status int, header http.Header) string {
	response := o.response(status)
	if response == nil {
		return ""
	}
	media := mediaOf(response.Content, header)
	for name, named := range response.Content {
		if media == nil || media != named {
			continue
		}
		if strings.ContainsAny(name, "*,") {
			return header.Get("Content-Type")
		}
		return name
	}
	return ""
}

// AnswerTypes returns the media types of the answers 2xx, as the header Accept of a request has them.
func (o *Operation) AnswerTypes() string { return o.accept }

// WantsKey reports whether the operation may want an API key in this header.
func (o *Operation) WantsKey(header string) bool {
	return slices.ContainsFunc(o.keys, func(key string) bool { return strings.EqualFold(key, header) })
}

// response returns what the contract says of a status, or nil.
func (o *Operation) response(status int) *openapi3.Response {
	responses := o.route.Operation.Responses
	return cmp.Or(responses.Status(status), responses.Default(), &noResponse).Value
}

var noResponse openapi3.ResponseRef

// acceptsHead reports whether all of a request but its body is surely good.
func (o *Operation) acceptsHead(path string, header http.Header) bool {
	if !o.isPlain || slices.ContainsFunc(o.keys, func(key string) bool { return header.Get(key) == "" }) {
		return false
	}
	return o.pathValues(path, func(i int, value string) bool {
		return o.parameters[i].acceptsText([]byte(value))
	})
}

// checkHead returns what kin-openapi says of all of a request but its body.
func (o *Operation) checkHead(path, query string, header http.Header) error {
	params := map[string]string{}
	o.pathValues(path, func(i int, value string) bool {
		params[o.names[i]] = value
		return true
	})
	req := &http.Request{Method: o.Method, URL: &url.URL{Path: path, RawQuery: query}, Header: header}
	return openapi3filter.ValidateRequest(context.Background(), &openapi3filter.RequestValidationInput{
		Request: req, Route: o.route, PathParams: params, Options: &o.contract.options,
	})
}

// sendsCredentials reports whether a request has what a security scheme asks for, whatever it says.
func sendsCredentials(_ context.Context, in *openapi3filter.AuthenticationInput) error {
	req := in.RequestValidationInput.Request
	where, name := cmp.Or(in.SecurityScheme.In, openapi3.ParameterInHeader), cmp.Or(in.SecurityScheme.Name, "Authorization")
	isSent := req.Header.Get(name) != ""
	switch where {
	case openapi3.ParameterInQuery:
		isSent = req.URL.Query().Get(name) != ""
	case openapi3.ParameterInCookie:
		isSent = len(req.CookiesNamed(name)) > 0
	}
	if !isSent {
		return fmt.Errorf("%s %s is missing", where, name)
	}
	return nil
}

// addHead adds what kin-openapi says of a message but its body.
func (f *findings) addHead(err error) {
	if security, ok := errors.AsType[*openapi3filter.SecurityRequirementsError](err); ok {
		f.add("", security.Error())
	} else if response, ok := errors.AsType[*openapi3filter.ResponseError](err); ok {
		f.add("", response.Reason)
	} else if request, ok := errors.AsType[*openapi3filter.RequestError](err); ok && request.Parameter != nil {
		reason := cmp.Or(request.Reason, "value can't be parsed")
		if schema, ok := errors.AsType[*openapi3.SchemaError](err); ok {
			reason = schema.Reason
		}
		f.add("", fmt.Sprintf("parameter %q in %s: %s", request.Parameter.Name, request.Parameter.In, reason))
	} else if err != nil {
		f.add("", "the head of the message breaks the contract")
	}
}
