// Package subject sends messages to handlers by subject, within one process.
//
//	orders.eu.created      a subject: tokens separated by dots
//	orders.*.created       a pattern: * is one token, whatever it is
//	orders.>               > is one or more tokens at the end
//
// A [Bus] carries messages of one Go type. Who subscribes chooses how the handler
// is called: in the publisher's goroutine, which then gets its error, or behind a
// queue of a stated length ([Buffer]) with a stated [Policy] for when it is full.
// Members of one [Queue] group share the messages between them.
//
// Subjects and patterns mean what they mean in NATS. An asterisk or > that is only
// a part of a token is a literal.
//
// Subscriptions are entries of a [roster.Hot] registry: they have provenance, are
// counted, appear in the directory, and can be added and removed while messages
// are under way, also by a handler.
//
// # Order
//
// Messages of one goroutine to one subscription are handled in the order in which
// they were published; a subscription with a buffer handles one message at a time.
// Nothing is promised about the order of messages of several publishers, nor about
// the order in which the subscriptions of one message get it. Members of a queue
// group work side by side, so a group as a whole has no order.
//
// # Delivery
//
// A message that was taken is handled once, unless its subscription drops it for
// one of three reasons, each of which [Stats] counts: its policy is [DropOldest],
// it was ended with [Subscription.Unsubscribe], or the time to drain it ran out.
// Nothing is kept when the process ends, and nothing is sent again if a handler
// fails.
//
// # Concurrency properties
//
// Everything in this package is safe for concurrent use. Finding the subscriptions
// of a subject takes no lock, allocates nothing, and visits no node of the tree of
// patterns twice, so that hostile subjects cost no more than the tree is large.
// Handlers run without any lock. A queue has a goroutine only while there is
// something in it, and [Bus.Close] waits for all of them.
package subject
