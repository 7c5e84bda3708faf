// Package embedded runs a single-member etcd inside the process, for programs that want a
// store without operating a cluster.
//
//	server, err := embedded.Start(ctx, embedded.Config{Dir: "/var/lib/roster"})
//	if err != nil {
//		return err
//	}
//	defer server.Close(ctx)
//	client, err := server.Client()
//
// The server is for the machine it runs on. It has no peers and therefore no peer listener,
// and it serves clients on a loopback address only, without TLS and without users: whoever
// may connect to that port may read and write everything. It refuses what a web page could
// send there: the JSON gateway is off, other host names are rejected, no origin is allowed.
//
// A directory belongs to one server at a time. A file LOCK in it, locked for as long as the
// server lives, holds the process id of the owner. The operating system releases the lock
// when the process ends, however it ends; the file itself stays.
//
// History older than an hour is compacted, so a store whose content does not grow stays
// the same size on disk.
//
// When the disk fails under a running server, or is full, etcd ends the whole process after
// logging why: it must not acknowledge what it cannot keep.
//
// # Concurrency properties
//
// All methods of [Server] are safe for concurrent use. A server owns etcd's goroutines and
// one that logs what fails in its listeners; [Server.Close] ends and awaits them, and
// clients of the server see their streams broken off at once. When the context of
// [Server.Close] or [Start] ends first, the rest happens in the background, and the
// directory stays locked until it is done.
package embedded
