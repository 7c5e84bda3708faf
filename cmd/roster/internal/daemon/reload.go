package daemon

import (
	"errors"
	"net/http"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/plugin"
)

// serveReload answers POST /v1/plugins/{name}/reload: the plugin's descriptor file
// is read again, and the plugin swapped without a failed call. The answer is the
// state of the plugin when the old process is gone.
func serveReload(host *plugin.Host) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		name := r.PathValue("name")
		if err := host.Reload(r.Context(), name); err != nil {
			code := codes.FailedPrecondition
			if errors.Is(err, roster.ErrUnknown) {
				code = codes.NotFound
			}
			writeError(w, status.Error(code, err.Error()))
			return
		}
		for _, p := range plugins(host) {
			if p.Name == name {
				writeJSON(w, http.StatusOK, p)
				return
			}
		}
		writeError(w, status.Errorf(codes.NotFound, "plugin %q was removed meanwhile", name))
	}
}
