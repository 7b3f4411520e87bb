package kodexa

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"testing"

	"github.com/kodexa-community/kodexa-go/gen"
	"github.com/kodexa-community/kodexa-go/internal/contract"
)

// The contract has no operation yet that answers with another thing: an editor could lead there.
func TestAnAnswerThatIsNoSession(t *testing.T) {
	t.Parallel()
	for method, isUnknown := range map[string]bool{http.MethodGet: false, http.MethodPut: true} {
		req, err := http.NewRequestWithContext(t.Context(), method, "http://127.0.0.1/api/pages/1", nil)
		if err != nil {
			t.Fatal(err)
		}
		c := &sender{config: &config{logger: slog.New(slog.DiscardHandler)}}
		k := &call{sender: c, req: req, operation: &contract.Operation{ID: "getPage"}, attempts: 1}
		k.answer = answer{Response: &http.Response{StatusCode: http.StatusCreated}, received: []byte(`{"page":1}`)}
		if _, err := k.ownSession(nil, io.ErrUnexpectedEOF); errors.Is(err, ErrOutcomeUnknown) != isUnknown {
			t.Errorf("%s: what was accepted can't be decoded: %v", method, err)
		}
		s, err := k.ownSession(&gen.GetSessionResponse{}, nil)
		broken, ok := errors.AsType[*ContractError](err)
		if s != nil || !ok || errors.Is(err, ErrOutcomeUnknown) != isUnknown {
			t.Fatalf("%s: got %v, %v", method, s, err)
		}
		if broken.In != InResponse || broken.StatusCode != http.StatusCreated || string(broken.Body) != `{"page":1}` ||
			broken.Violations[0] != (Violation{"", "the operation answers with another thing than a session"}) {
			t.Errorf("%s: got %+v with %q", method, broken.Violations, broken.Body)
		}
	}
}
