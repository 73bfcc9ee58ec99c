package fanout_test

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"chatroom/server/fanout"
)

func ExampleTopic() {
	topic := fanout.New(fanout.Config[string]{})
	alice, bob := topic.Subscribe(), topic.Subscribe()
	defer alice.Close()
	defer bob.Close()

	_ = topic.Publish("hello", "world") // fails only after Close
	topic.Close()

	for text, err := range alice.All(context.Background()) {
		fmt.Println("alice:", text, err)
	}
	for text, err := range bob.All(context.Background()) {
		fmt.Println("bob:", text, err)
	}
	// Output:
	// alice: hello <nil>
	// alice: world <nil>
	// alice:  fanout: closed
	// bob: hello <nil>
	// bob: world <nil>
	// bob:  fanout: closed
}

// A goroutine reads several topics.
func ExampleTopic_SubscribeWith() {
	news, weather := fanout.New(fanout.Config[string]{}), fanout.New(fanout.Config[string]{})
	ready := make(chan struct{}, 1)
	subs := []*fanout.Subscription[string]{news.SubscribeWith(ready), weather.SubscribeWith(ready)}
	for _, sub := range subs {
		defer sub.Close()
	}

	_ = news.Publish("a gopher was seen")
	_ = weather.Publish("rain")

	<-ready // at least one of them may have values
	var buf [8]string
	for _, sub := range subs {
		n, err := sub.Take(buf[:])
		fmt.Println(buf[:n], err)
	}
	// Output:
	// [a gopher was seen] <nil>
	// [rain] <nil>
}

// A reader that fell behind the window continues with the values published next.
func ExampleSubscription_Rejoin() {
	topic := fanout.New(fanout.Config[int]{Window: 2})
	sub := topic.Subscribe()
	defer sub.Close()
	_ = topic.Publish(1, 2, 3)

	var buf [8]int
	if _, err := sub.Take(buf[:]); errors.Is(err, fanout.ErrLagged) {
		fmt.Println("skipped", sub.Rejoin())
		// Read the skipped values now from where they are stored, if they are.
	}
	_ = topic.Publish(4)
	n, err := sub.Take(buf[:])
	fmt.Println(buf[:n], err)
	// Output:
	// skipped 3
	// [4] <nil>
}

// Two topics and a cache share 100 bytes. The oldest value or entry is evicted first.
func ExampleBudget() {
	budget := fanout.NewBudget(100)
	config := fanout.Config[string]{
		Budget: budget,
		Size:   func(s string) int64 { return int64(len(s)) },
	}
	news, weather := fanout.New(config), fanout.New(config)
	defer news.Close()
	defer weather.Close()
	late := news.Subscribe()

	_ = news.Publish(strings.Repeat("n", 40))
	cached := budget.Hold(30, func() { fmt.Println("cache entry evicted") })
	_ = weather.Publish(strings.Repeat("w", 40)) // displaces the news
	fmt.Println(budget.Used(), cached.Use())

	buf := make([]string, 8)
	_, err := late.Take(buf)
	fmt.Println(err)

	_ = weather.Publish(strings.Repeat("w", 60)) // displaces the first weather
	_ = weather.Publish(strings.Repeat("w", 20)) // evicts the entry, which is the oldest now
	fmt.Println(budget.Used())

	// Output:
	// 70 true
	// fanout: reader fell behind the window
	// cache entry evicted
	// 80
}
