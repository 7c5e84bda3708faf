package follow

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/metadata"

	"github.com/roster-go/roster/etcd/internal/pace"
)

var (
	errDisconnected = errors.New("the connection is down")
	errBehind       = errors.New("the watch has not delivered what the store has")
	errUnopened     = errors.New("the store does not confirm that it opened the watch")
	errWatchClosed  = errors.New("the watch was closed")
	errRepeated     = errors.New("the watch delivered a revision that it had passed already: it may have left out others")
	errWentBack     = errors.New("the store went back to an older revision: it was restored or replaced")
)

// minAnswer is the least that the store is given to answer a question or to deliver the
// answer. It keeps a short heartbeat from taking a busy store for a dead one.
const minAnswer = 1500 * time.Millisecond

// givenUp is how many times that long a delivery may be overdue before the watch is replaced.
const givenUp = 3

var watches atomic.Uint64 // numbers the watches of the process

// Run keeps sink up to date until ctx ends, and returns the cause of its end. It reads everything at one revision and watches from
// the next.
//
// Every heartbeat it asks the store for its latest revision, which only a member that has
// a leader can answer, and expects the watch to deliver up to there. Contact counts as lost
// when the connection breaks, when the question or the delivery is overdue, and when the
// member in use says that it has no leader.
func (f Watch) Run(ctx context.Context, sink Sink) error {
	if f.Meter == nil {
		f.Meter = unmetered{}
	}
	defer f.Meter.Ended()
	var pause pace.Backoff
	level := slog.LevelWarn // of the next failure: the first of several in a row is news
	w := &watch{Watch: f, sink: sink, confirmed: func() {
		pause.Reset()
		level = slog.LevelWarn
	}}
	for {
		err := w.follow(ctx)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		lost := w.lost(err)
		f.Logger.Log(ctx, level, "watch has no contact, trying again", slog.Any("error", lost))
		level = slog.LevelDebug
		if !pace.Sleep(ctx, pause.Next()) {
			return context.Cause(ctx)
		}
		Reconnect(f.Client)
	}
}

// Reconnect has a client that has no connection try again now. Left to itself, one that was not
// configured by this module waits for up to two minutes after a long outage. Call it at a pace of
// one's own.
func Reconnect(client *clientv3.Client) {
	if conn := client.ActiveConnection(); conn != nil { // an in-process client has none
		conn.ResetConnectBackoff()
	}
}

// A watch is the state of a [Watch]. One goroutine uses it.
type watch struct {
	Watch

	sink     Sink
	position position
	question question
	relist   relist
	wanted   bool      // a question was asked for while another was open
	relistAt time.Time // when everything is read again; it outlives a lost contact

	confirmed func() // called whenever the watch has proved to work
}

// lost tells the sink that there is no contact, and why.
func (w *watch) lost(err error) error {
	if w.Lost != nil {
		err = w.Lost(err)
	}
	w.Meter.Lost()
	w.sink.Stale(err)
	return err
}

// follow continues where the watch was, or reads everything, and follows the changes until
// contact is lost. The error is not nil.
func (w *watch) follow(ctx context.Context) error {
	// A stream of its own: the client shares one stream between watches whose metadata is
	// the same, and then signs of life would be mixed with those of others.
	ctx = metadata.AppendToOutgoingContext(ctx, "roster-watch", strconv.FormatUint(watches.Add(1), 10))
	ctx, cancel := context.WithCancelCause(clientv3.WithRequireLeader(ctx))
	var helpers sync.WaitGroup
	defer func() {
		cancel(nil)
		helpers.Wait()
	}()
	helpers.Go(func() { w.superviseConnection(ctx, cancel) })

	resumed, err := w.start(ctx)
	if err != nil {
		return cause(ctx, err)
	}
	w.Meter.Found(resumed)
	opened := make(chan clientv3.WatchChan, 1)
	helpers.Go(func() { // it waits for the store to confirm the watch, for ever
		opened <- w.Client.Watch(ctx, w.Prefix,
			clientv3.WithPrefix(), clientv3.WithRev(w.position.revision+1),
			clientv3.WithProgressNotify(), clientv3.WithFragment())
	})
	confirmation := time.NewTimer(w.answerTimeout())
	defer confirmation.Stop()
	select {
	case responses := <-opened:
		return cause(ctx, w.loop(ctx, responses, &helpers))
	case <-confirmation.C:
		return cause(ctx, errUnopened)
	}
}

// cause prefers the reason for which ctx was ended to what failed because of it.
func cause(ctx context.Context, err error) error {
	if reason := context.Cause(ctx); reason != nil {
		return reason
	}
	return err
}

// start brings the sink to a known revision. It tells whether the watch can continue where
// it was.
func (w *watch) start(ctx context.Context) (resumed bool, err error) {
	if w.position.synced {
		switch err := w.position.verify(ctx, w); {
		case err == nil:
			return true, nil // the first answer to a question tells the sink
		case errors.Is(err, errWentBack):
			w.Meter.Restored()
			w.Logger.Warn("reading everything again", slog.Any("error", err))
		case errors.Is(err, errUnproven):
			w.Logger.Debug("reading everything again", slog.Any("error", err))
		default:
			return false, err
		}
	}
	listed, err := w.list(ctx)
	if err != nil {
		return false, err
	}
	w.position = listed.position
	w.scheduleRelist()
	w.sink.Sync(listed.revision, listed.kvs)
	return false, nil
}

// scheduleRelist says when everything is read next, after a full read.
func (w *watch) scheduleRelist() {
	w.relistAt = time.Now().Add(pace.Jitter(max(w.Relist, time.Second)))
}

// loop follows a watch until contact is lost.
func (w *watch) loop(ctx context.Context, responses clientv3.WatchChan, helpers *sync.WaitGroup) error {
	w.question, w.relist, w.wanted = question{}, relist{}, false
	answers := make(chan answer, 1)
	lists := make(chan listing, 1)
	beat := time.NewTimer(0) // the first question at once
	defer beat.Stop()
	late := time.NewTimer(time.Hour) // when the open question is overdue
	defer late.Stop()
	relisting := time.NewTimer(time.Until(w.relistAt))
	defer relisting.Stop()
	if w.Relist < 0 {
		relisting.Stop()
	}
	ask := func() {
		if !w.question.due() {
			w.wanted = true
			return
		}
		w.wanted = false
		at := w.question.ask(w.position.revision)
		w.Meter.Asked(at)
		helpers.Go(func() { answers <- w.ask(ctx, at) })
		late.Reset(w.answerTimeout())
	}
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-beat.C:
			if err := w.tick(ctx); err != nil {
				return err
			}
			if w.question.due() {
				ask()
			}
			beat.Reset(pace.Jitter(w.Heartbeat))
		case <-late.C:
			if err := w.tick(ctx); err != nil {
				return err
			}
		case <-w.Ask:
			ask()
		case a := <-answers:
			if err := w.answered(ctx, a); err != nil {
				return err
			}
		case <-relisting.C:
			w.relist.begin()
			helpers.Go(func() {
				listed, err := w.list(ctx)
				listed.err = err
				lists <- listed
			})
		case listed := <-lists:
			w.relisted(ctx, listed)
			w.scheduleRelist()
			relisting.Reset(time.Until(w.relistAt))
		case response, open := <-responses:
			if !open {
				return errWatchClosed
			}
			if err := response.Err(); err != nil {
				return fmt.Errorf("watch: %w", err)
			}
			if err := w.deliver(response); err != nil {
				w.position = position{} // what was missed is unknown: read everything again
				return err
			}
		}
		w.settle()
		if w.wanted && w.question.due() {
			ask()
		}
	}
}

// superviseConnection ends the watch when the connection breaks: the client would silently
// connect again and resume, and nobody would know that the view was stale meanwhile.
func (w *watch) superviseConnection(ctx context.Context, cancel context.CancelCauseFunc) {
	conn := w.Client.ActiveConnection()
	if conn == nil { // an in-process client has none, and cannot lose it
		return
	}
	for wasReady := false; ; {
		state := conn.GetState()
		if state == connectivity.TransientFailure || (wasReady && state != connectivity.Ready) {
			cancel(errDisconnected)
			return
		}
		wasReady = state == connectivity.Ready
		if !conn.WaitForStateChange(ctx, state) {
			return
		}
		if wasReady {
			cancel(errDisconnected) // it may be ready again by now
			return
		}
	}
}

// deliver passes on one response of the watch, which holds whole revisions: the store ends
// a response at the end of a revision, and the client joins the fragments of one. An error
// says that what was delivered does not follow from the position: the response is of
// another cluster, or of a revision that the store had said to be complete, as progress
// notifications of etcd before 3.5.8 do too early.
func (w *watch) deliver(response clientv3.WatchResponse) error {
	if id := response.Header.GetClusterId(); id != w.position.cluster {
		w.Meter.Restored()
		return fmt.Errorf("%w (its cluster id was %x and is %x)", errWentBack, w.position.cluster, id)
	}
	if response.IsProgressNotify() {
		w.position.revision = max(w.position.revision, response.Header.GetRevision())
		return nil
	}
	if len(response.Events) == 0 {
		return nil
	}
	if first := response.Events[0].GetKv().GetModRevision(); first <= w.position.revision {
		return fmt.Errorf("%w (%d after %d)", errRepeated, first, w.position.revision)
	}
	revision := int64(0)
	for _, event := range response.Events {
		revision = event.GetKv().GetModRevision()
		w.position.note(event)
		w.relist.note(event)
	}
	w.position.revision = revision
	w.sink.Apply(revision, response.Events)
	return nil
}
