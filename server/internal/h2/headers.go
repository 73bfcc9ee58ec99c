package h2

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// headerBlock is a header block while it is read.
type headerBlock struct {
	id            uint32
	end           bool // END_STREAM
	selfDependent bool
	limit         uint32

	fields        []hpack.HeaderField
	size          uint64 // as in RFC 9113, 6.5.2
	encoded       int
	continuations int
	regular       bool   // a field that is not a pseudo-header was read
	malformed     string // why, or empty
}

func (b *headerBlock) tooLarge() bool { return b.size > uint64(b.limit) }

// field takes a decoded field.
func (b *headerBlock) field(f hpack.HeaderField) {
	if b.size += uint64(f.Size()); b.tooLarge() {
		b.fields = nil
		return
	}
	switch {
	case f.IsPseudo():
		if b.regular {
			b.malformed = "pseudo-header after a regular header"
		}
	case !validName(f.Name):
		b.malformed = "invalid header name"
	case connectionSpecific(f):
		b.malformed = "connection-specific header " + f.Name
	}
	if !httpguts.ValidHeaderFieldValue(f.Value) {
		b.malformed = "invalid value of a header"
	}
	b.regular = b.regular || !f.IsPseudo()
	b.fields = append(b.fields, f)
}

// validName reports whether a name is valid in HTTP/2, where it is lower-case.
func validName(name string) bool {
	return httpguts.ValidHeaderFieldName(name) && !strings.ContainsFunc(name, func(r rune) bool { return 'A' <= r && r <= 'Z' })
}

// connectionSpecific reports a field that RFC 9113, 8.2.2 forbids.
func connectionSpecific(f hpack.HeaderField) bool {
	switch f.Name {
	case "connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade":
		return true
	case "te":
		return f.Value != "trailers"
	}
	return false
}

func (c *conn) handleHeaders(f *http2.HeadersFrame) error {
	if err := c.checkSettled(f.FrameHeader); err != nil {
		return err
	}
	c.block = &headerBlock{
		id:            f.StreamID,
		end:           f.StreamEnded(),
		selfDependent: f.HasPriority() && f.Priority.StreamDep == f.StreamID,
		limit:         c.srv.headerBytes(),
	}
	if c.decoder == nil {
		c.decoder = hpack.NewDecoder(tableSize, nil)
		c.decoder.SetMaxStringLength(int(2 * c.srv.headerBytes()))
	}
	c.decoder.SetEmitFunc(c.block.field)
	return c.fragment(f.HeaderBlockFragment(), f.HeadersEnded())
}

func (c *conn) handleContinuation(f *http2.ContinuationFrame) error {
	c.block.continuations++
	if c.block.continuations > c.srv.Budgets.continuations() {
		return overBudget(budgetContinuations, "header block in too many frames")
	}
	return c.fragment(f.HeaderBlockFragment(), f.HeadersEnded())
}

// fragment decodes a part of a header block, and handles the block after its
// last part. All of it is decoded, even if it is not wanted: later blocks depend
// on it.
func (c *conn) fragment(p []byte, last bool) error {
	b := c.block
	if b.encoded += len(p); b.encoded > c.srv.Budgets.headerBytes(b.limit) {
		return overBudget(budgetHeaderBytes, "header block is too long")
	}
	_, err := c.decoder.Write(p)
	if err == nil && last {
		err = c.decoder.Close()
	}
	if err == hpack.ErrStringLength {
		return overBudget(budgetHeaderBytes, "header is too long")
	}
	if err != nil {
		return connFault{code: http2.ErrCodeCompression, reason: err.Error()}
	}
	if !last {
		return nil
	}
	c.block = nil
	c.decoder.SetEmitFunc(ignoreField) // or the block stays in memory
	if b.malformed == "" && b.selfDependent {
		b.malformed = "stream depends on itself"
	}
	return c.handleBlock(b)
}

func ignoreField(hpack.HeaderField) {}

func (c *conn) handleBlock(b *headerBlock) error {
	if b.id%2 == 0 {
		return connFault{code: http2.ErrCodeProtocol, reason: "HEADERS on a stream with an even number"}
	}
	isNew, err := c.admit(b)
	if err != nil || !isNew {
		return err
	}
	fault := streamFault{id: b.id, code: http2.ErrCodeProtocol, reason: b.malformed}
	var r *http.Request
	switch {
	case b.tooLarge():
		r = &http.Request{Method: http.MethodGet, Header: http.Header{}, URL: &url.URL{}, ContentLength: -1}
	case fault.reason == "":
		r, fault.reason = newRequest(b)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if fault.reason != "" {
		return c.faultLocked(fault)
	}
	h := c.handler
	if b.tooLarge() {
		if err := c.spendLocked(budgetResets); err != nil {
			return err
		}
		h = http.HandlerFunc(headersTooLarge)
	}
	c.startLocked(b, r, h)
	return nil
}

// admit handles blocks that begin no stream, and those for which there is no
// room. It reports whether the block begins a stream.
func (c *conn) admit(b *headerBlock) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if b.id <= c.lastID {
		s := c.streams[b.id]
		if s == nil {
			if slices.Contains(c.resets, b.id) {
				return false, nil
			}
			return false, connFault{code: http2.ErrCodeStreamClosed, reason: "HEADERS on a closed stream"}
		}
		return false, c.trailersLocked(s, b)
	}
	if c.goAway == goAwayFinal || c.ended {
		return false, nil
	}
	c.lastID = b.id
	if limit := c.srv.maxStreams(); len(c.streams) >= limit || c.handlers >= limit {
		return false, c.faultLocked(streamFault{id: b.id, code: http2.ErrCodeRefusedStream})
	}
	return true, nil
}

func (c *conn) trailersLocked(s *Stream, b *headerBlock) error {
	fault := streamFault{id: s.id, code: http2.ErrCodeProtocol, reason: b.malformed}
	switch {
	case s.remoteDone:
		fault.code, fault.reason = http2.ErrCodeStreamClosed, "HEADERS on a stream that the peer has ended"
		return fault
	case !b.end:
		fault.reason = "trailers without END_STREAM"
	case b.tooLarge():
		fault.code, fault.reason = http2.ErrCodeEnhanceYourCalm, "trailers are too large"
	}
	for _, f := range b.fields {
		name := http.CanonicalHeaderKey(f.Name)
		switch {
		case f.IsPseudo():
			fault.reason = "pseudo-header in trailers"
		case !httpguts.ValidTrailerHeader(name):
			fault.reason = name + " in trailers"
		case s.x != nil && fault.reason == "":
			s.x.body.trailerLocked(name, f.Value)
		}
	}
	if fault.reason != "" {
		return fault
	}
	return c.remoteEndLocked(s)
}

// newRequest returns the request of a header block, or why it is malformed.
func newRequest(b *headerBlock) (*http.Request, string) {
	var method, scheme, path, authority string
	pseudo := map[string]*string{":method": &method, ":scheme": &scheme, ":path": &path, ":authority": &authority}
	header := make(http.Header, len(b.fields))
	for _, f := range b.fields {
		if !f.IsPseudo() {
			name := http.CanonicalHeaderKey(f.Name)
			header[name] = append(header[name], f.Value)
			continue
		}
		p := pseudo[f.Name]
		if p == nil {
			return nil, "unknown or repeated pseudo-header " + strconv.Quote(f.Name)
		}
		*p = f.Value
		delete(pseudo, f.Name)
	}
	if authority == "" {
		authority = header.Get("Host")
	}
	r := &http.Request{
		Method:     method,
		Proto:      "HTTP/2.0",
		ProtoMajor: 2,
		Header:     header,
		Host:       authority,
		RequestURI: path,
	}
	var err error
	switch {
	case method == http.MethodConnect:
		if path != "" || scheme != "" || authority == "" {
			return nil, "CONNECT with a path or scheme, or without an authority"
		}
		r.URL, r.RequestURI = &url.URL{Host: authority}, authority
	case !httpguts.ValidHeaderFieldName(method):
		return nil, "invalid method"
	case scheme != "http" && scheme != "https":
		return nil, "scheme is neither http nor https"
	default:
		if r.URL, err = url.ParseRequestURI(path); err != nil {
			return nil, "invalid path"
		}
	}
	return r, finishRequest(r, b.end)
}

// finishRequest sets what derives from the headers. It returns why the request
// is malformed, or nothing.
func finishRequest(r *http.Request, end bool) string {
	delete(r.Header, "Host")
	if cookies := r.Header["Cookie"]; len(cookies) > 1 {
		r.Header.Set("Cookie", strings.Join(cookies, "; "))
	}
	r.ContentLength = -1
	if lengths := r.Header["Content-Length"]; len(lengths) > 0 {
		n, err := strconv.ParseUint(lengths[0], 10, 63)
		if err != nil || slices.ContainsFunc(lengths, func(s string) bool { return s != lengths[0] }) {
			return "invalid content-length"
		}
		r.ContentLength = int64(n)
	}
	if end {
		if r.ContentLength > 0 {
			return "less DATA than content-length"
		}
		r.ContentLength = 0
		r.Body = http.NoBody
	}
	for _, list := range r.Header["Trailer"] {
		for name := range strings.SplitSeq(list, ",") {
			name = http.CanonicalHeaderKey(strings.TrimSpace(name))
			if httpguts.ValidTrailerHeader(name) && name != "" {
				if r.Trailer == nil {
					r.Trailer = make(http.Header)
				}
				r.Trailer[name] = nil
			}
		}
	}
	delete(r.Header, "Trailer")
	return ""
}

func headersTooLarge(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "request headers are too large", http.StatusRequestHeaderFieldsTooLarge)
}
