package lane

import (
	"bufio"
	"context"
	"errors"
	"math"
	"net"
	"os"
	"sync"
	"time"
)

// ErrClosed is why a lane has ended that was closed on this side.
var ErrClosed = errors.New("the lane is closed")

// A Client calls over a connection.
type Client struct {
	*sender

	limit int
	done  sync.WaitGroup

	reading chan struct{} // has an element while somebody reads, who alone may use frames
	wanted  chan struct{} // wakes the goroutine that reads for a crowd
	frames  frameReader

	callsMu sync.Mutex // guards the fields below
	calls   map[uint64]*call
	next    uint64
	broken  error
}

// A call is one that waits for its answer.
type call struct {
	answered chan struct{} // has an element when the fields below are set
	kind     byte
	body     []byte
	err      error
}

var callPool = sync.Pool{New: func() any { return &call{answered: make(chan struct{}, 1)} }}

// readSize is that of the buffer that frames are read into.
const readSize = 64 << 10

// NewClient calls over conn, which it owns from now on. Messages are of at most limit
// bytes. It must be closed.
func NewClient(conn net.Conn, limit int) *Client {
	c := &Client{
		sender: newSender(conn), limit: limit, calls: map[uint64]*call{},
		reading: make(chan struct{}, 1), wanted: make(chan struct{}, 1),
		frames: frameReader{from: bufio.NewReaderSize(conn, readSize), limit: limit},
	}
	c.done.Go(c.write)
	c.done.Go(c.readForAll)
	return c
}

// Close ends the connection and waits for the goroutines of the client.
func (c *Client) Close() {
	c.close(ErrClosed)
	c.done.Wait()
}

// Alive reports whether calls can be made.
func (c *Client) Alive() bool {
	select {
	case <-c.gone:
		return false
	default:
		return true
	}
}

// Outcome says how far a call got.
type Outcome int

// The outcomes of a call.
const (
	NotSent  Outcome = iota // it never left this process
	Sent                    // it may have been run
	Answered                // with a message
	Failed                  // the other side answered with a failure
)

// Call makes a call and returns the message of the answer, or the google.rpc.Status of a
// failure. An error is ctx's, or that of the connection.
func (c *Client) Call(ctx context.Context, r Request) ([]byte, Outcome, error) {
	size := r.size()
	if len(r.Message) > c.limit || !r.fits() {
		return nil, NotSent, errTooLarge
	}
	c.running.Add(1)
	defer c.running.Add(-1)
	w, _ := callPool.Get().(*call)
	number, err := c.register(w)
	if err != nil {
		return nil, NotSent, err
	}
	err = c.send(ctx, func(b []byte) []byte {
		return r.appendTo(appendFrame(b, number, kindRequest, size), timeoutOf(ctx))
	})
	if err != nil {
		c.forget(number)
		return nil, NotSent, err
	}
	if !c.await(ctx, number, w) {
		callPool.Put(w)                                                                         // nobody else knows it any more
		_ = c.send(nil, func(b []byte) []byte { return appendFrame(b, number, kindCancel, 0) }) //nolint:staticcheck // see there
		return nil, Sent, ctx.Err()
	}
	kind, body, err := w.kind, w.body, w.err
	w.body, w.err = nil, nil
	callPool.Put(w)
	switch {
	case err != nil:
		return nil, Sent, err
	case kind == kindFailure:
		return body, Failed, nil
	default:
		return body, Answered, nil
	}
}

// timeoutOf is how long a caller waits, in milliseconds; 0 if for ever.
func timeoutOf(ctx context.Context) uint32 {
	deadline, ok := ctx.Deadline()
	if !ok {
		return 0
	}
	left := time.Until(deadline).Milliseconds()
	return uint32(min(max(left, 1), math.MaxUint32))
}

func (c *Client) register(w *call) (uint64, error) {
	c.callsMu.Lock()
	defer c.callsMu.Unlock()
	if c.broken != nil {
		return 0, c.broken
	}
	c.next++
	c.calls[c.next] = w
	return c.next, nil
}

// forget takes a call off the list and reports whether it was on it.
func (c *Client) forget(number uint64) bool {
	c.callsMu.Lock()
	defer c.callsMu.Unlock()
	_, waited := c.calls[number]
	delete(c.calls, number)
	return waited
}

// await waits for the answer of a call, and reports false if its context ends before. If
// nobody reads, the caller does, for whoever waits: an answer then reaches a lonely
// caller without another goroutine between them.
func (c *Client) await(ctx context.Context, number uint64, w *call) bool {
	if c.running.Load() > crowd {
		select {
		case c.wanted <- struct{}{}:
		default: // it is awake
		}
	}
	for {
		select {
		case <-w.answered:
			return true
		case c.reading <- struct{}{}:
			if len(w.answered) == 0 { // who has read before may have answered it; nobody else does now
				c.readFor(ctx, number)
			}
			<-c.reading
		case <-ctx.Done():
			if c.forget(number) {
				return false
			}
			<-w.answered // it was answered in this very moment
			return true
		}
	}
}

// readFor reads until a call is answered, its context ends, or the connection does.
func (c *Client) readFor(ctx context.Context, number uint64) {
	if ctx.Done() != nil {
		interrupt := func() { _ = c.conn.SetReadDeadline(past) }
		defer context.AfterFunc(ctx, interrupt)()
	}
	for ctx.Err() == nil {
		f, ok := c.read()
		if !ok || f.number == number {
			return
		}
	}
}

// past is a deadline that interrupts whoever reads.
var past = time.Unix(1, 0)

// readForAll reads while calls are many: then one who does nothing else is faster than
// callers who take turns.
func (c *Client) readForAll() {
	for {
		select {
		case <-c.wanted:
		case <-c.gone:
			return
		}
		select {
		case c.reading <- struct{}{}:
		case <-c.gone:
			return
		}
		for c.waitingCalls() {
			if _, ok := c.read(); !ok {
				break
			}
		}
		<-c.reading
	}
}

// waitingCalls reports whether any call waits for an answer.
func (c *Client) waitingCalls() bool {
	c.callsMu.Lock()
	defer c.callsMu.Unlock()
	return len(c.calls) > 0
}

// read reads a frame and hands the answer to whoever waits for it. It reports false if
// the connection has ended. A read that was interrupted returns no frame; that may have
// been meant for one who has read before.
func (c *Client) read() (f frame, ok bool) {
	f, err := c.frames.next()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		_ = c.conn.SetReadDeadline(time.Time{})
		return frame{}, true
	}
	if err == nil && f.kind != kindResponse && f.kind != kindFailure {
		err = errGarbage
	}
	if err != nil {
		c.close(err)
		c.abandon(err)
		return frame{}, false
	}
	c.callsMu.Lock()
	w, waited := c.calls[f.number]
	delete(c.calls, f.number)
	c.callsMu.Unlock()
	if waited { // else the caller has given up
		w.kind, w.body = f.kind, f.body
		w.answered <- struct{}{}
	}
	return f, true
}

// abandon ends all calls with an error.
func (c *Client) abandon(err error) {
	c.callsMu.Lock()
	defer c.callsMu.Unlock()
	c.broken = err
	for number, w := range c.calls {
		delete(c.calls, number)
		w.err = err
		w.answered <- struct{}{}
	}
}
