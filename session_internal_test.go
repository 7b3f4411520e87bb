package kodexa

import (
	"errors"
	"log/slog"
	"net/http"
	"testing"

	"github.com/google/uuid"

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
		c := &caller{config: &config{logger: slog.New(slog.DiscardHandler)}}
		k := &call{caller: c, req: req, operation: &contract.Operation{ID: "getPage"}, attempts: 1}
		res := &http.Response{StatusCode: http.StatusCreated, Body: checkedBody{k}}
		s, err := ownSession(uuid.New(), res, []byte(`{"page":1}`), nil)
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
