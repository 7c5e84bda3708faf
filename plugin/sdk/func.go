package sdk

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"runtime/debug"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pluginv1 "github.com/roster-go/roster/plugin/gen/roster/plugin/v1"
)

// Func serves fn as the JSON function called capability. The input is decoded
// strictly: a field that In does not have is an error that names it and the
// known ones. A panic in fn is answered with the code Internal and logged.
//
// Errors of fn reach the caller with their text. Use [Invalid] for bad input;
// an error of google.golang.org/grpc/status keeps its code, any other gets the
// code Unknown.
//
// The JSON Schemas of In and Out are declared to the host for people and tools,
// unless a type has none, such as one that contains itself.
func Func[In, Out any](capability string, fn func(context.Context, In) (Out, error), options ...FuncOption) Option {
	return func(d *definition) error {
		declared := &pluginv1.Capability{
			Name: capability, Kind: pluginv1.Kind_KIND_FUNCTION,
			InputSchema: schemaOf[In](), OutputSchema: schemaOf[Out](),
		}
		for _, option := range options {
			option(declared)
		}
		return d.addFunction(declared, func(ctx context.Context, input []byte) (output []byte, err error) {
			defer func() {
				if v := recover(); v != nil {
					err = d.panicked(capability, v)
				}
			}()
			var in In
			if err := Decode(input, &in); err != nil {
				return nil, err
			}
			out, err := fn(ctx, in)
			if err != nil {
				return nil, err
			}
			output, err = encode(out)
			if err != nil {
				return nil, status.Errorf(codes.Internal, "the result of %s has no JSON form: %v", capability, err)
			}
			return output, nil
		})
	}
}

// A FuncOption adjusts what a function declares.
type FuncOption func(*pluginv1.Capability)

// Idempotent says that running a call twice does no harm, so that the host may run it
// again on another process if the first one is lost.
func Idempotent(c *pluginv1.Capability) { c.Idempotent = true }

// Invalid is the error for input that cannot be used. The text should name the
// field and say what would be accepted. Its gRPC code is InvalidArgument.
func Invalid(format string, args ...any) error {
	return status.Error(codes.InvalidArgument, fmt.Sprintf(format, args...))
}

// panicked logs a recovered panic and returns the error for the caller.
func (d *definition) panicked(what string, v any) error {
	d.log.Error("panic", "in", what, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
	return status.Errorf(codes.Internal, "%s panicked; the plugin's log has the stack", what)
}

// encode is json.Marshal without escapes for HTML, which double the size of some texts and
// which nobody needs who reads JSON as JSON.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err //nolint:wrapcheck // as json.Marshal
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
