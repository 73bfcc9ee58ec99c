//go:build unix

package h2

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/net/http2"
)

// subscribers is how many connections the benchmarks hold.
var subscribers = benchSize()

func benchSize() int {
	if n, err := strconv.Atoi(os.Getenv("H2_BENCH_SUBSCRIBERS")); err == nil {
		return n
	}
	return 200
}

// BenchmarkDeliver delivers a message of 128 bytes to a detached stream on each
// of many connections, one after the other by one goroutine, each connection
// flushed once: the unbatched case. The floor is the same with bare TCP
// connections and one write each. cpu-µs/delivery is the time of the whole
// process, the reading half included.
func BenchmarkDeliver(b *testing.B) {
	payload := bytes.Repeat([]byte("x"), 128)
	b.Run("floor", func(b *testing.B) {
		conns := floorConns(b)
		deliver(b, func() {
			for _, nc := range conns {
				if _, err := nc.Write(payload); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
	for name, opaque := range map[string]bool{"h2": false, "h2 through a goroutine": true} {
		b.Run(name, func(b *testing.B) {
			streams := detachedStreams(b, opaque)
			deliver(b, func() {
				for _, s := range streams {
					for s.Append(payload) != nil {
						runtime.Gosched() // the window is used up until the client returns it
					}
					s.Conn().Flush()
				}
			})
		})
	}
}

// BenchmarkDeliverShared delivers to as many streams on one connection, as behind
// a proxy: all are appended to, and the connection is flushed once.
func BenchmarkDeliverShared(b *testing.B) {
	payload := bytes.Repeat([]byte("x"), 128)
	d := newDetacher(newRecorder())
	f := serve(b, &Server{Handler: d, PingInterval: 1 << 40})
	p := f.dial(b, http2.Setting{ID: http2.SettingInitialWindowSize, Val: maxWindow})
	p.must(p.framer.WriteWindowUpdate(0, maxWindow-protocolWindow))
	streams := make([]*Stream, subscribers)
	for i := range streams {
		p.get(uint32(2*i+1), "/")
		streams[i] = <-d.streams
	}
	go p.drain()
	deliver(b, func() {
		for _, s := range streams {
			for s.Append(payload) != nil {
				runtime.Gosched()
			}
		}
		streams[0].Conn().Flush()
	})
}

// drain reads and returns the windows.
func (p *peer) drain() {
	_ = p.nc.SetDeadline(noDeadline)
	buf, read := make([]byte, 64<<10), 0
	for {
		n, err := p.nc.Read(buf)
		if err != nil {
			return
		}
		if read += n; read > 1<<29 {
			_ = p.framer.WriteWindowUpdate(0, uint32(read)/2)
			read = 0
		}
	}
}

// deliver measures rounds in which each subscriber receives one message.
func deliver(b *testing.B, round func()) {
	before := cpu(b)
	n := 0
	for b.Loop() {
		round()
		n++
	}
	b.ReportMetric(float64(cpu(b)-before)/1e3/float64(n*subscribers), "cpu-µs/delivery")
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(n*subscribers), "µs/delivery")
}

// cpu returns the processor time of the process in nanoseconds.
func cpu(b *testing.B) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

func floorConns(b *testing.B) []net.Conn {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = l.Close() })
	conns := make([]net.Conn, subscribers)
	for i := range conns {
		client, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			b.Fatal(err)
		}
		go func() { _, _ = io.Copy(io.Discard, client) }()
		if conns[i], err = l.Accept(); err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = client.Close(); _ = conns[i].Close() })
	}
	return conns
}

// detachedStreams opens a stream on each of many connections whose clients only
// read; their windows never close.
func detachedStreams(b *testing.B, hide bool) []*Stream {
	d := newDetacher(newRecorder())
	f := serveOn(b, &Server{Handler: d, PingInterval: 1 << 40}, func(l net.Listener) net.Listener {
		if hide {
			return opaqueListener{l}
		}
		return l
	})
	streams := make([]*Stream, subscribers)
	for i := range streams {
		p := f.dial(b, http2.Setting{ID: http2.SettingInitialWindowSize, Val: maxWindow})
		p.must(p.framer.WriteWindowUpdate(0, maxWindow-protocolWindow))
		p.get(1, "/")
		streams[i] = <-d.streams
		if err := p.nc.SetDeadline(noDeadline); err != nil {
			b.Fatal(err)
		}
		go func() { _, _ = io.Copy(io.Discard, p.nc) }()
	}
	return streams
}

// BenchmarkIdle reports the memory that a connection with a detached stream
// holds in this process when nothing happens: heap and stacks, with the client's
// half, which is a bare socket.
func BenchmarkIdle(b *testing.B) {
	d := newDetacher(newRecorder())
	f := serve(b, &Server{Handler: d})
	before := held()
	streams := make([]*Stream, 0, subscribers)
	for range subscribers {
		nc, err := net.Dial("tcp", f.addr)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = nc.Close() })
		var buf bytes.Buffer
		p := &peer{t: b, nc: nc, framer: http2.NewFramer(&buf, nil)}
		p.enc = newPeerEncoder(p)
		buf.WriteString(http2.ClientPreface)
		p.must(p.framer.WriteSettings())
		p.post(1, "/chat.v1.ChatRoom/Subscribe", "content-type", "application/grpc+proto", "user-agent", "grpc-go/1.85.0",
			"te", "trailers", "grpc-timeout", "99999m", "authorization", strings.Repeat("t", 200))
		p.must(p.framer.WriteData(1, true, make([]byte, 50)))
		if _, err := nc.Write(buf.Bytes()); err != nil {
			b.Fatal(err)
		}
		streams = append(streams, <-d.streams)
	}
	used := held() - before
	for b.Loop() { // the figure is the same for each
	}
	b.ReportMetric(float64(used)/1024/float64(subscribers), "KiB/subscriber")
	runtime.KeepAlive(streams)
}

// held returns the bytes of heap and stacks in use.
func held() int64 {
	for range 3 {
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}

// BenchmarkUnary answers small requests on one connection, 16 at a time, with this
// server and with net/http's. cpu-µs/request contains the client.
func BenchmarkUnary(b *testing.B) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/proto")
		_, _ = w.Write(make([]byte, 100))
	})
	for name, url := range map[string]string{"h2": serve(b, &Server{Handler: h}).url, "net-http": "http://" + serveNetHTTP(b, h)} {
		b.Run(name, func(b *testing.B) {
			c := h2cClient(b)
			do(b, c, "POST", url, strings.NewReader("x"))
			b.SetParallelism(16)
			before := cpu(b)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					response, err := c.Post(url, "application/proto", strings.NewReader("0123456789"))
					if err != nil {
						b.Error(err)
						return
					}
					_, _ = io.Copy(io.Discard, response.Body)
					_ = response.Body.Close()
				}
			})
			b.ReportMetric(float64(cpu(b)-before)/1e3/float64(b.N), "cpu-µs/request")
		})
	}
}
