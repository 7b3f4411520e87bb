package main

import (
	"context"
	"fmt"

	"github.com/kodexa-community/kodexa-go/bench/peers"
)

// sizes compares this client with the stock client at bodies of different shapes and sizes.
func sizes(ctx context.Context, s settings) (string, error) {
	t := newTable("body", "wall × stock", "CPU × stock", "allocations × stock", "bytes × stock",
		"API(), wall × stock", "bare ns/byte", "stock ns/byte", "this client ns/byte")
	for _, shape := range []shape{nestedMap, flatMap, stringArray} {
		for _, size := range s.sizes {
			row, err := oneSize(ctx, s, shape, size)
			if err != nil {
				return "", err
			}
			t.add(row...)
		}
	}
	return "This client ÷ stock by the size of the session, sent and answered; nanoseconds for each byte of it, which stay the same " +
		"where cost grows linearly.\n" + t.String(), nil
}

func oneSize(ctx context.Context, s settings, shape shape, size int) ([]string, error) {
	session := shapedSession(shape, size)
	server := newServer(session)
	defer server.Close()
	all, err := peers.Make(targetOf(server.URL, session), peers.Tuned, peers.Floor, peers.Stock, peers.Kodexa, peers.KodexaAPI)
	if err != nil {
		return nil, err
	}
	costs, err := interleave(ctx, all, s.sizeRounds, max(1, s.batch*1000/size))
	if err != nil {
		return nil, err
	}
	floor, stock, own, api := costs[0], costs[1], costs[2], costs[3]
	row := []string{fmt.Sprintf("%s, %s", shape, sizeName(size))}
	for metric := range shown {
		row = append(row, show(divide(values(own, metric), values(stock, metric)), 1))
	}
	row = append(row, show(divide(values(api, wall), values(stock, wall)), 1))
	for _, costs := range [][]cost{floor, stock, own} {
		row = append(row, number(medianOf(values(costs, wall))/float64(len(session))))
	}
	return row, nil
}

func sizeName(size int) string {
	if size >= 1_000_000 {
		return fmt.Sprintf("%d MB", size/1_000_000)
	}
	return fmt.Sprintf("%d kB", size/1000)
}
