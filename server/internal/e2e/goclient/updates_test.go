package goclient

import (
	"testing"

	"google.golang.org/protobuf/types/known/anypb"

	"chatroom/client"
	"chatroom/server/internal/e2e/harness"
	"chatroom/server/internal/service"
)

// eachTransport runs a test with a client of a service, over each transport.
func eachTransport(t *testing.T, s *harness.Service, test func(t *testing.T, c *client.Client)) {
	t.Helper()
	for _, v := range variants {
		if v.transport == client.Auto || v.options != nil {
			continue
		}
		t.Run(v.name, func(t *testing.T) {
			config := v.config(s.URL)
			config.Token = client.NewGuest("gopher", "")
			c, err := client.New(config)
			harness.Must(t, err)
			test(t, c)
			harness.Must(t, c.Close(t.Context()))
		})
	}
}

// A feed that watches the list of rooms tells of a new room.
func TestWatchRooms(t *testing.T) {
	s := harness.Start(t, harness.InMemory)
	eachTransport(t, s, func(t *testing.T, c *client.Client) {
		ctx, created := harness.Context(t), "new-"+roomFor("", variant{name: t.Name()})
		feed := c.Follow(client.Live("lobby"))
		watching, found := false, false
		for u, err := range feed.Updates(ctx) {
			harness.Must(t, err)
			switch u := u.(type) {
			case client.CaughtUp:
				feed.WatchRooms(true)
			case client.RoomsChanged:
				if !watching && u.GetIncomplete() {
					watching = true
					_, err := c.Send(ctx, created, client.Text("hello"))
					harness.Must(t, err)
				}
				for _, room := range u.GetRooms() {
					found = found || room.GetName() == created && room.GetMessages() == 1
				}
			}
			if found {
				break
			}
		}
	})
}

// Events of an application's own kind are sent and received as they are, stored and not.
func TestCustomEvents(t *testing.T) {
	s := harness.Start(t, harness.InMemory, func(c *service.Config) { c.Schema = harness.GameSchema })
	rules := harness.ReadGameRules(t)
	eachTransport(t, s, func(t *testing.T, c *client.Client) {
		ctx, room := harness.Context(t), roomFor("", variant{name: t.Name()})
		want := []harness.Square{{X: 1, Y: 1}, {X: 2, Y: 2}, {X: 3, Y: 3}}
		bodies := []func(*anypb.Any) client.Body{
			func(m *anypb.Any) client.Body { return client.Custom(m) },
			func(m *anypb.Any) client.Body { return client.Ephemeral(m) },
			func(m *anypb.Any) client.Body { return client.Keyed("queen", m) },
		}
		n := 0
		for u, err := range c.Follow(client.Live(room)).Updates(ctx) {
			harness.Must(t, err)
			switch u := u.(type) {
			case client.CaughtUp:
				for i, body := range bodies {
					receipt, err := c.Send(ctx, room, body(rules.Pack(t, "queen", want[i])))
					harness.Must(t, err)
					if stored := receipt.Sequence > 0; stored != (i == 0) {
						t.Errorf("the receipt of event %d is %+v", i, receipt)
					}
				}
			case client.Event:
				payload := u.GetCustom().GetPayload()
				if payload == nil {
					continue
				}
				if got, err := rules.Unpack(payload); err != nil || got != want[n] {
					t.Errorf("event %d is %v, %v, want %v", n, got, err, want[n])
				}
				n++
			}
			if n == len(want) {
				break
			}
		}
	})
}
