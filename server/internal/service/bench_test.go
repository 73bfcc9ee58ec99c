package service

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// benchService runs a service in memory until the end of a benchmark, and returns its address.
func benchService(b *testing.B) string {
	b.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ready, ended := make(chan string, 1), make(chan error, 1)
	c := Config{Addresses: []string{"127.0.0.1:0"}, Data: MemoryData, Limits: "off", Drain: 1, Ready: func(addresses []string) { ready <- addresses[0] }}
	go func() { ended <- Run(ctx, c) }()
	b.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			b.Error(err)
		}
		http.DefaultClient.CloseIdleConnections()
	})
	select {
	case address := <-ready:
		return "http://" + address + "/chat.v1.ChatRoom/"
	case err := <-ended:
		b.Fatal(err)
		return ""
	}
}

// benchSend sends a message over HTTP/1.1.
func benchSend(b *testing.B, url string, n int) {
	b.Helper()
	response, err := http.Post(url+"Send", "application/json", strings.NewReader(fmt.Sprintf(`{"room":"lobby","id":"%d","message":{"text":"hi"}}`, n)))
	if err != nil {
		b.Fatal(err)
	}
	_, err = io.Copy(io.Discard, response.Body)
	if err = errors.Join(err, response.Body.Close()); err != nil || response.StatusCode != http.StatusOK {
		b.Fatal(response.Status, err)
	}
}

// BenchmarkSend sends messages one by one, without a subscriber. What is allocated includes the
// client.
func BenchmarkSend(b *testing.B) {
	url := benchService(b)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		benchSend(b, url, n)
	}
}

// BenchmarkDeliver sends messages one by one, to 50 subscribers. What is allocated includes the
// sender, and not the subscribers, who read into buffers of their own.
func BenchmarkDeliver(b *testing.B) {
	url := benchService(b)
	const subscribers = 50
	var readers []*bufio.Reader
	for range subscribers {
		request := `{"rooms":[{"room":"lobby"}]}`
		envelope := append([]byte{0, 0, 0, 0, byte(len(request))}, request...)
		response, err := http.Post(url+"Subscribe", "application/connect+json", strings.NewReader(string(envelope)))
		if err != nil {
			b.Fatal(err)
		}
		defer response.Body.Close()
		readers = append(readers, bufio.NewReader(response.Body))
	}
	for _, r := range readers {
		awaitText(b, r, `"caughtUp"`)
	}
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		benchSend(b, url, n)
		for _, r := range readers {
			awaitText(b, r, `"message"`)
		}
	}
}

// awaitText reads up to the end of a text, which no frame has twice.
func awaitText(b *testing.B, r *bufio.Reader, text string) {
	for at := 0; at < len(text); {
		c, err := r.ReadByte()
		if err != nil {
			b.Fatal(err)
		}
		if c == text[at] {
			at++
		} else {
			at = 0
		}
	}
}
