// Package crash verifies that rooms survive crashes of the server. It runs the real
// server as a process, kills it with SIGKILL again and again, and sometimes stops it with
// SIGTERM, while clients on every protocol publish, edit, delete, react and subscribe.
// Then it compares what was acknowledged and what was received with what is in the log,
// and looks for deleted texts in answers and in all files. In between it runs the
// server's own check of its store while the server uses it.
//
// SIGKILL ends the process, not the machine: what the process has written to files
// survives it, synced or not. Power cuts are tested in store/sqlite.
//
// Run runs the verifier; the command in verify runs it for longer. Verify is the judge,
// a function of the record alone. RunBackups judges backups and exports of a busy server in the same way.
package crash
