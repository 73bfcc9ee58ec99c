// Package roomfile writes rooms as lines of JSON, and reads them again.
//
// A file has a section for each room: a header, the events in order, each a chat.v1.Event in
// JSON form, and a trailer with their number and a checksum. The events form a chain by their
// previous, each header says how many rooms the file has, and the checksum covers the lines of
// its section: a file that was cut, or that lacks a line, is refused. docs/OPERATIONS.md
// describes the fields.
//
// Neither a [Writer] nor a [Reader] holds more than one line in memory.
package roomfile
