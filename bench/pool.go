package main

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/kodexa-community/kodexa-go/bench/peers"
)

// contender is a client with a pool of its own.
type contender struct {
	name string
	// open returns a new one, and what closes its idle connections.
	open func(peers.Target) (peers.Peer, func(), error)
}

var contenders = []contender{
	{"stock on http.DefaultTransport", stockOn(peers.Default)},
	{"stock on a tuned transport", stockOn(peers.Tuned)},
	{peers.KodexaName + " as it comes", peers.KodexaPooled},
}

func stockOn(transport func() http.RoundTripper) func(peers.Target) (peers.Peer, func(), error) {
	return func(t peers.Target) (peers.Peer, func(), error) {
		t.HTTP = &http.Client{Transport: transport()}
		peer, err := peers.Stock(t)
		return peer, t.HTTP.CloseIdleConnections, err
	}
}

// pools compares what the clients' connection pools do for many goroutines. The server has a process of its own.
func pools(ctx context.Context, s settings) (string, error) {
	server, err := startServer(ctx)
	if err != nil {
		return "", err
	}
	defer func() { _ = server.close() }()
	t := newTable("goroutines, client", "connections a goroutine", "calls a second", "this client's throughput ÷")
	for _, goroutines := range s.goroutines {
		connections, throughput := make([][]float64, len(contenders)), make([][]float64, len(contenders))
		for round := range s.poolRounds {
			for n := range contenders {
				i := (n + round) % len(contenders)
				opened, rate, err := contenders[i].serve(ctx, server, goroutines, s.poolCalls)
				if err != nil {
					return "", err
				}
				connections[i] = append(connections[i], opened)
				throughput[i] = append(throughput[i], rate)
			}
		}
		own := throughput[len(contenders)-1]
		for i, c := range contenders {
			t.add(strconv.Itoa(goroutines)+", "+c.name,
				show(connections[i], 1), show(throughput[i], 1), show(divide(own, throughput[i]), 1))
		}
	}
	return "Many goroutines share one client, new in each round; server in another process.\n" + t.String(), nil
}

// serve lets goroutines do so many calls each through a new client. It returns how many connections were opened for each
// goroutine, and how many calls were done in a second.
func (c contender) serve(ctx context.Context, server *remote, goroutines, calls int) (opened, rate float64, err error) {
	peer, closeIdle, err := c.open(targetOf(server.url, usualSession()))
	if err != nil {
		return 0, 0, err
	}
	defer closeIdle()
	before, err := server.connections(ctx)
	if err != nil {
		return 0, 0, err
	}
	took, err := crowd(ctx, peer, goroutines, calls)
	if err != nil {
		return 0, 0, err
	}
	after, err := server.connections(ctx)
	return float64(after-before) / float64(goroutines), float64(goroutines*calls) / took.Seconds(), err
}

// crowd returns how long goroutines take for so many calls each. The first error ends them all.
func crowd(ctx context.Context, peer peers.Peer, goroutines, calls int) (time.Duration, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var group sync.WaitGroup
	start := time.Now()
	for range goroutines {
		group.Go(func() {
			for range calls {
				if _, err := peer.Run(ctx); err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	group.Wait()
	return time.Since(start), context.Cause(ctx)
}
