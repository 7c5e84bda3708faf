package daemon

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/roster-go/roster/cmd/roster/internal/consolepage"
)

// lagsPath is where a region tells others how far they are behind it, on the replication port.
const lagsPath = "/lags/v1"

// Bounds of asking other regions for what they measure.
const (
	lagsEvery  = time.Second
	lagsWait   = 2 * time.Second        // for one region
	lagsFirst  = 300 * time.Millisecond // that a page waits for the first answers
	lagsOld    = 5 * time.Second        // after which an answer says nothing any more
	maxLagBody = 64 << 10
)

// lagWatch keeps what other regions measured, as long as somebody asks for it.
type lagWatch struct {
	running sync.WaitGroup

	mu     sync.Mutex // guards the fields below
	closed bool
	asking bool
	begun  time.Time            // of the latest round
	first  chan struct{}        // closed after the first round
	told   map[string]lagAnswer // by the region that measures
}

type lagAnswer struct {
	at   time.Time
	lags []consolepage.Lag
}

func (w *lagWatch) close() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.running.Wait()
}

// ownLags are those that this daemon measures: if it replicates for its region, how far the
// others are behind.
func (d *daemon) ownLags() []consolepage.Lag {
	if d.agent == nil {
		return nil
	}
	var lags []consolepage.Lag
	for _, p := range d.agent.Status().Peers {
		l := consolepage.Lag{
			From: d.config.Region, To: p.To, Known: true, Connected: p.Connected, Lag: p.Lag, Pending: p.Pending, Equal: p.DigestEqual,
		}
		if p.LastError != nil && !p.Connected {
			l.Problem = p.LastError.Error()
		}
		lags = append(lags, l)
	}
	return lags
}

// lags are those of all pairs of regions. What nobody has told lately is not known.
func (d *daemon) lags(ctx context.Context) []consolepage.Lag {
	var names []string
	for _, region := range d.records.Regions().List() {
		if !region.Retired {
			names = append(names, region.Name)
		}
	}
	if d.agent == nil || len(names) < 2 {
		return nil
	}
	known := make(map[[2]string]consolepage.Lag)
	for _, l := range d.othersLags(ctx, names) {
		known[[2]string{l.From, l.To}] = l
	}
	for _, o := range d.agent.Status().Origins { // what arrives here tells something too, if they are not reached
		pair := [2]string{o.From, d.config.Region}
		if _, told := known[pair]; !told && o.Staleness >= 0 {
			known[pair] = consolepage.Lag{From: o.From, To: d.config.Region, Known: true, Connected: o.Connected, Lag: o.Staleness}
		}
	}
	for _, l := range d.ownLags() {
		known[[2]string{l.From, l.To}] = l
	}
	var lags []consolepage.Lag
	for _, from := range names {
		for _, to := range names {
			if from == to {
				continue
			}
			l, told := known[[2]string{from, to}]
			if !told {
				l = consolepage.Lag{From: from, To: to}
			}
			lags = append(lags, l)
		}
	}
	return lags
}

// othersLags is what other regions have told lately. It has them asked again, and waits for that a
// moment if they never were.
func (d *daemon) othersLags(ctx context.Context, names []string) []consolepage.Lag {
	w := &d.console.lags
	w.mu.Lock()
	if w.first == nil {
		w.first, w.told = make(chan struct{}), make(map[string]lagAnswer)
	}
	if !w.closed && !w.asking && time.Since(w.begun) >= lagsEvery {
		w.asking, w.begun = true, time.Now()
		w.running.Go(func() { d.askLags(names) })
	}
	first := w.first
	w.mu.Unlock()
	wait := time.NewTimer(lagsFirst)
	defer wait.Stop()
	select {
	case <-first:
	case <-wait.C:
	case <-ctx.Done():
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	var lags []consolepage.Lag
	for _, answer := range w.told {
		if time.Since(answer.at) < lagsOld {
			lags = append(lags, answer.lags...)
		}
	}
	return lags
}

// askLags asks the other regions, all at once.
func (d *daemon) askLags(names []string) {
	w := &d.console.lags
	ctx, cancel := context.WithTimeout(context.Background(), lagsWait)
	defer cancel()
	var asked sync.WaitGroup
	for _, name := range names {
		if name == d.config.Region {
			continue
		}
		asked.Go(func() {
			lags, err := d.askLagsOf(ctx, name)
			if err != nil {
				return // the pair is shown as not known
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			w.told[name] = lagAnswer{time.Now(), lags}
		})
	}
	asked.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asking = false
	select {
	case <-w.first:
	default:
		close(w.first)
	}
}

func (d *daemon) askLagsOf(ctx context.Context, name string) ([]consolepage.Lag, error) {
	answer, err := d.agent.Ask(ctx, name, http.MethodGet, lagsPath, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	var lags []consolepage.Lag
	if err := json.NewDecoder(io.LimitReader(answer.Body, maxLagBody)).Decode(&lags); err != nil || answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("region %s answers %s: %w", name, answer.Status, err)
	}
	for i := range lags {
		lags[i].From = name // it speaks for itself alone
	}
	return lags, nil
}

// serveLags answers another region.
func (d *daemon) serveLags(w http.ResponseWriter, _ *http.Request) {
	lags := d.ownLags()
	if lags == nil {
		lags = []consolepage.Lag{}
	}
	writeJSON(w, http.StatusOK, lags)
}
