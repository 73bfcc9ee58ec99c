// Package crash proves that rooms survive the server's death. It runs the real
// server as a process, kills it with SIGKILL again and again, and now and then
// stops it with SIGTERM, while clients publish, edit, delete, react and subscribe
// through every door. Then it compares what was acknowledged and what was seen with
// what is in the log, and looks for deleted texts in answers and in all files. The
// server's own check of its store runs now and then, while the server is in use.
//
// SIGKILL takes the process, not the machine: what the process has written to
// files survives it, synced or not.
//
// Run does all of it; the command in verify runs it for as long as one likes.
// Verify is the judge, a function of what was recorded alone.
package crash
