package client_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strconv"
	"strings"

	"connectrpc.com/connect"

	"chatroom/client"
)

// bridge copies the messages of one room to another, each exactly once: it may be killed
// and started again at any moment.
type bridge struct {
	client   *client.Client // with a CursorStore, and the guest as its token
	guest    *client.Guest
	from, to string
}

// run copies until ctx ends.
func (b *bridge) run(ctx context.Context) error {
	copied, err := b.copied(ctx)
	if err != nil {
		return err
	}
	for event, err := range b.client.Follow(client.Resume(client.Recent(b.from, 1000))).Events(ctx) {
		if err != nil {
			return err
		}
		if event.Reset != nil {
			log.Printf("messages up to %d are no longer kept and were not copied", event.Reset.Head)
		}
		m := event.GetMessage()
		if m == nil || event.Epoch == copied.Epoch && event.GetSequence() <= copied.Sequence {
			continue
		}
		text := event.GetSender().GetName() + ": " + m.GetText()
		if _, err := b.client.Send(ctx, b.to, client.Text(text), client.WithID(b.id(event.Cursor()))); err != nil {
			return err
		}
	}
	return nil
}

// id returns the id of the copy of an event, which follows from the event's position: a
// copy that is sent again is not stored again, as long as the server remembers ids.
func (b *bridge) id(at client.Cursor) string { return fmt.Sprintf("copy-%d-%s", at.Sequence, at.Epoch) }

// copied returns the position of the newest event that was copied. The cursor store may be
// behind, by what was sent when the bridge was killed, and the server remembers ids for
// minutes only: the copies themselves tell.
func (b *bridge) copied(ctx context.Context) (client.Cursor, error) {
	for event, err := range b.client.Backward(ctx, b.to) {
		switch {
		case connect.CodeOf(err) == connect.CodeNotFound:
			return client.Cursor{}, nil // there is no such room yet
		case err != nil:
			return client.Cursor{}, err
		}
		// Others may send what looks like a copy.
		if at, ok := strings.CutPrefix(event.GetId(), "copy-"); ok && event.GetSender().GetId() == b.guest.ID() {
			sequence, epoch, _ := strings.Cut(at, "-")
			n, err := strconv.ParseUint(sequence, 10, 64)
			return client.Cursor{Epoch: epoch, Sequence: n}, err
		}
	}
	return client.Cursor{}, nil
}

func Example_bridge() {
	server := startServer()
	defer server.Close()
	for i := range 3 {
		server.say("lobby", fmt.Sprint("message ", i))
	}

	ctx, cancel := context.WithCancel(context.Background())
	guest := client.NewGuest("bridge", "") // of a program that is to survive: with a file for its token
	cursors := new(client.MemoryCursors)   // and client.OpenFileCursors
	c, err := client.New(client.Config{URL: server.URL, Token: guest, Cursors: cursors})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close(ctx)
	server.whenAtLeast("copy", 3, cancel)
	if err := (&bridge{client: c, guest: guest, from: "lobby", to: "copy"}).run(ctx); !errors.Is(err, context.Canceled) {
		log.Fatal(err)
	}
	for _, text := range server.log("copy") {
		fmt.Println(text)
	}
	// Output:
	// gopher: message 0
	// gopher: message 1
	// gopher: message 2
}
