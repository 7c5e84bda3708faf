package daemon

import (
	"errors"
	"net/http"
	"strings"
	"unicode"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/roster-go/roster/cmd/roster/internal/api"
	"github.com/roster-go/roster/plugin"
)

// httpStatus maps gRPC codes as the Connect protocol does.
func httpStatus(code codes.Code) int {
	switch code {
	case codes.OK:
		return http.StatusOK
	case codes.Canceled:
		return 499 // the client went away; no name in net/http
	case codes.InvalidArgument, codes.FailedPrecondition, codes.OutOfRange:
		return http.StatusBadRequest
	case codes.DeadlineExceeded:
		return http.StatusGatewayTimeout
	case codes.NotFound:
		return http.StatusNotFound
	case codes.AlreadyExists, codes.Aborted:
		return http.StatusConflict
	case codes.PermissionDenied:
		return http.StatusForbidden
	case codes.Unauthenticated:
		return http.StatusUnauthorized
	case codes.ResourceExhausted:
		return http.StatusTooManyRequests
	case codes.Unimplemented:
		return http.StatusNotImplemented
	case codes.Unavailable:
		return http.StatusServiceUnavailable
	case codes.Unknown, codes.Internal, codes.DataLoss:
		return http.StatusInternalServerError
	default:
		return http.StatusInternalServerError
	}
}

// codeName is "not_found" for NotFound.
func codeName(code codes.Code) string {
	var b strings.Builder
	for i, r := range code.String() {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// writeError answers with the gRPC status of err. What is killed is forbidden, so that
// no proxy and no client tries again.
func writeError(w http.ResponseWriter, err error) {
	code := status.Code(err)
	message := err.Error()
	if plain, ok := status.FromError(err); ok && strings.HasPrefix(message, "rpc error:") {
		message = plain.Message()
	}
	httpCode := httpStatus(code)
	if _, killed := errors.AsType[*plugin.KilledError](err); killed {
		httpCode = http.StatusForbidden // to repeat it is of no use, and nothing is wrong with the request
	}
	writeJSON(w, httpCode, api.Error{Error: api.ErrorDetail{Code: codeName(code), Message: message}})
}

func writeJSON(w http.ResponseWriter, httpCode int, answer any) { api.Write(w, httpCode, answer) }
