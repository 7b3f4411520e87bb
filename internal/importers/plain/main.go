// Command plain closes a session, as a stranger writes that with nothing but the README at hand.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/google/uuid"

	kodexa "github.com/kodexa-community/kodexa-go"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("usage: plain ID, not %q", args)
	}
	id, err := uuid.Parse(args[0])
	if err != nil {
		return err
	}
	client, err := kodexa.New(kodexa.FromEnv())
	if err != nil {
		return err
	}
	return closeSession(ctx, client, id)
}

func closeSession(ctx context.Context, client *kodexa.Client, id uuid.UUID) error {
	session, err := client.ModifySession(ctx, id, func(s *kodexa.Session) error {
		s.State = new("CLOSED")
		return nil
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(os.Stdout, "stored as version", *session.ChangeSequence)
	return err
}
