package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/roster-go/roster/cmd/roster/internal/api"
	"github.com/roster-go/roster/cmd/roster/internal/drill"
	"github.com/roster-go/roster/etcd/replication"
	"github.com/roster-go/roster/kill"
	"github.com/roster-go/roster/replica"
)

// recordKey is the key in the path of a request.
func recordKey(r *http.Request) string { return r.PathValue("key") }

// heldBack is why a record is not given out, or nil: its namespace may be killed.
func (d *daemon) heldBack(key string) error {
	namespace, _, _ := strings.Cut(key, "/")
	order, killed := d.control.sw.Killed(kill.Namespace(namespace))
	if !killed {
		return nil
	}
	return status.Error(codes.FailedPrecondition, (&kill.KilledError{Order: order}).Error())
}

// serveGetRecord answers GET /v1/records/{key...} from the local view. With ?max_stale=3s it
// refuses when the view may be older than that.
func (d *daemon) serveGetRecord(w http.ResponseWriter, r *http.Request) {
	key := recordKey(r)
	if err := d.heldBack(key); err != nil {
		writeError(w, err)
		return
	}
	if err := d.freshEnough(r.URL.Query().Get("max_stale")); err != nil {
		writeError(w, err)
		return
	}
	record, found := d.records.Get(key)
	if !found {
		writeError(w, status.Errorf(codes.NotFound, "there is no record %q; roster ls records lists them", key))
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set(api.VersionHeader, strconv.FormatInt(record.Version, 10))
	h.Set(api.RegionHeader, record.Region)
	if record.Conflicts > 0 {
		h.Set(api.ConflictsHeader, strconv.Itoa(record.Conflicts))
	}
	_, _ = w.Write(record.Value) // a reader that went away needs no answer
}

func (d *daemon) freshEnough(bound string) error {
	if bound == "" {
		return nil
	}
	limit, err := time.ParseDuration(bound)
	if err != nil || limit < 0 {
		return status.Errorf(codes.InvalidArgument, "max_stale %q is not a duration such as 3s", bound)
	}
	if _, err := d.records.Fresh(limit); err != nil {
		return status.Error(codes.Unavailable, err.Error())
	}
	return nil
}

// servePutRecord answers PUT /v1/records/{key...}; the body is the value.
func (d *daemon) servePutRecord(w http.ResponseWriter, r *http.Request) {
	key := recordKey(r)
	value, err := io.ReadAll(http.MaxBytesReader(w, r.Body, replica.MaxValueLen))
	if err != nil {
		writeError(w, status.Errorf(codes.InvalidArgument, "the value cannot be read, or has more than %d bytes: %v", replica.MaxValueLen, err))
		return
	}
	d.writeRecord(w, r, func(ctx context.Context, opts ...replication.WriteOption) (int64, error) {
		return d.records.Put(ctx, key, value, opts...)
	})
}

// serveDeleteRecord answers DELETE /v1/records/{key...}.
func (d *daemon) serveDeleteRecord(w http.ResponseWriter, r *http.Request) {
	d.writeRecord(w, r, func(ctx context.Context, opts ...replication.WriteOption) (int64, error) {
		return 0, d.records.Delete(ctx, recordKey(r), opts...)
	})
}

// writeRecord writes, if the record is at the version of the request's header If-Match, or
// in any case if there is none.
func (d *daemon) writeRecord(w http.ResponseWriter, r *http.Request, write func(context.Context, ...replication.WriteOption) (int64, error)) {
	if err := d.heldBack(recordKey(r)); err != nil {
		writeError(w, err)
		return
	}
	if strings.HasPrefix(recordKey(r), drill.Namespace+"/") {
		writeError(w, status.Errorf(codes.InvalidArgument, "the namespace %s is that of drills, which delete what is in it; use another", drill.Namespace))
		return
	}
	var opts []replication.WriteOption
	if match := r.Header.Get("If-Match"); match != "" {
		version, err := strconv.ParseInt(strings.Trim(match, `"`), 10, 64)
		if err != nil || version < 0 {
			writeError(w, status.Errorf(codes.InvalidArgument, "If-Match %s is not the version of a record, such as 17, or 0 for one that is not there", match))
			return
		}
		opts = append(opts, replication.IfVersion(version))
	}
	version, err := write(r.Context(), opts...)
	if err != nil {
		writeError(w, status.Error(recordCode(err), err.Error()))
		return
	}
	writeJSON(w, http.StatusOK, api.Written{Key: recordKey(r), Version: version})
}

// recordCode is the gRPC code of an error of the store of records.
func recordCode(err error) codes.Code {
	switch {
	case errors.As(err, new(*replication.KeyError)), errors.As(err, new(*replication.ValueError)):
		return codes.InvalidArgument
	case errors.As(err, new(*replication.VersionError)):
		return codes.Aborted
	case errors.As(err, new(*replication.RegionError)):
		return codes.FailedPrecondition
	case errors.Is(err, context.DeadlineExceeded):
		return codes.DeadlineExceeded
	default:
		return codes.Unavailable
	}
}

// serveRecords answers GET /v1/records, of one namespace if it is given.
func (d *daemon) serveRecords(w http.ResponseWriter, r *http.Request) {
	namespace := r.URL.Query().Get("namespace")
	answer := api.Records{Region: d.config.Region, Records: []api.Record{}}
	region, staleness := d.records.Staleness()
	answer.Behind, answer.Staleness = region, staleness.Round(time.Millisecond).String()
	if staleness < 0 {
		answer.Staleness = "unknown"
	}
	for key, record := range d.records.All() {
		if namespace != "" && !strings.HasPrefix(key, namespace+"/") || d.heldBack(key) != nil {
			continue
		}
		answer.Records = append(answer.Records, api.Record{
			Key: key, Size: len(record.Value), Version: record.Version, Region: record.Region, Conflicts: record.Conflicts,
		})
	}
	writeJSON(w, http.StatusOK, answer)
}

// serveConflicts answers GET /v1/conflicts with the writes that lost against concurrent ones.
func (d *daemon) serveConflicts(w http.ResponseWriter, r *http.Request) {
	conflicts, err := d.records.Conflicts(r.Context())
	if err != nil {
		writeError(w, status.Error(codes.Unavailable, err.Error()))
		return
	}
	answer := api.Conflicts{Conflicts: []api.Conflict{}}
	for _, c := range conflicts {
		if d.heldBack(c.Key) != nil {
			continue // what lost is a record as well
		}
		for _, lost := range c.Lost {
			answer.Conflicts = append(answer.Conflicts, api.Conflict{
				Key: c.Key, Region: replica.RegionOf(lost.Dot.Region), Deleted: lost.Deleted, Value: lost.Value,
				Winner: replica.RegionOf(c.Winner.Region),
			})
		}
	}
	writeJSON(w, http.StatusOK, answer)
}

// serveDismiss answers DELETE /v1/conflicts/{key...}: somebody has looked at them.
func (d *daemon) serveDismiss(w http.ResponseWriter, r *http.Request) {
	if err := d.heldBack(recordKey(r)); err != nil {
		writeError(w, err)
		return
	}
	if err := d.records.Dismiss(r.Context(), recordKey(r)); err != nil {
		writeError(w, status.Error(codes.Unavailable, err.Error()))
		return
	}
	writeJSON(w, http.StatusOK, api.Written{Key: recordKey(r)})
}

// serveRegions answers GET /v1/regions with how this one stands towards the others.
func (d *daemon) serveRegions(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, d.regionsNow())
}

func (d *daemon) regionsNow() api.Regions {
	answer := api.Regions{Region: d.config.Region, Regions: []api.Region{}}
	var s replication.Status
	if d.agent != nil {
		s = d.agent.Status()
		answer.Replicating, answer.Leader = true, s.Leader
	}
	for _, region := range d.records.Regions().List() {
		row := api.Region{Name: region.Name, Replication: region.Replication, Control: region.Control, Retired: region.Retired}
		for _, p := range s.Peers {
			if p.To == region.Name {
				row.Connected, row.LagMillis, row.Pending, row.Equal = p.Connected, p.Lag.Milliseconds(), p.Pending, p.DigestEqual
				if p.LastError != nil {
					row.Problem = p.LastError.Error()
				}
			}
		}
		for _, o := range s.Origins {
			if o.From == region.Name {
				row.HeardMillis = o.HeartbeatAge.Milliseconds()
			}
		}
		answer.Regions = append(answer.Regions, row)
	}
	return answer
}

// servePutRegion answers PUT /v1/regions/{name}.
func (d *daemon) servePutRegion(w http.ResponseWriter, r *http.Request) {
	var region replication.Region
	if err := decodeBody(w, r, &region); err != nil {
		writeError(w, err)
		return
	}
	region.Name = r.PathValue("name")
	if region.Name == d.config.Region {
		writeError(w, status.Errorf(codes.InvalidArgument, "%s is this daemon's own region; add the others", region.Name))
		return
	}
	if d.agent == nil {
		writeError(w, status.Error(codes.FailedPrecondition, "this daemon replicates nothing: start it with --replication ADDRESS"))
		return
	}
	if err := d.records.Regions().Add(r.Context(), region); err != nil {
		writeError(w, status.Error(recordCode(err), err.Error()))
		return
	}
	writeJSON(w, http.StatusOK, region)
}

// serveRetireRegion answers DELETE /v1/regions/{name}.
func (d *daemon) serveRetireRegion(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	if err := d.records.Regions().Retire(r.Context(), name); err != nil {
		writeError(w, status.Error(recordCode(err), err.Error()))
		return
	}
	region, _ := d.records.Regions().Get(name)
	writeJSON(w, http.StatusOK, region)
}

func decodeBody(w http.ResponseWriter, r *http.Request, into any) error {
	const limit = 64 << 10
	body := json.NewDecoder(http.MaxBytesReader(w, r.Body, limit))
	body.DisallowUnknownFields()
	if err := body.Decode(into); err != nil {
		return status.Error(codes.InvalidArgument, fmt.Sprintf("the body of the request: %v", err))
	}
	return nil
}
