// Package formerstores has stores that released versions have written, and what they answered
// about them. The current version must answer the same.
//
// The section on releases in CONTRIBUTING says when a store is added. The command in add does it: it
// runs the server of a version, writes to it over its API, reads it back, and stops it.
package formerstores
