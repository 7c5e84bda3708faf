package lane

import (
	"context"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
)

// maxWaiting bounds what waits to be written to a peer, in bytes, beyond which callers
// wait. One frame may be larger.
const maxWaiting = 4 << 20

// A sender writes frames.
type sender struct {
	conn net.Conn
	raw  syscall.RawConn // nil if frames cannot be tried at once

	mu      sync.Mutex // guards the fields below; nothing waits under it
	waiting []byte     // frames, the first of which may be written in part
	writing bool       // somebody writes; whoever comes appends to waiting
	spare   []byte
	room    chan struct{} // closed when waiting gets shorter; nil if nobody waits for that
	err     error         // of the connection; for good

	running atomic.Int64 // calls, as far as this side knows

	work chan struct{} // wakes the writer
	gone chan struct{} // closed with err
}

func newSender(conn net.Conn) *sender {
	s := &sender{conn: conn, work: make(chan struct{}, 1), gone: make(chan struct{})}
	if c, ok := conn.(syscall.Conn); ok {
		if raw, err := c.SyscallConn(); err == nil {
			s.raw = raw
		}
	}
	return s
}

// send appends a frame with add and sees to it that it is written. It waits if too much
// waits to be written. The error is ctx's or that of the connection; the frame has
// then not been sent. With a nil ctx it does not wait, for a word of a few bytes.
func (s *sender) send(ctx context.Context, add func([]byte) []byte) error {
	s.mu.Lock()
	for ctx != nil && len(s.waiting) > maxWaiting && s.err == nil {
		if s.room == nil {
			s.room = make(chan struct{})
		}
		room := s.room
		s.mu.Unlock()
		select {
		case <-room:
		case <-s.gone:
		case <-ctx.Done():
			return ctx.Err()
		}
		s.mu.Lock()
	}
	if s.err != nil {
		defer s.mu.Unlock()
		return s.err
	}
	s.waiting = add(s.waiting)
	if s.writing {
		s.mu.Unlock()
		return nil
	}
	s.writing = true
	if s.running.Load() > crowd { // others will have something to send in a moment, for the same system call
		s.mu.Unlock()
		runtime.Gosched()
		s.mu.Lock()
	}
	s.flush()
	return nil
}

// crowd is how many calls must be running for a sender to give others a chance to
// append before it writes. With fewer it would only wait.
const crowd = 3

// flush writes what waits as far as the socket takes it at once, and leaves the rest to
// the writer. It is called with mu held, by whoever has set writing, and unlocks it.
func (s *sender) flush() {
	for len(s.waiting) > 0 && s.err == nil {
		batch := s.waiting
		s.waiting, s.spare = s.spare[:0], nil
		s.mu.Unlock()
		n, err := s.try(batch)
		s.mu.Lock()
		if err != nil {
			s.fail(err)
			break
		}
		if n < len(batch) {
			s.waiting = append(batch[n:], s.waiting...)
			s.wakeWriter()
			s.mu.Unlock()
			return // writing stays set, for the writer
		}
		s.recycle(batch)
	}
	s.writing = false
	s.mu.Unlock()
}

// recycle keeps a buffer of a common size for the next batch.
func (s *sender) recycle(batch []byte) {
	const common = 64 << 10
	if cap(batch) <= common {
		s.spare = batch[:0]
	}
	if s.room != nil {
		close(s.room)
		s.room = nil
	}
}

// try writes without waiting.
func (s *sender) try(batch []byte) (n int, err error) {
	if s.raw == nil {
		return 0, nil
	}
	var writeErr error
	err = s.raw.Write(func(fd uintptr) bool {
		n, writeErr = writeNow(fd, batch)
		return true
	})
	if err == nil {
		err = writeErr
	}
	return max(n, 0), err
}

func (s *sender) wakeWriter() {
	select {
	case s.work <- struct{}{}:
	default:
	}
}

// write is the writer: it waits for the socket in place of callers, until the
// connection ends.
func (s *sender) write() {
	for {
		select {
		case <-s.work:
		case <-s.gone:
			return
		}
		s.mu.Lock()
		for len(s.waiting) > 0 && s.err == nil {
			batch := s.waiting
			s.waiting = nil
			s.mu.Unlock()
			_, err := s.conn.Write(batch)
			s.mu.Lock()
			if err != nil {
				s.fail(err)
			}
			s.recycle(batch)
		}
		s.writing = false
		s.mu.Unlock()
	}
}

// fail notes that the connection is broken. The caller holds mu.
func (s *sender) fail(err error) {
	if s.err != nil {
		return
	}
	s.err = err
	close(s.gone)
	_ = s.conn.Close()
}

// close ends the connection.
func (s *sender) close(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail(err)
}
