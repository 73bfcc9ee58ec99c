// Package rpc serves the domain over Connect, gRPC and gRPC-Web: it maps between
// protobuf and chat, and errors to codes.
//
// Both streaming methods, and the 2019 contract's, run the one loop in stream.go.
// Only that loop sends on a stream.
package rpc
