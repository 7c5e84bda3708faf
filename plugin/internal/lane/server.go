package lane

import (
	"bufio"
	"context"
	"net"
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
		cancels: map[uint64]context.CancelFunc{}, idle: make(chan job),
	}
	stop := context.AfterFunc(ctx, func() { s.close(ErrClosed) })
	s.running.Go(s.write)
	s.close(s.read())
	stop()
	cancel()
	close(s.idle)
	s.running.Wait()
}

type server struct {
	*sender

	ctx      context.Context //nolint:containedctx // of Serve, whose frame this is
	limit    int
	handle   Handler
	tooLarge []byte
	running  sync.WaitGroup
	idle     chan job // to workers that have nothing to do

	mu2     sync.Mutex // guards cancels
	cancels map[uint64]context.CancelFunc
}

type job struct {
	number  uint64
	timeout uint32
	request Request
}

// read takes requests until the connection ends, and says why it did.
func (s *server) read() error {
	buffer := bufio.NewReaderSize(s.conn, readSize)
	for {
		f, err := readFrame(buffer, s.limit)
		if err != nil {
			return err
		}
		switch f.kind {
		case kindRequest:
			r, timeout, err := parseRequest(f.body)
			if err != nil {
				return err
			}
			s.start(job{f.number, timeout, r})
		case kindCancel:
			s.mu2.Lock()
			cancel := s.cancels[f.number]
			s.mu2.Unlock()
			if cancel != nil {
				cancel()
			}
		default:
			return errGarbage
		}
	}
}

// start hands a job to a worker that waits, or to a new one. Workers that have run calls
// before have stacks that are large enough.
func (s *server) start(j job) {
	select {
	case s.idle <- j:
	default:
		s.running.Go(func() { s.worker(j) })
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
	ctx, cancel := s.ctx, context.CancelFunc(nil)
	if j.timeout > 0 {
		ctx, cancel = context.WithTimeout(ctx, time.Duration(j.timeout)*time.Millisecond)
	} else {
		ctx, cancel = context.WithCancel(ctx)
	}
	s.mu2.Lock()
	s.cancels[j.number] = cancel
	s.mu2.Unlock()
	message, ok := s.handle(ctx, j.request)
	s.mu2.Lock()
	delete(s.cancels, j.number)
	s.mu2.Unlock()
	cancel()
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
