package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pluginv1 "github.com/roster-go/roster/plugin/gen/roster/plugin/v1"
	rosterv1 "github.com/roster-go/roster/plugin/gen/roster/v1"
)

// Call runs a JSON function wherever it is served. Empty input means null. If
// ctx has no deadline the host's call timeout applies.
//
// Errors are [*UnknownCapabilityError], [*KindError], [*UnavailableError] (the
// call did not start), [*FunctionError] (the function's own), [*CrashedError]
// and [*InterruptedError]; each has a GRPCStatus method.
func (h *Host) Call(ctx context.Context, capability string, input json.RawMessage) (Answer, error) {
	return h.call(ctx, request{capability: capability}, input)
}

// CallLocal is [Host.Call] for a call that another host has forwarded: it is
// answered by this host's own providers or not at all, so that calls never
// travel in circles.
func (h *Host) CallLocal(ctx context.Context, capability string, input json.RawMessage) (Answer, error) {
	return h.call(ctx, request{capability: capability, hereOnly: true}, input)
}

func (h *Host) call(ctx context.Context, r request, input json.RawMessage) (Answer, error) {
	if len(input) == 0 {
		input = json.RawMessage("null")
	}
	if !json.Valid(input) {
		return Answer{}, &FunctionError{
			Capability: r.capability, Provider: h.local(Linked, r.capability), Code: codes.InvalidArgument,
			Message: "the input is not JSON" + jsonFault(input) + "; send one JSON value",
		}
	}
	ctx, cancel := h.withTimeout(ctx)
	defer cancel()
	var answer Answer
	err := h.route(ctx, r, func(ctx context.Context, t *target) (started bool, err error) {
		answer, started, err = h.run(ctx, r, t, input)
		return started, err
	})
	if err != nil {
		return Answer{}, err
	}
	return answer, nil
}

// withTimeout applies the host's call timeout to a context without a deadline.
func (h *Host) withTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, bounded := ctx.Deadline(); bounded {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, h.callTimeout)
}

// run runs a function at one target.
func (h *Host) run(ctx context.Context, r request, t *target, input json.RawMessage) (a Answer, started bool, err error) {
	a.ServedBy = t.provider
	ctx, o := withOutcome(ctx)
	switch {
	case t.linked != nil:
		a.Output, err = h.runLinked(ctx, r, t, input)
		if err != nil {
			return a, true, err
		}
	case t.proc != nil && t.proc.module != nil:
		a.Output, err = t.proc.module.call(ctx, r, t, input)
		if err != nil {
			return a, true, err
		}
	case t.proc != nil:
		reply := new(pluginv1.CallResponse)
		rpcErr := t.proc.invoke(ctx, o, pluginv1.FunctionService_Call_FullMethodName,
			&pluginv1.CallRequest{Capability: r.capability, Input: input}, reply, nil)
		if started, err = r.judge(ctx, t, o, rpcErr); err != nil {
			return a, started, err
		}
		a.Output = reply.GetOutput()
	default:
		reply, rpcErr := rosterv1.NewCapabilityServiceClient(t.conn).Call(r.outgoing(ctx),
			&rosterv1.CallRequest{Capability: r.capability, Input: input})
		if started, err = r.judge(ctx, t, o, rpcErr); err != nil {
			return a, started, err
		}
		a.Output = reply.GetOutput()
		if by := reply.GetServedBy(); by != nil {
			a.ServedBy = Provider{Kind: Remote, Name: by.GetName(), Host: by.GetHost(), Region: by.GetRegion()}
		}
	}
	if !json.Valid(a.Output) {
		return a, true, &FunctionError{
			Capability: r.capability, Provider: a.ServedBy, Code: codes.Internal,
			Message: "the output is not JSON" + jsonFault(a.Output) + "; correct the function",
		}
	}
	return a, true, nil
}

// runLinked runs a linked-in function and contains its panic.
func (h *Host) runLinked(ctx context.Context, r request, t *target, input json.RawMessage) (output json.RawMessage, err error) {
	defer func() {
		if v := recover(); v != nil {
			h.log.Error("function panicked", "capability", r.capability, "panic", v, "stack", string(debug.Stack()))
			err = &FunctionError{
				Capability: r.capability, Provider: t.provider, Code: codes.Internal,
				Message: "the function panicked; the host's log has the stack",
			}
		}
	}()
	output, err = t.linked(ctx, input)
	switch {
	case err == nil:
		return output, nil
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return nil, &InterruptedError{Capability: r.capability, Provider: t.provider, Err: ctx.Err()}
	}
	s, ok := status.FromError(err)
	if !ok {
		s = status.New(codes.Unknown, err.Error())
	}
	return nil, functionError(withoutInfo(s), r.capability, t.provider)
}

// jsonFault says where a text stops being JSON.
func jsonFault(text []byte) string {
	var v json.RawMessage
	err := json.Unmarshal(text, &v)
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Sprintf(" (%s at byte %d)", syntax, syntax.Offset)
	}
	return ""
}
