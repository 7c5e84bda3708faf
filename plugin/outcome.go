package plugin

import (
	"context"
	"sync/atomic"

	"google.golang.org/grpc/stats"
)

// An outcome tells what became of one RPC beyond its status: a status such as
// Unavailable may come from the other side's function or from a connection that
// broke, and only the second kind can mean that the call never started.
type outcome struct {
	started  atomic.Bool // the request left for the other side
	answered atomic.Bool // the status came from the other side
}

type outcomeKey struct{}

func withOutcome(ctx context.Context) (context.Context, *outcome) {
	o := new(outcome)
	return context.WithValue(ctx, outcomeKey{}, o), o
}

// outcomeRecorder fills in the outcome that an RPC's context carries.
type outcomeRecorder struct{}

var _ stats.Handler = outcomeRecorder{}

func (outcomeRecorder) HandleRPC(ctx context.Context, s stats.RPCStats) {
	o, ok := ctx.Value(outcomeKey{}).(*outcome)
	if !ok {
		return
	}
	switch s.(type) {
	case *stats.OutHeader:
		o.started.Store(true)
	case *stats.InTrailer:
		o.answered.Store(true)
	}
}

func (outcomeRecorder) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

func (outcomeRecorder) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

func (outcomeRecorder) HandleConn(context.Context, stats.ConnStats) {}
