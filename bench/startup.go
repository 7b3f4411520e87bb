package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kodexa-community/kodexa-go/bench/internal/start"
)

// none stands where there is nothing to measure.
const none = "–"

// program is one of internal/start, built as for release, and what was measured of it, a value each time it ran.
type program struct {
	name, path string
	megabytes  float64

	starts             []float64             // milliseconds from exec to exit, nothing done in between
	news, first, later []float64             // milliseconds, see start.Times
	inits              map[string][]initCost // by package
}

// startup compares what this client costs before it does anything with what net/http costs.
func startup(ctx context.Context, s settings) (string, error) {
	dir, err := os.MkdirTemp("", "kodexa-bench-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	handwritten := &program{name: "hand-written net/http + encoding/json", path: filepath.Join(dir, "handwritten")}
	kodexa := &program{name: "**this client**", path: filepath.Join(dir, "kodexa")}
	loader := &program{name: "kin-openapi, loading the contract", path: filepath.Join(dir, "kinopenapi")}
	programs := []*program{handwritten, loader, kodexa}
	for _, p := range programs {
		if err := p.build(ctx); err != nil {
			return "", err
		}
	}
	server := newServer(usualSession())
	defer server.Close()
	for round := range s.starts {
		for n := range programs {
			if err := programs[(n+round)%len(programs)].measure(ctx, server.URL); err != nil {
				return "", err
			}
		}
	}

	t := newTable("program", "stripped MB", "process start ms", "New ms", "first call ms", "later calls ms")
	for _, p := range programs {
		row := []string{p.name, number(p.megabytes), show(p.starts, 1), show(p.news, 1), none, none}
		if p != loader {
			row[4], row[5] = show(p.first, 1), show(p.later, 1)
		}
		t.add(row...)
	}
	t.add("**this client** ÷ kin-openapi", none, none, show(divide(kodexa.news, loader.news), 1), none, none)
	t.add("**this client** − hand-written", number(kodexa.megabytes-handwritten.megabytes),
		show(subtract(kodexa.starts, handwritten.starts), 1), show(subtract(kodexa.news, handwritten.news), 1),
		show(subtract(kodexa.first, handwritten.first), 1), show(subtract(kodexa.later, handwritten.later), 1))
	return fmt.Sprintf("Programs that update a session, and one that loads the contract, built with -ldflags='-s -w', "+
		"in a fresh process each of %d times.\n", s.starts) +
		t.String() + initTable(kodexa, handwritten), nil
}

func (p *program) build(ctx context.Context) error {
	source := "./internal/start/" + filepath.Base(p.path)
	build := command(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", p.path, source)
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s, which works in bench/ only: %w: %s", source, err, out)
	}
	info, err := os.Stat(p.path)
	if err != nil {
		return err
	}
	p.megabytes = float64(info.Size()) / 1e6
	return nil
}

// measure runs the program to no end, then against the server, then with its initialization traced.
func (p *program) measure(ctx context.Context, url string) error {
	begin := time.Now()
	if err := command(ctx, p.path).Run(); err != nil {
		return err
	}
	p.starts = append(p.starts, milliseconds(time.Since(begin)))

	out, err := command(ctx, p.path, url).Output()
	if err != nil {
		return err
	}
	var t start.Times
	if err := json.Unmarshal(out, &t); err != nil {
		return err
	}
	p.news = append(p.news, milliseconds(t.New))
	p.first = append(p.first, milliseconds(t.First))
	p.later = append(p.later, milliseconds(t.Later))

	var trace bytes.Buffer
	traced := command(ctx, p.path)
	traced.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	traced.Stderr = &trace
	if err := traced.Run(); err != nil {
		return err
	}
	if p.inits == nil {
		p.inits = map[string][]initCost{}
	}
	for pkg, cost := range parseInitTrace(trace.String()) {
		p.inits[pkg] = append(p.inits[pkg], cost)
	}
	return nil
}

func milliseconds(d time.Duration) float64 { return float64(d) / 1e6 }

// initCost is what the initialization of a package took.
type initCost struct{ ms, kB, allocs float64 }

var initLine = regexp.MustCompile(`(?m)^init (\S+) @\S+ ms, (\S+) ms clock, (\d+) bytes, (\d+) allocs$`)

// parseInitTrace reads what GODEBUG=inittrace=1 writes.
func parseInitTrace(trace string) map[string]initCost {
	costs := map[string]initCost{}
	for _, match := range initLine.FindAllStringSubmatch(trace, -1) {
		var n [3]float64
		for i := range n {
			n[i], _ = strconv.ParseFloat(match[2+i], 64) // the pattern leaves nothing else
		}
		costs[match[1]] = initCost{n[0], n[1] / 1e3, n[2]}
	}
	return costs
}

const (
	ownModule   = "github.com/kodexa-community/kodexa-go"
	shownAsItIs = 5 // packages that cost most
)

// initTable shows the packages of p whose initialization costs most, and this module's own.
func initTable(p, other *program) string {
	median := func(costs []initCost, of func(initCost) float64) float64 {
		list := make([]float64, len(costs))
		for i, c := range costs {
			list[i] = of(c)
		}
		return medianOf(list)
	}
	ms := func(c initCost) float64 { return c.ms }
	byCost := slices.SortedFunc(maps.Keys(p.inits), func(a, b string) int {
		return cmp.Or(cmp.Compare(median(p.inits[b], ms), median(p.inits[a], ms)), strings.Compare(a, b))
	})
	t := newTable("package init", "µs", "kB", "allocations")
	for i, pkg := range byCost {
		if i < shownAsItIs || strings.HasPrefix(pkg, ownModule) {
			costs := p.inits[pkg]
			t.add(pkg, number(1e3*median(costs, ms)),
				number(median(costs, func(c initCost) float64 { return c.kB })),
				number(median(costs, func(c initCost) float64 { return c.allocs })))
		}
	}
	for _, p := range []*program{p, other} {
		var sum initCost
		for _, costs := range p.inits {
			sum.ms += median(costs, ms)
			sum.kB += median(costs, func(c initCost) float64 { return c.kB })
			sum.allocs += median(costs, func(c initCost) float64 { return c.allocs })
		}
		t.add("all packages, "+p.name, number(1e3*sum.ms), number(sum.kB), number(sum.allocs))
	}
	return t.String()
}
