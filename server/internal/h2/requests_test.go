package h2

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/http2"
)

// wireRequest is a request as frames, valid or broken.
type wireRequest struct {
	headers  []string // names and values
	data     []wireData
	trailers []string // nil: DATA or HEADERS end the stream
	split    int      // header blocks go in frames of this many bytes, unless it is 0
}

type wireData struct {
	p   []byte
	pad int
}

func (r wireRequest) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q", r.headers)
	for _, d := range r.data {
		fmt.Fprintf(&b, " DATA(%d+%d)", len(d.p), d.pad)
	}
	if r.trailers != nil {
		fmt.Fprintf(&b, " trailers %q", r.trailers)
	}
	if r.split > 0 {
		fmt.Fprintf(&b, " split %d", r.split)
	}
	return b.String()
}

func (p *peer) send(r wireRequest) error { return p.sendOn(1, r) }

func (p *peer) sendOn(id uint32, r wireRequest) error {
	end := len(r.data) == 0 && r.trailers == nil
	if err := p.sendBlock(id, r.headers, end, r.split); err != nil {
		return err
	}
	for i, d := range r.data {
		last := i == len(r.data)-1 && r.trailers == nil
		var pad []byte
		if d.pad > 0 {
			pad = make([]byte, d.pad)
		}
		if err := p.framer.WriteDataPadded(id, last, d.p, pad); err != nil {
			return err
		}
	}
	if r.trailers != nil {
		return p.sendBlock(id, r.trailers, true, r.split)
	}
	return nil
}

func (p *peer) sendBlock(id uint32, headers []string, end bool, split int) error {
	block := p.block(headers...)
	first := block
	if split > 0 && len(block) > split {
		first = block[:split]
	}
	block = block[len(first):]
	if err := p.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: first, EndStream: end, EndHeaders: len(block) == 0}); err != nil {
		return err
	}
	for len(block) > 0 {
		n := min(split, len(block))
		if err := p.framer.WriteContinuation(id, n == len(block), block[:n]); err != nil {
			return err
		}
		block = block[n:]
	}
	return nil
}

var (
	wirePaths = []string{
		"/dump", "/dump?a=b&c", "/dump/%20x", "*", "/echo", "/early", "/silent", "/status/200", "/status/204", "/status/304", "/status/404",
		"/big/1000", "/big/100000", "/flush", "/headers", "/length/5", "/length/3", "/length/9", "/length/x", "/trailers", "/trailers/flush",
		"/trailers/empty", "/hints", "/panic", "/panic/late", "/nothing", "http://other/dump", "", "noslash", "/sp ace", "/%zz",
	}
	wireMethods = []string{"GET", "HEAD", "POST", "PUT", "OPTIONS", "X-OWN", "CONNECT", "", "G T"}
	wireHeaders = [][]string{
		{"accept", "*/*"}, {"cookie", "a=b"}, {"cookie", "c=d"}, {"x-empty", ""}, {"x-twice", "1"}, {"x-twice", "2"}, {"expect", "100-continue"},
		{"te", "trailers"}, {"te", "gzip"}, {"connection", "close"}, {"keep-alive", "1"}, {"proxy-connection", "x"}, {"transfer-encoding", "chunked"},
		{"upgrade", "h2c"}, {"X-Upper", "1"}, {"bad name", "1"}, {"x-control", "a\x00b"}, {"x-newline", "a\nb"}, {"trailer", "x-t, x-absent"},
		{"host", "other"}, {":path", "/dump"}, {":unknown", "1"}, {":status", "200"}, {":protocol", "websocket"}, {"", "nameless"},
		{"priority", "u=1"}, {"x-long", strings.Repeat("l", 5000)}, {"x-latin", "\xe9"},
	}
)

// generate returns a random request; most have at most one fault.
func generate(rnd *rand.Rand) wireRequest {
	pick := func(odds float64) bool { return rnd.Float64() < odds }
	method := wireMethods[min(rnd.IntN(12), len(wireMethods)-1)%len(wireMethods)]
	if pick(0.6) {
		method = wireMethods[rnd.IntN(3)]
	}
	path := wirePaths[rnd.IntN(len(wirePaths))]
	pseudo := [][]string{{":method", method}, {":scheme", "http"}, {":path", path}, {":authority", "test"}}
	if pick(0.1) {
		i := rnd.IntN(len(pseudo))
		pseudo = slices.Delete(pseudo, i, i+1)
	}
	if pick(0.03) {
		pseudo[rnd.IntN(len(pseudo))][1] = "ftp"
	}
	var r wireRequest
	for _, h := range pseudo {
		r.headers = append(r.headers, h...)
	}
	for range rnd.IntN(4) {
		r.headers = append(r.headers, wireHeaders[rnd.IntN(len(wireHeaders))]...)
	}
	if pick(0.02) { // a pseudo-header after others
		r.headers = append(r.headers, r.headers[0], r.headers[1])
	}
	total := 0
	if pick(0.5) {
		for range 1 + rnd.IntN(4) {
			d := wireData{p: make([]byte, rnd.IntN(3)*rnd.IntN(5000))}
			if pick(0.3) {
				d.pad = rnd.IntN(255)
			}
			total += len(d.p)
			r.data = append(r.data, d)
		}
	}
	if pick(0.3) {
		length := strconv.Itoa(total)
		if pick(0.4) {
			length = []string{strconv.Itoa(total + 1), strconv.Itoa(max(0, total-1)), "0", "x", "-1"}[rnd.IntN(5)]
		}
		r.headers = append(r.headers, "content-length", length)
	}
	if pick(0.2) {
		r.trailers = [][]string{{"x-t", "1"}, {}, {"x-t", "1", "x-other", "2"}, {":path", "/"}, {"X-Bad", "1"}, {"x-t", "a\nb"}, {"content-length", "5"}}[rnd.IntN(7)]
	}
	if pick(0.2) {
		r.split = 1 + rnd.IntN(100)
	}
	return r
}

// fault returns what is wrong with a request, or nothing.
func (r wireRequest) fault() string {
	pseudo := make(map[string]string)
	length, regular := "", false
	for i := 0; i < len(r.headers); i += 2 {
		name, value := r.headers[i], r.headers[i+1]
		if strings.HasPrefix(name, ":") {
			if _, twice := pseudo[name]; twice || regular || !slices.Contains([]string{":method", ":scheme", ":path", ":authority"}, name) {
				return "pseudo-header"
			}
			pseudo[name] = value
			continue
		}
		regular = true
		if name == "" || name == "X-Upper" || name == "bad name" || strings.ContainsAny(value, "\x00\n") {
			return "header"
		}
		if name == "content-length" {
			length = value
		}
	}
	method, isConnect := pseudo[":method"], pseudo[":method"] == "CONNECT"
	_, urlErr := url.ParseRequestURI(pseudo[":path"])
	switch {
	case method == "" || isConnect, !isConnect && (pseudo[":scheme"] != "http" || urlErr != nil):
		return "pseudo-header" // CONNECT with a path
	case method == "G T":
		return "invalid method"
	}
	for i := 0; i < len(r.headers); i += 2 {
		if slices.Contains([]string{"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"}, r.headers[i]) || r.headers[i] == "te" && r.headers[i+1] != "trailers" {
			return "connection-specific header"
		}
	}
	return r.bodyFault(length)
}

func (r wireRequest) bodyFault(length string) string {
	total := 0
	for _, d := range r.data {
		total += len(d.p)
	}
	if length != "" && length != strconv.Itoa(total) {
		if n, err := strconv.Atoi(length); err != nil || n < 0 {
			return "content-length"
		}
		if len(r.data) == 0 && r.trailers == nil {
			return "content-length"
		}
		return "body"
	}
	for i := 0; i < len(r.trailers); i += 2 {
		if name := r.trailers[i]; name == ":path" || name == "X-Bad" || name == "content-length" || strings.Contains(r.trailers[i+1], "\n") {
			return "body"
		}
	}
	return ""
}

func (r wireRequest) path() string {
	if i := slices.Index(r.headers, ":path"); i >= 0 {
		return r.headers[i+1]
	}
	return ""
}
