package h2

import (
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

// outcome is what the client saw of a request.
type outcome struct {
	informational []string
	header        map[string]string
	body          string
	trailer       map[string]string
	end           string // how the response ended
}

func (o outcome) String() string {
	return fmt.Sprintf("%v %v %.200q %v %s", o.informational, o.header, o.body, o.trailer, o.end)
}

// exchangeFrames sends a request on a connection of its own and returns the outcome.
// It waits until the stream and a PING after it are answered, so that a RST_STREAM
// that follows a response is seen.
func exchangeFrames(t *testing.T, addr string, r wireRequest) outcome {
	t.Helper()
	p := dial(t, addr)
	defer p.nc.Close()
	if err := p.send(r); err != nil {
		t.Logf("writing: %v", err) // the server has closed the connection
	}
	_ = p.framer.WritePing(false, [8]byte{1})
	var o outcome
	ended, ponged := false, false
	for !ended || !ponged {
		f, err := p.read()
		if err != nil {
			if o.end == "" {
				o.end = "closed"
			}
			return o
		}
		switch {
		case f.Type == http2.FramePing && f.Flags.Has(http2.FlagPingAck):
			ponged = true
		case f.Type == http2.FrameGoAway && f.code != http2.ErrCodeNo:
			if !ended { // net/http takes trailers after its response for a fault
				o.end = fmt.Sprint("GOAWAY ", f.code)
			}
			return o
		case f.StreamID != 1:
		case f.Type == http2.FrameHeaders:
			switch status := f.fields[":status"]; {
			case strings.HasPrefix(status, "1"):
				o.informational = append(o.informational, status)
			case status != "":
				o.header = f.fields
			default:
				o.trailer = f.fields
			}
		case f.Type == http2.FrameData:
			o.body += string(f.data)
			if n := len(f.data); n > 0 {
				_ = p.framer.WriteWindowUpdate(0, uint32(n))
				_ = p.framer.WriteWindowUpdate(1, uint32(n))
			}
		case f.Type == http2.FrameRSTStream:
			o.end += fmt.Sprint(" RST ", f.code)
			ended = true
		}
		if f.StreamID == 1 && (f.Type == http2.FrameHeaders || f.Type == http2.FrameData) && f.Flags.Has(http2.FlagDataEndStream) {
			o.end += " END"
			ended = true
		}
	}
	return o
}

// testHandler behaves as the path says.
func testHandler(w http.ResponseWriter, r *http.Request) {
	control := http.NewResponseController(w)
	switch path, arg, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/"); path {
	case "dump":
		body, err := io.ReadAll(r.Body)
		dump(w, r, body, err)
	case "echo":
		_, _ = io.Copy(w, r.Body)
	case "early": // the request is not read
		fmt.Fprint(w, "early")
	case "silent":
	case "status":
		code, _ := strconv.Atoi(arg)
		w.WriteHeader(max(100, min(code, 999)))
		_, err := io.WriteString(w, "body")
		_ = err // not all statuses allow a body
	case "big":
		n, _ := strconv.Atoi(arg)
		_, _ = io.WriteString(w, strings.Repeat("0123456789", max(0, min(n, 1<<20)/10)))
	case "flush":
		for i := range 5 {
			fmt.Fprint(w, i)
			_ = control.Flush()
		}
	case "headers":
		h := w.Header()
		h.Set("Content-Type", "text/x")
		h.Add("X-Many", "1")
		h.Set("Connection", "keep-alive")
		h.Set("X-Bad", "a\nb")
		h.Set("Bad Name", "x")
		h.Set("Transfer-Encoding", "chunked")
		h.Set("Content-Encoding", "x")
		w.WriteHeader(201)
		h.Set("X-Late", "1")
		fmt.Fprint(w, "<html>")
	case "length":
		w.Header().Set("Content-Length", arg)
		_, _ = io.WriteString(w, "12345")
	case "trailers":
		w.Header().Set("Trailer", "X-Declared, X-Absent, Content-Length")
		if arg == "flush" {
			_ = control.Flush()
		}
		if arg != "empty" {
			fmt.Fprint(w, "body")
		}
		w.Header().Set("X-Declared", "d")
		w.Header().Set(http.TrailerPrefix+"X-Prefixed", "p")
		w.Header().Set("X-Undeclared", "u")
	case "hints":
		w.Header().Set("Link", "</x>")
		w.WriteHeader(103)
		w.WriteHeader(200)
		fmt.Fprint(w, "after hints")
	case "panic":
		if arg == "late" {
			fmt.Fprint(w, "before")
			_ = control.Flush()
		}
		panic(http.ErrAbortHandler)
	default:
		http.NotFound(w, r)
	}
}

func dump(w io.Writer, r *http.Request, body []byte, err error) {
	fmt.Fprintln(w, r.Method, r.RequestURI, r.URL, r.Proto, r.ProtoMajor, r.Host, r.ContentLength, r.TransferEncoding, r.TLS != nil)
	delete(r.Header, "Host") // net/http keeps it, which its documentation denies
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		fmt.Fprintf(w, "%s: %q\n", name, r.Header[name])
	}
	for _, name := range slices.Sorted(maps.Keys(r.Trailer)) {
		fmt.Fprintf(w, "trailer %s: %q\n", name, r.Trailer[name])
	}
	fmt.Fprintf(w, "body %d %.50q %t\n", len(body), body, err != nil)
	_, local := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	_, server := r.Context().Value(http.ServerContextKey).(*http.Server)
	fmt.Fprintln(w, local, server)
}

// TestLikeNetHTTP sends the same requests to this server and to net/http's.
// Valid requests are answered alike, to the last byte. Broken ones are refused,
// by this server always, and by net/http's but for what it is known to let pass.
func TestLikeNetHTTP(t *testing.T) {
	ours := serve(t, &Server{Handler: http.HandlerFunc(testHandler), HTTP: &http.Server{}, MaxHeaderListBytes: 1 << 20, Budgets: Budgets{Continuations: 1 << 20}})
	theirs := serveNetHTTP(t, http.HandlerFunc(testHandler))
	const seed = 1
	rnd := rand.New(rand.NewPCG(seed, seed))
	valid := 0
	for i := range 3000 {
		r := generate(rnd)
		got, want := exchangeFrames(t, ours.addr, r), exchangeFrames(t, theirs, r)
		normalize(&got)
		normalize(&want)
		fault := r.fault()
		var ok bool
		switch {
		case r.path() == "/length/3" || r.path() == "/length/9":
			// net/http sends a body that is not as long as its headers say.
			ok = got.refused() || strings.Contains(r.String(), `":method" "HEAD"`)
		case r.path() == "/panic/late" && want.end == "closed":
			ok = got.end == "END" // net/http panics for HEAD
		case fault == "":
			valid++
			ok = got.String() == want.String()
		case fault == "body" && got.end == "END":
			ok = true // answered before the fault came; net/http may have been slower, or faster
		default:
			ok = got.refused() && (want.refused() || letsPass[fault] || fault == "body")
		}
		if !ok {
			t.Errorf("request %d of seed %d, fault %q: %.1000v\n h2       %v\n net/http %v", i, seed, fault, r, got, want)
		}
	}
	if valid < 500 {
		t.Errorf("%d of the requests were valid, want more", valid)
	}
}

// letsPass are the faults that net/http does not refuse, though RFC 9113 says so:
// it serves them, or answers 400.
var letsPass = map[string]bool{
	"connection-specific header": true, // 8.2.2: malformed; net/http answers 400
	"invalid method":             true, // RFC 9110, 9.1: a token
	"content-length":             true, // RFC 9110, 8.6: a number; net/http takes 0 for what is none
}

// refused reports whether the request was not served, or not to its end.
func (o outcome) refused() bool {
	return strings.HasPrefix(o.end, "RST ") || strings.HasPrefix(o.end, "GOAWAY ") || o.end == "closed" || strings.HasPrefix(o.header[":status"], "400")
}

// normalize removes what depends on the moment: the date, and what follows the
// end of a response while the request has not ended.
func normalize(o *outcome) {
	if o.header["date"] != "" {
		o.header["date"] = "now"
	}
	o.end = strings.TrimSpace(o.end)
	if strings.HasPrefix(o.end, "END") {
		o.end = "END"
	}
	o.end = strings.TrimSuffix(o.end, strings.Repeat(" RST STREAM_CLOSED", strings.Count(o.end, " RST STREAM_CLOSED")))
	// This server leaves out 100 Continue if the body is there already (RFC 9110, 10.1.1).
	o.informational = slices.DeleteFunc(o.informational, func(s string) bool { return s == "100" })
}

func serveNetHTTP(t testing.TB, h http.Handler) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	quiet := log.New(io.Discard, "", 0)
	s := &http.Server{Handler: h, Protocols: protocols, ReadHeaderTimeout: time.Minute, MaxHeaderBytes: 1 << 20, ErrorLog: quiet}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() {
		_ = s.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("Serve = %v", err)
		}
	})
	return l.Addr().String()
}
