package presence_test

import (
	"fmt"
	"time"

	"chatroom/server/internal/presence"
)

func ExampleRoster() {
	room := presence.New[string](presence.Config{})
	now := time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)

	// The owner calls this after each call that changes the roster, holding the same
	// lock, and when Due says.
	tick := func() {
		for _, change := range room.Tick(now) {
			switch c := change.(type) {
			case presence.Joined[string]:
				fmt.Printf("%s joined, %d are here\n", c.Member, c.Count)
			case presence.Left[string]:
				fmt.Printf("%s left, %d are here\n", c.Member, c.Count)
			case presence.Renamed[string]:
				fmt.Printf("%s is now %s\n", c.ID, c.Member)
			case presence.Counted[string]:
				fmt.Printf("%d are here\n", c.Count)
			case presence.Summary[string]:
				fmt.Printf("%d joined, %d left, %d are here\n", c.Joined, c.Left, c.Count)
			}
		}
	}

	room.Enter(now, "7f3a", "ann")
	tick()
	room.Enter(now, "90c1", "bob")
	tick()

	room.Leave(now, "7f3a", false) // ann reloads the page
	tick()
	now = now.Add(2 * time.Second)
	room.Enter(now, "7f3a", "ann")
	tick()

	room.Leave(now, "90c1", false) // bob's connection is lost
	tick()
	due, _ := room.Due()
	fmt.Println("due in", due.Sub(now))
	now = due
	tick()
	// Output:
	// ann joined, 1 are here
	// bob joined, 2 are here
	// due in 10s
	// bob left, 1 are here
}

// A page of a list, and whether there is another one.
func ExampleRoster_Members() {
	room := presence.New[string](presence.Config{})
	now := time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)
	for _, name := range []string{"eve", "dan", "cyd", "bob", "ann"} {
		room.Enter(now, name, name)
	}

	const limit = 2
	var page []string
	more := false
	for id := range room.Members("bob") {
		if len(page) == limit {
			more = true
			break
		}
		page = append(page, id)
	}
	fmt.Println(page, more)
	// Output: [cyd dan] true
}
