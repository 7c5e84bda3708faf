package follow

import (
	"context"
	"fmt"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// A question asks the store for its latest revision. It is answered when the watch has
// delivered up to there. One is open at a time.
type question struct {
	asked    time.Time // zero if no question is open
	before   int64     // what had been delivered when it was put
	answered bool      // the store has told revision
	revision int64     // that the watch has to deliver
	overdue  bool      // the sink was told
}

func (q *question) due() bool { return q.asked.IsZero() }

func (q *question) ask(delivered int64) time.Time {
	*q = question{asked: time.Now(), before: delivered}
	return q.asked
}

// An answer is what the store said.
type answer struct {
	asked  time.Time
	header *etcdserverpb.ResponseHeader
	err    error
}

// answerTimeout is how long the store may take for an answer and the watch for a delivery.
func (w *watch) answerTimeout() time.Duration { return max(minAnswer, w.Heartbeat) }

// ask puts the question: a read that only a quorum can answer.
func (w *watch) ask(ctx context.Context, at time.Time) answer {
	ctx, cancel := context.WithTimeout(ctx, w.answerTimeout())
	defer cancel()
	response, err := w.Client.Get(ctx, w.Prefix, clientv3.WithCountOnly())
	if err != nil {
		return answer{asked: at, err: fmt.Errorf("ask for the latest revision: %w", err)}
	}
	return answer{asked: at, header: response.Header}
}

// answered takes an answer, and asks the watch for a sign of life if it has not delivered
// that much yet.
func (w *watch) answered(ctx context.Context, a answer) error {
	if a.err != nil {
		return a.err
	}
	// The watch may have overtaken the answer, which has to be as new as the question alone.
	if err := w.position.check(a.header, w.question.before); err != nil {
		return err
	}
	w.question.answered, w.question.revision = true, a.header.GetRevision()
	if w.question.revision > w.position.revision {
		return w.prod(ctx)
	}
	return nil
}

// prod makes the store say how far the watch is; nothing may have happened to its keys.
func (w *watch) prod(ctx context.Context) error {
	if err := w.Client.RequestProgress(ctx); err != nil {
		return fmt.Errorf("ask the watch for a sign of life: %w", err)
	}
	return nil
}

// tick looks after a question that is open for long: at each heartbeat, and when it becomes
// overdue. The store's own delay is bounded by
// the timeout of the request, so what is overdue is the watch.
func (w *watch) tick(ctx context.Context) error {
	q := &w.question
	limit := w.answerTimeout()
	switch waited := time.Since(q.asked); {
	case q.due() || !q.answered || waited < limit:
		return nil
	case waited > givenUp*limit:
		return errBehind
	case !q.overdue:
		q.overdue = true
		_ = w.lost(errBehind)
	}
	return w.prod(ctx)
}

// settle closes the question if the watch has delivered the revision, and finishes a
// relist that waited for it.
func (w *watch) settle() {
	q := &w.question
	if q.answered && w.position.revision >= q.revision {
		w.Meter.Confirmed(q.asked)
		w.confirmed()
		w.sink.Fresh(w.position.revision, q.asked)
		*q = question{}
	}
	w.finishRelist()
}
