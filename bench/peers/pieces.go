package peers

import (
	"bytes"
	"context"
	jsonv1 "encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/getkin/kin-openapi/openapi3"
	jsonv2 "github.com/go-json-experiment/json"

	kodexa "github.com/kodexa-community/kodexa-go"
	"github.com/kodexa-community/kodexa-go/bench/gen/ogen"
	"github.com/kodexa-community/kodexa-go/bench/gen/stock"
	"github.com/kodexa-community/kodexa-go/internal/contract"
	"github.com/kodexa-community/kodexa-go/internal/json"
)

// Pieces returns the parts of an update: the codecs, kin-openapi's check of a body, and calls that no network carries.
func Pieces(t Target) ([]Peer, error) {
	ofStock, err := codec(StockName+" (encoding/json)", t,
		func(s *stock.Session) ([]byte, error) { return jsonv1.Marshal(s) },
		func(b []byte, s *stock.Session) error { return jsonv1.Unmarshal(b, s) })
	if err != nil {
		return nil, err
	}
	ofOgen, err := codec(OgenName, t,
		func(s *ogen.Session) ([]byte, error) { return s.MarshalJSON() },
		func(b []byte, s *ogen.Session) error { return s.UnmarshalJSON(b) })
	if err != nil {
		return nil, err
	}
	ofKodexa, err := codec(KodexaName+" (json/v2)", t,
		func(s *kodexa.Session) ([]byte, error) { return jsonv2.Marshal(s) },
		func(b []byte, s *kodexa.Session) error { return jsonv2.Unmarshal(b, s) })
	if err != nil {
		return nil, err
	}
	ofCalls, err := codec(KodexaName+", in a call", t,
		func(s *kodexa.Session) ([]byte, error) { return json.Marshal(s) },
		func(b []byte, s *kodexa.Session) error { return json.Unmarshal(b, s) })
	if err != nil {
		return nil, err
	}
	byKinOpenAPI, byKodexa, err := validation(t)
	if err != nil {
		return nil, err
	}
	calls, err := Make(t, func() http.RoundTripper { return canned(t.Session) }, Stock, Ogen, Kodexa, KodexaAPI)
	if err != nil {
		return nil, err
	}
	for i := range calls {
		calls[i].Name = "without network: " + calls[i].Name
	}
	return append([]Peer{
		ofStock.encode, ofOgen.encode, ofKodexa.encode, ofCalls.encode,
		ofStock.decode, ofOgen.decode, ofKodexa.decode, ofCalls.decode,
		byKinOpenAPI, byKodexa,
	}, calls...), nil
}

type pair struct{ encode, decode Peer }

// codec returns encoding and decoding of the session with a peer's model.
func codec[T any](name string, t Target, marshal func(*T) ([]byte, error), unmarshal func([]byte, *T) error) (pair, error) {
	session := new(T)
	if err := unmarshal(t.Session, session); err != nil {
		return pair{}, err
	}
	return pair{
		encode: Peer{"encode: " + name, func(context.Context) (any, error) { return marshal(session) }},
		decode: Peer{"decode: " + name, func(context.Context) (any, error) {
			decoded := new(T)
			return decoded, unmarshal(t.Session, decoded)
		}},
	}, nil
}

// validation returns the check of a body as openapi3filter does it, decoded to any and visited, and the check of an answer as
// this client does it.
func validation(t Target) (byKinOpenAPI, byKodexa Peer, err error) {
	doc, err := openapi3.NewLoader().LoadFromData(kodexa.Spec())
	if err != nil {
		return Peer{}, Peer{}, err
	}
	schema := doc.Components.Schemas["Session"].Value
	own, err := contract.Parse(kodexa.Spec())
	if err != nil {
		return Peer{}, Peer{}, err
	}
	operation, header := own.Operation("updateSession"), http.Header{"Content-Type": {mediaType}}
	byKinOpenAPI = Peer{"validate: kin-openapi, decoded to any", func(context.Context) (any, error) {
		dec := jsonv1.NewDecoder(bytes.NewReader(t.Session))
		dec.UseNumber()
		var body any
		if err := dec.Decode(&body); err != nil {
			return nil, err
		}
		return body, schema.VisitJSON(body, openapi3.VisitAsResponse())
	}}
	byKodexa = Peer{"validate: " + KodexaName, func(context.Context) (any, error) {
		if found, _ := operation.CheckResponse(http.StatusOK, header, t.Session); len(found) > 0 {
			return nil, fmt.Errorf("refused: %v", found)
		}
		return t.Session, nil
	}}
	return byKinOpenAPI, byKodexa, nil
}

// canned is the body of the answer to every request.
type canned []byte

// RoundTrip reads the request and answers it.
func (c canned) RoundTrip(req *http.Request) (*http.Response, error) {
	_, err := io.Copy(io.Discard, req.Body)
	_ = req.Body.Close()
	return &http.Response{
		Status:        "200 OK",
		StatusCode:    http.StatusOK,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        http.Header{"Content-Type": {mediaType}},
		Body:          io.NopCloser(bytes.NewReader(c)),
		ContentLength: int64(len(c)),
		Request:       req,
	}, err
}
