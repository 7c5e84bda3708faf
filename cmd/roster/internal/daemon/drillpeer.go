package daemon

import (
	"net/http"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/roster-go/roster/cmd/roster/internal/drill"
)

// drillPeerPath is where other regions reach this one for a drill, on the replication port and
// under the certificates of regions: who may write a region's records may drill it. It is not on
// the control port, so that nothing of a drill ever stands in the way of a kill.
const drillPeerPath = "/drill/v1/"

// drillProbe is a probe record.
type drillProbe struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// drillPeers serves other regions.
func (d *daemon) drillPeers() http.Handler {
	own := ownRegion{d}
	mux := http.NewServeMux()
	handle := func(pattern string, serve func(w http.ResponseWriter, r *http.Request) (any, error)) {
		method, path, _ := strings.Cut(pattern, " ")
		mux.HandleFunc(method+" "+drillPeerPath+path, func(w http.ResponseWriter, r *http.Request) {
			answer, err := serve(w, r)
			if err != nil {
				if status.Code(err) == codes.Unknown {
					err = status.Error(codes.Unavailable, err.Error())
				}
				writeError(w, err)
				return
			}
			writeJSON(w, http.StatusOK, answer)
		})
	}
	handle("GET standing", func(_ http.ResponseWriter, r *http.Request) (any, error) { return own.Standing(r.Context()) })
	handle("GET records", func(_ http.ResponseWriter, r *http.Request) (any, error) { return own.Held(r.Context()) })
	handle("DELETE records", func(_ http.ResponseWriter, r *http.Request) (any, error) { return own.Clean(r.Context()) })
	handle("GET record", func(_ http.ResponseWriter, r *http.Request) (any, error) {
		return nil, own.Read(r.Context(), r.URL.Query().Get("key"))
	})
	handle("PUT records", func(w http.ResponseWriter, r *http.Request) (any, error) {
		var p drillProbe
		if err := decodeBody(w, r, &p); err != nil {
			return nil, err
		}
		return nil, own.Write(r.Context(), p.Key, p.Value)
	})
	handle("POST fail", func(w http.ResponseWriter, r *http.Request) (any, error) {
		var order drill.Order
		if err := decodeBody(w, r, &order); err != nil {
			return nil, err
		}
		return own.Fail(r.Context(), order)
	})
	handle("POST end", func(w http.ResponseWriter, r *http.Request) (any, error) {
		var order drill.Order
		if err := decodeBody(w, r, &order); err != nil {
			return nil, err
		}
		return nil, own.End(r.Context(), order.ID)
	})
	return mux
}
