package peers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"unicode/utf8"

	"github.com/go-resty/resty/v2"

	"github.com/kodexa-community/kodexa-go/bench/handwritten"
)

// Resty is resty with the checks that one would write by hand.
func Resty(t Target) (Peer, error) {
	client := newResty(t)
	session := new(handwritten.Session)
	if err := json.Unmarshal(t.Session, session); err != nil {
		return Peer{}, err
	}
	return Peer{RestyName, func(ctx context.Context) (any, error) {
		updated := new(handwritten.Session)
		res, err := client.R().SetContext(ctx).SetPathParam("id", SessionID.String()).
			SetBody(session).SetResult(updated).Put(restyPath)
		if err != nil {
			return nil, err
		}
		if err := check(res, updated); err != nil {
			return nil, fmt.Errorf("resty: %w", err)
		}
		return updated, nil
	}}, nil
}

const restyPath = "/api/sessions/{id}"

func newResty(t Target) *resty.Client {
	return resty.NewWithClient(t.HTTP).SetBaseURL(t.URL).SetHeader("X-Api-Key", t.APIKey)
}

func check(res *resty.Response, updated *handwritten.Session) error {
	if res.StatusCode() != http.StatusOK {
		return errors.New(res.Status())
	}
	if name, _, err := mime.ParseMediaType(res.Header().Get("Content-Type")); err != nil || name != mediaType {
		return fmt.Errorf("media type %q", name)
	}
	if !utf8.Valid(res.Body()) {
		return errors.New("not UTF-8")
	}
	if updated.ID == nil || *updated.ID != SessionID.String() {
		return errors.New("another session")
	}
	return nil
}
