// Package lane carries unary calls between a host and a plugin process over one
// connection, with less work for each than gRPC has.
//
// # Frames
//
// Both sides send frames: the length of what follows (4 bytes), the number of the call
// (8 bytes), a kind (1 byte), and a body. Numbers are little-endian.
//
//	request   the milliseconds that the caller waits (4 bytes, 0 for no end), the
//	          metadata, the method, and the message. A text is its length (2 bytes) and
//	          its bytes; metadata are how many texts there are (2 bytes) and those, keys
//	          and values in turn
//	response  the message
//	failure   a google.rpc.Status
//	cancel    nothing; the caller does not wait for the call any more
//
// Calls are answered in any order. A side that gets what it does not understand closes
// the connection, and so does one that gets a frame beyond the limit.
//
// # Concurrency properties
//
// All methods are safe for concurrent use. A caller writes its own frame if nobody else
// is writing and the socket takes it at once, and else leaves it to a goroutine, so that
// no call waits for a peer that does not read beyond its context. Callers who wait for an
// answer read, one for all, so that an answer reaches a lonely caller without another
// goroutine between them; when many wait, a goroutine reads that does nothing else.
package lane
