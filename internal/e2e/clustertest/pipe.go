package clustertest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

const (
	// readSize is how much is read at once.
	readSize = 32 << 10

	// underWay is how many reads a direction of a connection can hold back.
	underWay = 1024
)

// A pipe is a connection that a link carries. Its fields are set before its flows run;
// until then they are guarded by the link's mutex.
type pipe struct {
	link   *Link
	cancel context.CancelFunc // ends the goroutines, not the connections
	in     net.Conn
	out    net.Conn // nil until the target is reached
	flows  []*flow
}

// run carries bytes both ways until both ways have ended, or the pipe is broken.
func (p *pipe) run(ctx context.Context) {
	var running sync.WaitGroup
	for _, f := range p.flows {
		running.Go(func() { f.collect(ctx) })
		running.Go(func() { f.deliver(ctx) })
	}
	running.Wait()
}

// breakOff resets both sides. The link's mutex is held.
func (p *pipe) breakOff() {
	p.cancel()
	reset(p.in)
	if p.out != nil {
		reset(p.out)
	}
}

func (p *pipe) setWriteDeadline(deadline time.Time) {
	_ = p.in.SetWriteDeadline(deadline)
	if p.out != nil {
		_ = p.out.SetWriteDeadline(deadline)
	}
}

// reset closes a connection so that the other side gets an error, not an end.
func reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// A flow is one direction of a pipe.
type flow struct {
	pipe     *pipe
	from, to net.Conn
	chunks   chan chunk

	writing sync.Mutex // held while bytes come out; taken before the link's mutex
}

// A chunk is what one read gave. The last one has an error instead of bytes.
type chunk struct {
	due   time.Time // when it may come out
	bytes []byte
	err   error
}

func newFlow(p *pipe, from, to net.Conn) *flow {
	return &flow{pipe: p, from: from, to: to, chunks: make(chan chunk, underWay)}
}

// collect takes in what comes, up to the end.
func (f *flow) collect(ctx context.Context) {
	buffer := make([]byte, readSize)
	for {
		n, err := f.from.Read(buffer)
		due := f.pipe.link.due()
		if n > 0 && !f.put(ctx, chunk{due: due, bytes: bytes.Clone(buffer[:n])}) {
			return
		}
		if err != nil {
			f.put(ctx, chunk{due: due, err: err})
			return
		}
	}
}

func (f *flow) put(ctx context.Context, c chunk) bool {
	select {
	case f.chunks <- c:
		return true
	case <-ctx.Done():
		return false
	}
}

// deliver lets out what was taken in, when it is due and the link lets it.
func (f *flow) deliver(ctx context.Context) {
	for {
		select {
		case c := <-f.chunks:
			if !sleepUntil(ctx, c.due) || !f.let(ctx, c) {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// let passes a chunk on. It reports whether more may follow.
func (f *flow) let(ctx context.Context, c chunk) bool {
	for f.pipe.link.awaitFlow(ctx) {
		n, err := f.pass(c)
		c.bytes = c.bytes[n:]
		switch {
		case err == nil:
			return c.err == nil
		case !errors.Is(err, os.ErrDeadlineExceeded): // that is Hold, which stops a write half way
			f.pipe.link.breakOff(f.pipe)
			return false
		}
	}
	return false
}

// pass writes, unless the link is held.
func (f *flow) pass(c chunk) (int, error) {
	f.writing.Lock()
	defer f.writing.Unlock()
	switch {
	case f.pipe.link.held():
		return 0, os.ErrDeadlineExceeded
	case c.err == nil:
		return f.to.Write(c.bytes) //nolint:wrapcheck // the caller only asks which one it is
	case !errors.Is(c.err, io.EOF):
		return 0, c.err
	}
	if half, ok := f.to.(interface{ CloseWrite() error }); ok {
		return 0, half.CloseWrite()
	}
	return 0, c.err
}

// sleepUntil reports false when the context ends first.
func sleepUntil(ctx context.Context, due time.Time) bool {
	wait := time.Until(due)
	if wait <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
