package lane

import (
	"bufio"
	"context"
	"maps"
	"net"
	"slices"
	"sync"
	"time"
)

// A Handler answers a call with a message, or with ok false and a google.rpc.Status. Its
// context ends with the caller's. It must not panic, and may keep the request's message.
type Handler func(ctx context.Context, r Request) (message []byte, ok bool)

// Serve answers calls over conn until the connection ends or ctx does, and waits for the
// calls that run. Messages are of at most limit bytes; failure makes the google.rpc.Status
// for an answer that is larger.
func Serve(ctx context.Context, conn net.Conn, limit int, handle Handler, tooLarge []byte) {
	ctx, cancel := context.WithCancel(ctx)
	s := &server{
		sender: newSender(conn), ctx: ctx, limit: limit, handle: handle, tooLarge: tooLarge,
		calls: map[uint64]*callContext{}, idle: make(chan job),
	}
	stop := context.AfterFunc(ctx, func() { s.close(ErrClosed) })
	s.workers.Go(s.write)
	s.close(s.read())
	stop()
	cancel()
	s.endCalls()
	close(s.idle)
	s.workers.Wait()
}

type server struct {
	*sender

	ctx      context.Context //nolint:containedctx // of Serve, whose frame this is
	limit    int
	handle   Handler
	tooLarge []byte
	workers  sync.WaitGroup
	idle     chan job // to workers that have nothing to do

	callsMu sync.Mutex // guards calls
	calls   map[uint64]*callContext
}

type job struct {
	number  uint64
	ctx     *callContext
	request Request
}

// read takes requests until the connection ends, and says why it did.
func (s *server) read() error {
	frames := frameReader{from: bufio.NewReaderSize(s.conn, readSize), limit: s.limit}
	for {
		f, err := frames.next()
		if err != nil {
			return err
		}
		switch f.kind {
		case kindRequest:
			r, timeout, err := parseRequest(f.body)
			if err != nil {
				return err
			}
			s.start(job{f.number, s.begin(f.number, timeout), r})
		case kindCancel:
			s.callsMu.Lock()
			call := s.calls[f.number]
			s.callsMu.Unlock()
			if call != nil {
				call.cancel()
			}
		default:
			return errGarbage
		}
	}
}

// begin makes the context of a call, before the next frame is read: that may cancel it.
func (s *server) begin(number uint64, timeout uint32) *callContext {
	ctx := &callContext{Context: s.ctx}
	if timeout > 0 {
		ctx.deadline = time.Now().Add(time.Duration(timeout) * time.Millisecond)
	}
	s.callsMu.Lock()
	defer s.callsMu.Unlock()
	s.calls[number] = ctx
	return ctx
}

// endCalls cancels the calls that run. No other begins after it.
func (s *server) endCalls() {
	s.callsMu.Lock()
	calls := slices.Collect(maps.Values(s.calls))
	s.callsMu.Unlock()
	for _, c := range calls {
		c.cancel()
	}
}

// start hands a job to a worker that waits, or to a new one. Workers that have run calls
// before have stacks that are large enough.
func (s *server) start(j job) {
	select {
	case s.idle <- j:
	default:
		s.workers.Go(func() { s.worker(j) })
	}
}

// idleWorker is how long a worker waits for another call.
const idleWorker = 5 * time.Second

func (s *server) worker(j job) {
	s.run(j)
	timer := time.NewTimer(idleWorker)
	defer timer.Stop()
	for {
		select {
		case j, ok := <-s.idle:
			if !ok {
				return
			}
			s.run(j)
			timer.Reset(idleWorker)
		case <-timer.C:
			return
		}
	}
}

func (s *server) run(j job) {
	s.running.Add(1)
	defer s.running.Add(-1)
	message, ok := s.handle(j.ctx, j.request)
	s.callsMu.Lock()
	delete(s.calls, j.number)
	s.callsMu.Unlock()
	j.ctx.cancel() // for what it has left behind
	if ok && len(message) > s.limit {
		message, ok = s.tooLarge, false
	}
	kind := byte(kindResponse)
	if !ok {
		kind = kindFailure
	}
	_ = s.send(s.ctx, func(b []byte) []byte { // a connection that has ended needs no answer
		return append(appendFrame(b, j.number, kind, len(message)), message...)
	})
}
