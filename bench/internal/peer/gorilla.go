package peer

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// hub is a WebSocket hub as gorilla's own example has it, with two things done
// better: the frame is prepared once for all, and what has queued up is sent in
// one write.
type hub struct {
	mu          sync.RWMutex // guards below
	subscribers map[*wsClient]struct{}
}

// wsClient is one subscriber.
type wsClient struct {
	conn  *websocket.Conn
	queue chan *wsMessage
	gone  chan struct{} // closed when it no longer reads
}

// wsMessage is a message as gorilla sends it, and the bytes of that.
type wsMessage struct {
	prepared *websocket.PreparedMessage
	frame    []byte
}

// The sizes and the queue are those of gorilla's example.
var upgrader = websocket.Upgrader{ReadBufferSize: 1024, WriteBufferSize: 1024}

// batches holds buffers for what is written at once.
var batches = sync.Pool{New: func() any { return new([]byte) }}

func serveGorilla(ctx context.Context, listener net.Listener) error {
	h := &hub{subscribers: make(map[*wsClient]struct{})}
	mux := http.NewServeMux()
	var serving sync.WaitGroup
	handle := func(path string, serve func(*websocket.Conn) error) {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			conn, err := upgrader.Upgrade(w, r, nil)
			if err != nil {
				return // it has answered
			}
			// What the handler holds can be collected, once it has returned.
			serving.Go(func() {
				defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
				defer conn.Close()
				_ = serve(conn) // how a client ends is its own affair
			})
		})
	}
	handle("/subscribe", h.subscribe)
	handle("/publish", h.receive)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	defer serving.Wait()
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// subscribe serves one subscriber. The first message is empty: the subscriber
// has its place.
func (h *hub) subscribe(conn *websocket.Conn) error {
	c := &wsClient{conn: conn, queue: make(chan *wsMessage, queue), gone: make(chan struct{})}
	h.mu.Lock()
	h.subscribers[c] = struct{}{}
	h.mu.Unlock()
	var writing sync.WaitGroup
	writing.Go(c.write)
	defer writing.Wait()
	defer func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.subscribers, c)
	}()
	defer close(c.gone)
	for {
		if _, _, err := conn.ReadMessage(); err != nil {
			return err
		}
	}
}

// receive answers each text that a publisher sends with an empty one, and publishes
// it.
func (h *hub) receive(conn *websocket.Conn) error {
	for {
		_, text, err := conn.ReadMessage()
		if err != nil {
			return err
		}
		prepared, err := websocket.NewPreparedMessage(websocket.TextMessage, text)
		if err != nil {
			return err
		}
		if err := conn.WriteMessage(websocket.TextMessage, nil); err != nil {
			return err
		}
		h.publish(&wsMessage{prepared, frame(text)})
	}
}

func (h *hub) publish(m *wsMessage) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for c := range h.subscribers {
		select {
		case c.queue <- m:
		case <-c.gone:
		}
	}
}

func (c *wsClient) write() {
	err := c.conn.WriteMessage(websocket.TextMessage, nil)
	for err == nil {
		select {
		case m := <-c.queue:
			if len(c.queue) == 0 {
				err = c.conn.WritePreparedMessage(m.prepared)
			} else {
				err = c.writeQueued(m)
			}
		case <-c.gone:
			return
		}
	}
	_ = c.conn.Close() // the reader notices
}

// writeQueued writes the first message and all that are in the queue.
func (c *wsClient) writeQueued(first *wsMessage) error {
	batch := batches.Get().(*[]byte)
	defer batches.Put(batch)
	*batch = append((*batch)[:0], first.frame...)
	for range len(c.queue) {
		*batch = append(*batch, (<-c.queue).frame...)
	}
	_, err := c.conn.NetConn().Write(*batch)
	return err
}

// frame returns a server's text frame: unmasked, of at most 64 KiB.
func frame(text []byte) []byte {
	const whole = 0x80
	out := []byte{whole | websocket.TextMessage, byte(len(text))}
	if len(text) > 125 {
		out = binary.BigEndian.AppendUint16([]byte{out[0], 126}, uint16(len(text)))
	}
	return append(out, text...)
}
