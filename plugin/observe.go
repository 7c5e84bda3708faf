package plugin

import (
	"context"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/roster-go/roster/plugin/internal/traceparent"
)

// An Observer is told of the calls that providers of this host take: plugin processes,
// endpoints and modules. It is safe for concurrent use and must be fast. The package
// telemetry has one for Prometheus and OpenTelemetry.
type Observer interface {
	// Call is told when a call goes to a plugin. The method is the capability of a
	// function, or the full method of a service, of which callers may make up any. The
	// call has the context that Call returns; its trace context travels along, as W3C
	// Trace Context in the metadata. The function is called once, when the call or the
	// stream is over.
	Call(ctx context.Context, plugin, method string) (context.Context, func(code string, err error))
	// Restarted is told that a process was started again, for one of the reasons "exit",
	// "health" and "start".
	Restarted(plugin, reason string)
}

// observed begins the observation of a call at a target.
func (h *Host) observed(ctx context.Context, r request, t *target) context.Context {
	if h.observer == nil || t.plugin == nil {
		return traceparent.Inject(ctx)
	}
	method := r.method
	if method == "" {
		method = r.capability
	}
	ctx, end := h.observer.Call(ctx, t.plugin.d.Name, method)
	var once sync.Once
	t.end = func(err error) {
		once.Do(func() { end(codeOf(err).String(), err) })
	}
	return traceparent.Inject(ctx)
}

// codeOf is the gRPC code of what a call ended with.
func codeOf(err error) codes.Code {
	if err == nil {
		return codes.OK
	}
	if code := status.Code(err); code != codes.Unknown {
		return code
	}
	return status.FromContextError(err).Code()
}

// ended tells the observer, if there is one, that the call is over.
func (t *target) ended(err error) {
	if t.end != nil {
		t.end(err)
	}
}
