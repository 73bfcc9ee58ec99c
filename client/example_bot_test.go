package client_test

import (
	"context"
	"fmt"
	"log"
	"strings"

	"chatroom/client"
)

// A bot answers each message that begins with "!echo" once, also when it is killed and
// started again: the id of an answer follows from the message, and the cursor says which
// messages were answered.
func Example_bot() {
	server := startServer()
	defer server.Close()
	server.say("lobby", "!echo Hello, bot!")
	server.say("lobby", "!echo Good bye!")

	ctx := context.Background()
	cursors := new(client.MemoryCursors) // of a program that is to survive: client.OpenFileCursors
	c, err := client.New(client.Config{URL: server.URL, Cursors: cursors})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close(ctx)

	for event, err := range c.Follow(client.Resume(client.Recent("lobby", 100))).Events(ctx) {
		if err != nil {
			log.Fatal(err) // ctx has ended, or a retry does not help
		}
		text, found := strings.CutPrefix(event.GetMessage().GetText(), "!echo ")
		if !found {
			continue
		}
		id := fmt.Sprintf("echo-%s-%d", event.Epoch, event.GetSequence())
		if _, err := c.Send(ctx, event.GetRoom(), client.Reply(event.GetSequence(), text), client.WithID(id)); err != nil {
			log.Fatal(err)
		}
		if text == "Good bye!" {
			break
		}
	}
	for _, text := range server.log("lobby") {
		fmt.Println(text)
	}
	// Output:
	// !echo Hello, bot!
	// !echo Good bye!
	// Hello, bot!
	// Good bye!
}
