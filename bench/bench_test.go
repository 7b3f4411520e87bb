package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	kodexa "github.com/kodexa-community/kodexa-go"
	"github.com/kodexa-community/kodexa-go/bench/peers"
	"github.com/kodexa-community/kodexa-go/kodexatest"
)

func TestMain(m *testing.M) {
	if serveIfAsked() {
		return
	}
	os.Exit(m.Run())
}

// A peer that left something out would be fast.
func TestPeersUpdate(t *testing.T) {
	t.Parallel()
	for i, name := range peerNames(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, peer := peerOf(t, i)
			server.SetSession(stored(t))

			answer, err := peer.Run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if arrived := server.Requests(); len(arrived) != 1 || !sameJSON(t, arrived[0].Body, usualSession()) {
				t.Errorf("sent %d requests, want one with the session as it is", len(arrived))
			}
			updated, ok := server.Session(peers.SessionID)
			if !ok || *updated.State != "CLOSED" || *updated.ChangeSequence != 8 {
				t.Errorf("the server stored %s, want it CLOSED and changed", toJSON(t, updated))
			}
			if got, want := toJSON(t, answer), toJSON(t, updated); !sameJSON(t, got, want) {
				t.Errorf("returned %s, want %s", got, want)
			}
		})
	}
}

func TestPeersRefuse(t *testing.T) {
	t.Parallel()
	validating := []string{peers.FilterResponsesName, peers.FilterName, peers.OgenName, peers.KodexaName, peers.KodexaAPIName,
		peers.KodexaCharsetName}
	for i, name := range peerNames(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, peer := peerOf(t, i)
			server.Enqueue(answerWith(http.StatusForbidden, `{}`))
			if _, err := peer.Run(t.Context()); err == nil {
				t.Error("accepts status 403")
			}
			server.Enqueue(answerWith(http.StatusOK, `{%s,"state":null}`))
			if _, err := peer.Run(t.Context()); (err != nil) != slices.Contains(validating, peer.Name) {
				t.Errorf("a null that the contract does not permit: error %v", err)
			}
		})
	}
}

func TestPieces(t *testing.T) {
	t.Parallel()
	pieces, err := peers.Pieces(peers.Target{URL: "http://127.0.0.1:1", APIKey: "key", Session: usualSession()})
	if err != nil {
		t.Fatal(err)
	}
	for _, piece := range pieces {
		got, err := piece.Run(t.Context())
		if err != nil {
			t.Errorf("%s: %v", piece.Name, err)
		} else if !sameJSON(t, toJSON(t, got), usualSession()) {
			t.Errorf("%s: %s", piece.Name, toJSON(t, got))
		}
	}
}

func TestServerSpellsMediaType(t *testing.T) {
	t.Parallel()
	server := newServer(usualSession())
	t.Cleanup(server.Close)
	target := targetOf(server.URL, usualSession())
	for url, want := range map[string]string{target.URL: "application/json", target.Charset: "application/json; charset=UTF-8"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, url+"/api/sessions/"+peers.SessionID.String(), http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		res, err := server.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if got := res.Header.Get("Content-Type"); got != want {
			t.Errorf("%s answers %q, want %q", url, got, want)
		}
	}
}

func TestCharsetPeerAsksForCharset(t *testing.T) {
	t.Parallel()
	server := kodexatest.NewServer()
	t.Cleanup(server.Close)
	server.SetSession(stored(t))
	target := targetOf("http://127.0.0.1:1", usualSession())
	target.Charset, target.APIKey = server.URL, server.APIKey
	all, err := peers.Make(target, peers.Tuned, peers.KodexaCharset)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := all[0].Run(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestShapedSession(t *testing.T) {
	t.Parallel()
	for _, shape := range []shape{nestedMap, flatMap, stringArray} {
		for _, size := range []int{10_000, 100_000, 1_000_000} {
			session := shapedSession(shape, size)
			if !json.Valid(session) {
				t.Errorf("%s of %d bytes is not JSON", shape, size)
			}
			if got := len(session); got < size*9/10 || got > size*11/10 {
				t.Errorf("%s of %d bytes has %d", shape, size, got)
			}
		}
	}
}

const intoFile = "-markdown"

func TestQuickRun(t *testing.T) {
	t.Parallel()
	readme := filepath.Join(t.TempDir(), "README.md")
	if err := os.WriteFile(readme, []byte("before\n"+beginMarker+"old\n"+endMarker+"\nafter\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := run(t.Context(), []string{"-quick", intoFile, readme}, &out); err != nil {
		t.Fatal(err)
	}
	for _, row := range []string{
		peers.FloorName, peers.StockName, peers.FilterName, peers.OgenName, peers.KodexaName, peers.KodexaAPIName, peers.KodexaCharsetName,
		"nested map, 1 kB", "string array, 100 kB", "8, **this client** as it comes", "**this client** ÷ kin-openapi",
		"1, plain", "10, dense", "**this client** − hand-written", ownModule + "/internal/json",
	} {
		if !strings.Contains(out.String(), "\n| "+row+" ") {
			t.Errorf("no row %q in:\n%s", row, out.String())
		}
	}
	got, err := os.ReadFile(readme) //nolint:gosec // written above
	if err != nil {
		t.Fatal(err)
	}
	if want := "before\n" + beginMarker + out.String() + endMarker + "\nafter\n"; string(got) != want {
		t.Errorf("README is\n%s\nwant\n%s", got, want)
	}
}

func TestRunRefuses(t *testing.T) {
	t.Parallel()
	unmarked := filepath.Join(t.TempDir(), "README.md")
	if err := os.WriteFile(unmarked, []byte(endMarker+"\n"+beginMarker), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"-only", "nothing"}, {intoFile, unmarked}, {"-only", "calls", intoFile, unmarked}} {
		if err := run(t.Context(), args, &bytes.Buffer{}); err == nil {
			t.Errorf("accepts %q", args)
		}
	}
}

func TestInterleave(t *testing.T) {
	t.Parallel()
	var order []string
	count := func(name string) peers.Peer {
		return peers.Peer{Name: name, Run: func(context.Context) (any, error) {
			order = append(order, name)
			return nil, nil
		}}
	}
	costs, err := interleave(t.Context(), []peers.Peer{count("a"), count("b"), count("c")}, 3, 2)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(order, ""), "aabbcc"+"aabbcc"+"bbccaa"+"ccaabb"; got != want {
		t.Errorf("ran %s, want %s", got, want)
	}
	if len(costs) != 3 || len(costs[0]) != 3 {
		t.Errorf("costs %v, want those of 3 peers in 3 rounds", costs)
	}
}

// Not parallel: it counts what the process allocates.
func TestMeasureIsByCall(t *testing.T) { //nolint:paralleltest // see above
	const size = 1 << 20
	c, err := measure(t.Context(), peers.Peer{Name: "allocate", Run: func(context.Context) (any, error) {
		return make([]byte, size), nil
	}}, 64)
	if err != nil {
		t.Fatal(err)
	}
	if c[allocd] < size || c[allocs] < 1 {
		t.Errorf("a call that allocates %d bytes costs %v", size, c)
	}
	if c[allocd] > 64*size {
		t.Errorf("64 calls that allocate %d bytes each cost %v each", size, c)
	}
}

func TestRatios(t *testing.T) {
	t.Parallel()
	own, stock := []cost{{wall: 8}, {wall: 30}, {wall: 12}}, []cost{{wall: 10}, {wall: 20}, {wall: 10}}
	ratios := divide(values(own, wall), values(stock, wall))
	if want := []float64{0.8, 1.5, 1.2}; !slices.Equal(ratios, want) {
		t.Errorf("ratios %v, want %v", ratios, want)
	}
	if got, want := spreadOf(ratios), (spread{0.8, 1.2, 1.5}); got != want {
		t.Errorf("spread %v, want %v", got, want)
	}
	if got := medianOf([]float64{4, 1, 3, 2}); got != 2.5 {
		t.Errorf("median %v, want 2.5", got)
	}
	if got, want := subtract([]float64{5, 1}, []float64{2, 2}), []float64{3, -1}; !slices.Equal(got, want) {
		t.Errorf("differences %v, want %v", got, want)
	}
}

func TestOverFloor(t *testing.T) {
	t.Parallel()
	costs := func(of float64) []cost { return []cost{{of, of, of, of}} }
	got := overFloor(map[string][]cost{
		peers.FloorName: costs(10), peers.StockName: costs(20), peers.FilterResponsesName: costs(30),
		peers.FilterName: costs(50), peers.OgenName: costs(15), peers.KodexaName: costs(18),
	})
	for name, ratio := range map[string]string{
		peers.StockName: "0.80", peers.FilterResponsesName: "0.40", peers.FilterName: "0.20", peers.OgenName: "1.60",
	} {
		if !strings.Contains(got, "| "+name+" ") || !strings.Contains(got, " "+ratio+" | ") {
			t.Errorf("want %s for %q in:%s", ratio, name, got)
		}
	}
}

func TestShow(t *testing.T) {
	t.Parallel()
	for want, list := range map[string][]float64{
		"1.00":           {1, 0.999, 1.001},
		"0.90–1.00–1.20": {1.2, 1, 0.9},
		"9.99–12.3–1235": {12.34, 1234.6, 9.99},
	} {
		if got := show(list, 1); got != want {
			t.Errorf("show %v: %s, want %s", list, got, want)
		}
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	table := newTable("peer", "µs")
	table.add("floor", "1–2–3")
	want := "\n| peer  |    µs |\n| ----- | ----: |\n| floor | 1–2–3 |\n"
	if got := table.String(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestParseInitTrace(t *testing.T) {
	t.Parallel()
	got := parseInitTrace("init errors @0.29 ms, 0.001 ms clock, 0 bytes, 0 allocs\nnoise\n" +
		"init example.com/a/v6 @1.5 ms, 5.2 ms clock, 1700000 bytes, 21286 allocs\n")
	want := map[string]initCost{"errors": {0.001, 0, 0}, "example.com/a/v6": {5.2, 1700, 21286}}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// BenchmarkPeers is for profiles, such as go test -run - -bench Peers/.*this -cpuprofile cpu.prof tells.
func BenchmarkPeers(b *testing.B) { benchmark(b, usualSession(), peers.All) }

// BenchmarkSizes is the same for sessions of 1 MB.
func BenchmarkSizes(b *testing.B) {
	for _, shape := range []shape{nestedMap, flatMap, stringArray} {
		b.Run(string(shape), func(b *testing.B) {
			benchmark(b, shapedSession(shape, 1_000_000), func(t peers.Target) ([]peers.Peer, error) {
				return peers.Make(t, peers.Tuned, peers.Stock, peers.Kodexa)
			})
		})
	}
}

func benchmark(b *testing.B, session []byte, of func(peers.Target) ([]peers.Peer, error)) {
	b.Helper()
	server := newServer(session)
	b.Cleanup(server.Close)
	all, err := of(targetOf(server.URL, session))
	if err != nil {
		b.Fatal(err)
	}
	for _, peer := range all {
		b.Run(peer.Name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := peer.Run(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// peerOf returns the peer with index i and its server.
func peerOf(t *testing.T, i int) (*kodexatest.Server, peers.Peer) {
	t.Helper()
	server := kodexatest.NewServer()
	t.Cleanup(server.Close)
	all, err := peers.All(peers.Target{URL: server.URL, Charset: server.URL, APIKey: server.APIKey, Session: usualSession()})
	if err != nil {
		t.Fatal(err)
	}
	return server, all[i]
}

func peerNames(t *testing.T) []string {
	t.Helper()
	all, err := peers.All(targetOf("http://127.0.0.1", usualSession()))
	if err != nil {
		t.Fatal(err)
	}
	names := make([]string, len(all))
	for i, peer := range all {
		names[i] = peer.Name
	}
	return names
}

// stored is what the server has before the update.
func stored(t *testing.T) kodexa.Session {
	t.Helper()
	var s kodexa.Session
	if err := json.Unmarshal(usualSession(), &s); err != nil {
		t.Fatal(err)
	}
	return kodexa.Session{ID: s.ID, ChangeSequence: s.ChangeSequence, State: new("OPEN")}
}

// answerWith answers JSON in which %s stands for the member id.
func answerWith(status int, body string) http.HandlerFunc {
	return typed(status, "application/json", body)
}

func typed(status int, mediaType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", mediaType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, strings.Replace(body, "%s", `"id":"`+peers.SessionID.String()+`"`, 1))
	}
}

// toJSON returns v, or v itself if it is JSON.
func toJSON(t *testing.T, v any) []byte {
	t.Helper()
	if text, ok := v.([]byte); ok {
		return text
	}
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// sameJSON compares without updatedOn: not every peer's model keeps fractions of a second.
func sameJSON(t *testing.T, a, b []byte) bool {
	t.Helper()
	var values [2]map[string]any
	for i, text := range [][]byte{a, b} {
		if err := json.Unmarshal(text, &values[i]); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		if _, ok := values[i]["updatedOn"].(string); !ok {
			return false
		}
		delete(values[i], "updatedOn")
	}
	return reflect.DeepEqual(values[0], values[1])
}
