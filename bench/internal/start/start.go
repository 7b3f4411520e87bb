// Package start is the main function of programs whose start is measured.
package start

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/google/uuid"
)

// SessionID is the session that the server answers.
var SessionID = uuid.MustParse("550e8400-e29b-41d4-a716-446655440000")

// Times is what a program tells of itself.
type Times struct {
	New   time.Duration `json:"new"`   // making the client
	First time.Duration `json:"first"` // the first call; 0 if there is nothing to call
	Later time.Duration `json:"later"` // the median of the calls that follow
}

const laterCalls = 200

// Main makes a client of the server whose URL is the program's argument, calls it and writes [Times] to standard output.
// A nil update is not called. Without an argument it does nothing, which is what it takes to start the program.
func Main(newClient func(url string) (update func(context.Context) error, err error)) {
	if len(os.Args) < 2 {
		return
	}
	if err := run(newClient, os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(newClient func(string) (func(context.Context) error, error), url string) error {
	ctx := context.Background()
	begin := time.Now()
	update, err := newClient(url)
	if err != nil {
		return err
	}
	t := Times{New: time.Since(begin)}
	if update == nil {
		return json.NewEncoder(os.Stdout).Encode(t)
	}
	times := make([]time.Duration, 0, 1+laterCalls)
	for range cap(times) {
		begin := time.Now()
		if err := update(ctx); err != nil {
			return err
		}
		times = append(times, time.Since(begin))
	}
	t.First = times[0]
	slices.Sort(times[1:])
	t.Later = times[1+laterCalls/2]
	return json.NewEncoder(os.Stdout).Encode(t)
}
