package kodexa

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/kodexa-community/kodexa-go/internal/jsonio"
)

func TestOnlySmallFirstPiecesStandInABuffer(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		before received
		n      int64
		pooled bool
	}{
		"small":         {received{}, 10, true},
		"at the bound":  {received{}, maxPooled, true},
		"beyond it":     {received{}, maxPooled + 1, false},
		"a later piece": {received{first: []byte("a")}, 10, false},
	} {
		b := test.before
		if got := b.grow(test.n); int64(len(got)) != test.n || (b.buffer != nil) != test.pooled {
			t.Errorf("%s: %d bytes, in a buffer: %t", name, len(got), b.buffer != nil)
		}
	}
}

// overwriting is a model that writes over all idle buffers before it reads.
type overwriting struct{ text string }

func (o *overwriting) ReadJSON(r *jsonio.Reader) error {
	var taken []*[]byte
	for range 64 {
		buffer := buffers.Get().(*[]byte)
		full := (*buffer)[:cap(*buffer)]
		for i := range full {
			full[i] = '#'
		}
		taken = append(taken, buffer)
	}
	for _, buffer := range taken {
		buffers.Put(buffer)
	}
	text, _, ok := r.Value()
	if o.text = string(text); !ok {
		return errors.New("not JSON")
	}
	return nil
}

func (*overwriting) WriteJSON(*jsonio.Writer) error { return nil }

func TestABufferIsReleasedAfterItsBodyIsDecoded(t *testing.T) {
	t.Parallel()
	const doc = `{"state":"OPEN"}`
	from, err := readAll(io.MultiReader(strings.NewReader(doc)), int64(len(doc)), maxPooled)
	if err != nil || from.buffer == nil {
		t.Fatalf("in a buffer: %t, %v", from.buffer != nil, err)
	}
	body := newCheckedBody(&exchange{}, from.text())
	body.from = from
	if got, err := decode[overwriting]("Test", &http.Response{Body: body}, nil); err != nil || got.text != doc || body.from.buffer != nil {
		t.Errorf("got %v, %v", got, err)
	}
}
