package rpc

import (
	"net/http"
	"regexp"
	"strings"

	"connectrpc.com/connect"
)

// Connect refuses wrong headers of its protocols, too, but without details, and for a
// compression that it does not know with an empty header. So they are checked before it.

var (
	connectTimeout = regexp.MustCompile(`^[0-9]{1,10}$`)
	grpcTimeout    = regexp.MustCompile(`^[0-9]{1,8}[HMSmun]$`)
)

// checkHeaders returns the error for a header of the request's protocol that is wrong. It
// sets the header of the response that says which compressions are known, if that is what
// is wrong.
func checkHeaders(h http.Header, r *http.Request) *connect.Error {
	kind := r.Header.Get("Content-Type")
	compression, known, timeout, valid := "Content-Encoding", "Accept-Encoding", "Connect-Timeout-Ms", connectTimeout
	units := "must be a number of milliseconds of at most 10 digits"
	switch {
	case strings.HasPrefix(kind, "application/grpc"):
		compression, known, timeout, valid = "Grpc-Encoding", "Grpc-Accept-Encoding", "Grpc-Timeout", grpcTimeout
		units = "must be at most 8 digits and a unit, one of H, M, S, m, u and n"
	case strings.HasPrefix(kind, "application/connect+"):
		compression, known = "Connect-Content-Encoding", "Connect-Accept-Encoding"
	}
	if version := r.Header.Get("Connect-Protocol-Version"); version != "" && version != "1" && timeout == "Connect-Timeout-Ms" {
		return headerError(connect.CodeInvalidArgument, "Connect-Protocol-Version", "protocol.version", `must be "1"`)
	}
	switch value := r.Header.Get(compression); value {
	case "", "identity", "gzip":
	default:
		h.Set(known, "gzip")
		return headerError(connect.CodeUnimplemented, compression, "compression.known", `must be "gzip" or "identity"`)
	}
	if value := r.Header.Get(timeout); value != "" && !valid.MatchString(value) {
		return headerError(connect.CodeInvalidArgument, timeout, "timeout.form", units)
	}
	return nil
}

func headerError(code connect.Code, header, rule, bound string) *connect.Error {
	return fieldError(code, strings.ToLower(header), rule, bound)
}
