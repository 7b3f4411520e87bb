package accept

import (
	"reflect"
	"testing"

	"github.com/kodexa-community/kodexa-go/internal/jsonio"
)

// TestAnIdleScannerKeepsLittle shows what a scanner has that is not in use: no text, and no more than a few names.
func TestAnIdleScannerKeepsLittle(t *testing.T) {
	t.Parallel()
	for names, want := range map[int]int{10: 10, maxPooledNames: maxPooledNames, maxPooledNames + 1: 0} {
		s := &scanner{Reader: jsonio.NewReader([]byte(`{}`)), depth: 3, names: make([]uint64, 7, names)}
		s.release()
		if !reflect.DeepEqual(s.Reader, jsonio.Reader{}) || s.depth != 0 || len(s.names) != 0 || cap(s.names) != want {
			t.Errorf("%d names: keeps %+v", names, s)
		}
	}
}

// TestTheSameHashIsTheSameName shows that a collision costs a yes, and never gives one.
func TestTheSameHashIsTheSameName(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		names []uint64
		start int
		want  bool
	}{
		{nil, 0, true}, {[]uint64{1}, 0, true}, {[]uint64{2, 1}, 0, true}, {[]uint64{1, 1}, 0, false}, {[]uint64{3, 1, 2, 3}, 0, false},
		{[]uint64{1, 1}, 1, true}, {[]uint64{1, 2, 2}, 1, false}, {[]uint64{2, 1, 2}, 1, true},
	} {
		s := &scanner{names: test.names}
		if got := s.differ(test.start); got != test.want || len(s.names) != test.start {
			t.Errorf("%v from %d: %t, and %v are left", test.names, test.start, got, s.names)
		}
	}
}
