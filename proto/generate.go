// Package proto holds the contract. Its generated Go code is in gen.
package proto

//go:generate go -C .. tool -modfile=tools/go.mod buf generate
