package daemon

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"go.opentelemetry.io/otel/propagation"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/roster-go/roster/cmd/roster/internal/api"
	"github.com/roster-go/roster/plugin"
)

// serveCall answers POST /v1/call/{capability}: the body is the input, the
// answer's body the output, both JSON. An empty body counts as null. The header
// Roster-Key keeps calls of one key with one provider.
func serveCall(host *plugin.Host) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		input, err := readInput(w, r)
		if err != nil {
			writeError(w, err)
			return
		}
		ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		ctx = plugin.WithKey(ctx, r.Header.Get(api.KeyHeader))
		answer, err := host.Call(ctx, r.PathValue("capability"), input)
		if err != nil {
			writeError(w, err)
			return
		}
		w.Header().Set(api.ServedByHeader, answer.ServedBy.String())
		writeJSON(w, http.StatusOK, answer.Output)
	}
}

func readInput(w http.ResponseWriter, r *http.Request) (json.RawMessage, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, api.MaxBody))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return nil, status.Errorf(codes.ResourceExhausted, "the body is larger than the limit of %d bytes", tooLarge.Limit)
	}
	if err != nil {
		return nil, status.Errorf(codes.Canceled, "the body broke off: %v", err)
	}
	if len(body) == 0 {
		return nil, nil
	}
	var input json.RawMessage
	if err := json.Unmarshal(body, &input); err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "the body is not one JSON value: %s", describeJSONError(err))
	}
	return input, nil
}

func describeJSONError(err error) string {
	if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
		return fmt.Sprintf("%v at byte %d", syntax, syntax.Offset)
	}
	return err.Error()
}
