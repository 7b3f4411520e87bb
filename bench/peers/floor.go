package peers

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
)

// Floor exchanges the bytes and looks at none of them: what net/http costs whatever client stands before it.
func Floor(t Target) (Peer, error) {
	url := t.URL + "/api/sessions/" + SessionID.String()
	return Peer{FloorName, func(ctx context.Context) (any, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodPut, url, bytes.NewReader(t.Session))
		if err != nil {
			return nil, err
		}
		req.Header.Set("Content-Type", mediaType)
		req.Header.Set("X-Api-Key", t.APIKey)
		res, err := t.HTTP.Do(req)
		if err != nil {
			return nil, err
		}
		defer func() { _ = res.Body.Close() }()
		if res.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("floor: %s", res.Status)
		}
		body, err := io.ReadAll(res.Body)
		return body, err
	}}, nil
}
