package daemon

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/roster-go/roster/cmd/roster/internal/access"
)

// maxFollowers bounds who follows the audit log at once: each of them is told of each entry.
const maxFollowers = 32

// followPatience bounds how long a follower takes to read an entry.
const followPatience = 10 * time.Second

// defaultAudit is how many entries are answered with if no limit is asked for.
const defaultAudit = 100

// serveAudit answers GET /v1/audit with the newest entries, oldest first: ?limit=N, at most a thousand. With
// ?follow=1 they are lines of JSON, and go on until the reader goes away.
func (d *daemon) serveAudit(w http.ResponseWriter, r *http.Request) {
	limit := defaultAudit
	if text := r.URL.Query().Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			writeError(w, status.Errorf(codes.InvalidArgument, "limit %q is not a number of entries", text))
			return
		}
		limit = n
	}
	if r.URL.Query().Get("follow") == "" {
		writeJSON(w, http.StatusOK, access.Audit{Entries: append([]access.Entry{}, d.audit.Last(limit)...)})
		return
	}
	d.followAudit(w, r, limit)
}

func (d *daemon) followAudit(w http.ResponseWriter, r *http.Request, limit int) {
	if d.auditFollowers.Add(1) > maxFollowers {
		d.auditFollowers.Add(-1)
		writeError(w, status.Errorf(codes.ResourceExhausted, "%d readers follow the audit log already; ask again without follow", maxFollowers))
		return
	}
	defer d.auditFollowers.Add(-1)
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	lines := json.NewEncoder(w)
	control := http.NewResponseController(w)
	flush := func() error {
		_ = control.SetWriteDeadline(time.Now().Add(followPatience)) // what cannot have one is no connection
		return control.Flush()
	}
	entries, seen, more := d.audit.Since(0)
	entries = entries[len(entries)-min(limit, len(entries)):]
	for {
		for _, e := range entries {
			if err := lines.Encode(e); err != nil {
				return // the reader is gone
			}
		}
		if flush() != nil {
			return
		}
		select {
		case <-more:
		case <-r.Context().Done():
			return
		case <-d.closing:
			return
		}
		entries, seen, more = d.audit.Since(seen)
	}
}
