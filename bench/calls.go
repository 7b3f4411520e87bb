package main

import (
	"context"
	"fmt"

	"github.com/kodexa-community/kodexa-go/bench/peers"
)

// shown is what a metric is multiplied by to be shown: as microseconds and kB.
var shown = cost{wall: 1e-3, cpu: 1e-3, allocs: 1, allocd: 1e-3}

// calls compares all peers at the usual session, and shows what their calls are made of.
func calls(ctx context.Context, s settings) (string, error) {
	session := usualSession()
	server := newServer(session)
	defer server.Close()
	target := targetOf(server.URL, session)
	all, err := peers.All(target)
	if err != nil {
		return "", err
	}
	pieces, err := peers.Pieces(target)
	if err != nil {
		return "", err
	}
	all = append(all, pieces...)
	costs, err := interleave(ctx, all, s.rounds, s.batch)
	if err != nil {
		return "", err
	}
	byName := map[string][]cost{}
	for i, peer := range all {
		byName[peer.Name] = costs[i]
	}

	t := newTable("one update", "wall µs", "× stock", "CPU µs", "× stock", "allocations", "× stock", "kB", "× stock", "wall × **this client**")
	base, named := byName[peers.StockName], byName[peers.KodexaName]
	for _, peer := range all {
		row := []string{peer.Name}
		for metric, scale := range shown {
			own := values(byName[peer.Name], metric)
			row = append(row, show(own, scale), show(divide(own, values(base, metric)), 1))
		}
		t.add(append(row, show(divide(values(byName[peer.Name], wall), values(named, wall)), 1))...)
	}
	title := fmt.Sprintf("A session of %d bytes, sent and answered; server in the same process, so all figures include it. "+
		"Least–median–greatest of %d rounds of %d calls each; ratios are taken within a round.\n", len(session), s.rounds, s.batch)
	return title + t.String() + overFloor(byName), nil
}

// overFloor compares what the peers add to the bare exchange.
func overFloor(byName map[string][]cost) string {
	t := newTable("what this client adds to the bare exchange, ÷ what is added by", "wall", "CPU", "allocations", "bytes")
	added := func(name string, metric int) []float64 {
		return subtract(values(byName[name], metric), values(byName[peers.FloorName], metric))
	}
	for _, name := range []string{peers.StockName, peers.FilterResponsesName, peers.FilterName, peers.OgenName} {
		ratio := func(metric int) string {
			return show(divide(added(peers.KodexaName, metric), added(name, metric)), 1)
		}
		t.add(name, ratio(wall), ratio(cpu), ratio(allocs), ratio(allocd))
	}
	return t.String()
}
