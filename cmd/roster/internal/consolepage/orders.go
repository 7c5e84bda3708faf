package consolepage

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/roster-go/roster/kill"
)

// Bounds of the orders that are followed.
const (
	keptOrders    = 50 // that are over
	runningOrders = 16
	orderWait     = 10 * time.Minute // for acknowledgements; the order is spread on after that
)

// errBusy refuses an order while too many are under way.
var errBusy = errors.New("16 orders that were given here are still waiting for acknowledgements; give this one with roster kill, or wait for one of them")

// errOtherOrder refuses a second order under the id of the first, as a form has it that is gone back to.
var errOtherOrder = errors.New("this form has given another order already; begin again with a new one")

// orders are the kills and revivals that were given here. They are safe for concurrent use.
type orders struct {
	source  Source
	ctx     context.Context //nolint:containedctx // ended by close; an order outlives the request that gives it
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu      sync.Mutex // guards the fields below, and the orders
	list    []*order   // the latest last
	changed chan struct{}
}

// An order is a request and how far it is.
type order struct {
	ID      string
	Request kill.Request
	Begun   time.Time

	regions  map[string]kill.Progress // the latest of each hub, without runtimes
	runtimes map[string]kill.RuntimeReport
	waiting  int
	elapsed  time.Duration
	report   *kill.Report
	err      error

	unrecorded error // why the audit log does not have it
}

// Progress is how far an order is, as a page shows it.
type Progress struct {
	ID       string
	Request  kill.Request
	Begun    time.Time
	Regions  []kill.Progress
	Runtimes []kill.RuntimeReport
	Acked    int // hubs and runtimes that have acknowledged
	Waiting  int
	Elapsed  time.Duration
	Done     bool
	Report   kill.Report // once it is done
	Err      error

	Unrecorded error // why the audit log does not have it, if so
}

func (o *orders) start(source Source) {
	o.source = source
	o.ctx, o.cancel = context.WithCancel(context.Background())
	o.changed = make(chan struct{})
}

func (o *orders) close() {
	o.cancel()
	o.running.Wait()
}

// give begins to carry out a request under an id, which could not be written down if unrecorded says
// why. One that is there already was sent twice.
func (o *orders) give(id string, request kill.Request, unrecorded error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	running := 0
	for _, other := range o.list {
		if other.ID == id {
			again := other.Request
			again.Wait = request.Wait
			if again != request {
				return errOtherOrder
			}
			return nil
		}
		if other.report == nil {
			running++
		}
	}
	if running >= runningOrders {
		return errBusy
	}
	given := &order{
		ID: id, Request: request, Begun: time.Now(),
		regions: make(map[string]kill.Progress), runtimes: make(map[string]kill.RuntimeReport),
		unrecorded: unrecorded,
	}
	given.Request.Wait = orderWait
	o.list = append(o.list, given)
	for over := len(o.list) - keptOrders; over > 0; over-- {
		at := slices.IndexFunc(o.list, func(other *order) bool { return other.report != nil })
		if at < 0 {
			break
		}
		o.list = slices.Delete(o.list, at, at+1)
	}
	o.running.Go(func() {
		report, err := o.source.Kill(o.ctx, given.Request, func(p kill.Progress) { o.note(given, p) })
		o.mu.Lock()
		defer o.mu.Unlock()
		given.report, given.err = &report, err
		o.ring()
	})
	o.ring()
	return nil
}

func (o *orders) note(given *order, p kill.Progress) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := range p.Runtimes {
		r := p.Runtimes[i]
		if given.runtimes[r.ID].State != kill.Acked { // one may be known to several hubs
			given.runtimes[r.ID] = r
		}
	}
	p.Runtimes = nil
	given.regions[p.Region] = p
	given.waiting, given.elapsed = p.Waiting, p.Elapsed
	o.ring()
}

// ring wakes whoever waits for a change. The caller holds o.mu.
func (o *orders) ring() {
	close(o.changed)
	o.changed = make(chan struct{})
}

// next is closed at the next change of an order.
func (o *orders) next() <-chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.changed
}

// get returns the order with the id.
func (o *orders) get(id string) (Progress, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	at := slices.IndexFunc(o.list, func(other *order) bool { return other.ID == id })
	if at < 0 {
		return Progress{}, false
	}
	return o.list[at].progress(), true
}

// recent returns what was given here, the latest first.
func (o *orders) recent() []Progress {
	o.mu.Lock()
	defer o.mu.Unlock()
	var list []Progress
	for _, given := range slices.Backward(o.list) {
		list = append(list, given.progress())
	}
	return list
}

// progress is taken with the lock of the orders.
func (o *order) progress() Progress {
	p := Progress{ID: o.ID, Request: o.Request, Begun: o.Begun, Waiting: o.waiting, Elapsed: o.elapsed, Err: o.err, Unrecorded: o.unrecorded}
	for _, name := range slices.Sorted(maps.Keys(o.regions)) {
		p.Regions = append(p.Regions, o.regions[name])
		if o.regions[name].State == kill.Acked {
			p.Acked++
		}
	}
	for _, id := range slices.Sorted(maps.Keys(o.runtimes)) {
		p.Runtimes = append(p.Runtimes, o.runtimes[id])
		if o.runtimes[id].State == kill.Acked {
			p.Acked++
		}
	}
	if o.report == nil {
		return p
	}
	p.Done, p.Report, p.Waiting = true, *o.report, 0
	if o.report.Order.Epoch == 0 { // nothing was ordered
		return p
	}
	p.Regions, p.Runtimes, p.Acked, p.Elapsed = nil, nil, 0, o.report.Took
	count := func(state kill.State) {
		switch state {
		case kill.Acked:
			p.Acked++
		case kill.Left:
		default:
			p.Waiting++
		}
	}
	for i := range o.report.Regions {
		r := &o.report.Regions[i]
		p.Regions = append(p.Regions, kill.Progress{Region: r.Region, State: r.State, Durable: r.Durable, Err: r.Err, Elapsed: r.Took})
		count(r.State)
		for j := range r.Runtimes {
			p.Runtimes = append(p.Runtimes, r.Runtimes[j])
			count(r.Runtimes[j].State)
		}
	}
	return p
}

// Verb is what the order does.
func (p Progress) Verb() string {
	if p.Request.Revive {
		return "Revive"
	}
	return "Kill"
}

// Outcome is where the order stands, in words, and how bad that is.
func (p Progress) Outcome() (text string) {
	switch {
	case !p.Done:
		return "waiting for acknowledgements"
	case p.Report.Order.Epoch == 0:
		return "nothing was ordered"
	case p.Err != nil:
		return "not acknowledged by all"
	default:
		return "acknowledged by all"
	}
}

// Level is the colour of the outcome.
func (p Progress) Level() string {
	switch {
	case !p.Done:
		return levelWarn
	case p.Err != nil:
		return levelBad
	default:
		return levelOK
	}
}

// Total is how many hubs and runtimes are to acknowledge, as far as is known.
func (p Progress) Total() int { return p.Acked + p.Waiting }
