package main

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"syscall"
	"time"

	"github.com/kodexa-community/kodexa-go/bench/peers"
)

// cost is what one call costs, by metric.
type cost [4]float64

// The metrics. All are those of the whole process, the server in it included.
const (
	wall   = iota // nanoseconds
	cpu           // nanoseconds, user and system
	allocs        // number of allocations
	allocd        // bytes allocated
)

// interleave runs each peer for batch calls in every round and returns the mean cost of a call by peer and round. Who
// begins a round changes from round to round, so that what slows the machine down for a while slows all of them down.
func interleave(ctx context.Context, all []peers.Peer, rounds, batch int) ([][]cost, error) {
	costs := make([][]cost, len(all))
	for i, peer := range all {
		costs[i] = make([]cost, rounds)
		if _, err := measure(ctx, peer, batch); err != nil { // to warm up
			return nil, err
		}
	}
	for round := range rounds {
		for n := range all {
			i := (n + round) % len(all)
			var err error
			if costs[i][round], err = measure(ctx, all[i], batch); err != nil {
				return nil, err
			}
		}
	}
	return costs, nil
}

func measure(ctx context.Context, peer peers.Peer, calls int) (cost, error) {
	runtime.GC() // so that nobody pays for the garbage of another
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cpuBefore, start := cpuTime(), time.Now()
	for range calls {
		if _, err := peer.Run(ctx); err != nil {
			return cost{}, fmt.Errorf("%s: %w", peer.Name, err)
		}
	}
	took, cpuTook := time.Since(start), cpuTime()-cpuBefore
	runtime.ReadMemStats(&after)
	n := float64(calls)
	return cost{
		wall:   float64(took) / n,
		cpu:    float64(cpuTook) / n,
		allocs: float64(after.Mallocs-before.Mallocs) / n,
		allocd: float64(after.TotalAlloc-before.TotalAlloc) / n,
	}, nil
}

// cpuTime returns what the process has used so far.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(fmt.Sprintf("getrusage: %v", err))
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// values returns one metric of each round.
func values(costs []cost, metric int) []float64 {
	list := make([]float64, len(costs))
	for i, c := range costs {
		list[i] = c[metric]
	}
	return list
}

// divide divides round by round.
func divide(a, b []float64) []float64 {
	return pairwise(a, b, func(a, b float64) float64 { return a / b })
}

// subtract subtracts round by round.
func subtract(a, b []float64) []float64 {
	return pairwise(a, b, func(a, b float64) float64 { return a - b })
}

func pairwise(a, b []float64, f func(a, b float64) float64) []float64 {
	list := make([]float64, len(a))
	for i := range a {
		list[i] = f(a[i], b[i])
	}
	return list
}

// spread is what is told of a list of values.
type spread struct{ lowest, median, highest float64 }

func spreadOf(list []float64) spread {
	sorted := slices.Sorted(slices.Values(list))
	half := len(sorted) / 2
	median := sorted[half]
	if len(sorted)%2 == 0 {
		median = (sorted[half-1] + median) / 2
	}
	return spread{sorted[0], median, sorted[len(sorted)-1]}
}

func medianOf(list []float64) float64 { return spreadOf(list).median }
