package subject

import "context"

// A Policy says what becomes of a message to a subscription whose queue is full.
type Policy int

// The policies. Each has a price, so there is no default.
const (
	// Block makes Publish wait for room, until its context ends. A slow handler
	// slows the publisher down. A handler that publishes to its own full queue
	// waits for itself.
	Block Policy = iota + 1
	// DropNewest drops the message.
	DropNewest
	// DropOldest drops the message that has waited longest.
	DropOldest
	// Evict drops the message and ends the subscription, once it has handled what
	// is waiting. Its Err is an [*EvictedError], which also goes to OnError.
	Evict
)

// MaxBuffer is the limit of [Buffer].
const MaxBuffer = 1 << 20

// A letter is a message on its way to a handler, with the publisher's context.
type letter[T any] struct {
	ctx     context.Context //nolint:containedctx // It travels with the message to another goroutine and goes no further.
	message Message[T]
}

// A queue is a ring of letters that grows up to its limit.
type queue[T any] struct {
	limit int
	ring  []letter[T]
	first int
	count int
}

func (q *queue[T]) full() bool { return q.count == q.limit }

// push adds a letter to a queue that is not full.
func (q *queue[T]) push(l letter[T]) {
	if q.count == len(q.ring) {
		const least = 8
		bigger := make([]letter[T], min(max(least, 2*len(q.ring)), q.limit))
		n := copy(bigger, q.ring[q.first:])
		copy(bigger[n:], q.ring[:q.first])
		q.ring, q.first = bigger, 0
	}
	q.ring[(q.first+q.count)%len(q.ring)] = l
	q.count++
}

// pop takes the oldest letter.
func (q *queue[T]) pop() (l letter[T], ok bool) {
	if q.count == 0 {
		return l, false
	}
	l, q.ring[q.first] = q.ring[q.first], l
	q.first = (q.first + 1) % len(q.ring)
	q.count--
	return l, true
}

// clear drops everything and says how much.
func (q *queue[T]) clear() int {
	n := q.count
	q.ring, q.first, q.count = nil, 0, 0
	return n
}

// A handling is the context of a queued message's handler: it has the values of
// the publisher's context, but ends with the subscription's patience and not with
// the publisher's.
type handling struct {
	context.Context //nolint:containedctx // It is one context made of two.

	values context.Context //nolint:containedctx // It never ends, or context.Cause would find its cause.
}

func (h handling) Value(key any) any {
	if v := h.values.Value(key); v != nil {
		return v
	}
	return h.Context.Value(key)
}
