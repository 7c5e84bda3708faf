package access

import (
	"context"
	"sync"
)

// A request is what the guard knows of one.
type request struct {
	log      *Log
	identity Identity
	rule     Rule
	action   string
	path     string
	from     string
	rpc      bool // its path is that of a gRPC method

	mu       sync.Mutex // guards what a handler adds
	act      Act
	recorded bool
	err      error
}

type requestKey struct{}

func requestOf(ctx context.Context) *request {
	r, _ := ctx.Value(requestKey{}).(*request)
	return r
}

// Who returns who makes the request of a context. It is the zero Identity outside of a [Guard].
func Who(ctx context.Context) Identity {
	if r := requestOf(ctx); r != nil {
		return r.identity
	}
	return Identity{}
}

// An Act is what a handler is about to do.
type Act struct {
	Action string // empty for that of the [Rule]
	Target string
	Why    string // the reason that was given
	Says   string // who the caller says he is
}

// Record writes down what the handler of a request with the context is about to do, before it does it.
// If it takes the role [Kill], the entry is on disk when Record returns. The error is an *[AuditError]:
// whoever is about to kill goes on and says so, everybody else stops.
func Record(ctx context.Context, act Act) error {
	r := requestOf(ctx)
	if r == nil {
		return nil
	}
	r.mu.Lock()
	r.act, r.recorded = act, true
	r.mu.Unlock()
	return r.log.Write(r.entry(Allowed, ""), r.rule.Role >= Kill)
}

// Fail says how the handling of a request failed, if its answer has begun with a success.
func Fail(ctx context.Context, err error) {
	if r := requestOf(ctx); r != nil && err != nil {
		r.mu.Lock()
		r.err = err
		r.mu.Unlock()
	}
}

// entry is what the log says about the request.
func (r *request) entry(outcome, problem string) Entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := Entry{
		Who: r.identity.Name, Role: r.identity.Role.String(), Action: r.action, Target: r.path,
		From: r.from, Outcome: outcome, Error: problem,
	}
	if r.recorded {
		e.Target, e.Why, e.Says = r.act.Target, r.act.Why, r.act.Says
		if r.act.Action != "" {
			e.Action = r.act.Action
		}
	}
	return e
}
