package daemon

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/roster-go/roster/cmd/roster/internal/drill"
)

// drillDir is where a region's own etcd has the drill in which its daemons play dead, by its
// id. It is not replicated, and has a lease that outlives the drill by drillGrace.
const (
	drillDir   = "drill/"
	drillGrace = 5 * time.Second
	tellLimit  = 3 * time.Second // for the region's own etcd to take it
)

// A drilling is this daemon's part in drills: it plays dead in those of others, and runs its own.
type drilling struct {
	client  *clientv3.Client // of the region's own etcd
	prefix  string
	running atomic.Pointer[string]  // the id of the drill that this daemon runs
	playing atomic.Pointer[playing] // nil unless it plays dead

	mu   sync.Mutex // guards the changes of playing, and over
	over string     // the id of the latest that has ended, which does not begin again
}

// A playing is a drill in which this daemon plays dead.
type playing struct {
	order    drill.Order
	until    time.Time // with a monotonic reading: no step of the wall clock prolongs it
	timer    *time.Timer
	refusing atomic.Bool // it has stopped to replicate before
}

// left is how much longer.
func (p *playing) left() time.Duration { return max(0, time.Until(p.until)) }

func (p *playing) reason(region string) string {
	return fmt.Sprintf("the region is drilled: %s plays dead for %v more, as %s has asked in drill %s; ask another region, or wait",
		region, p.left().Round(time.Millisecond), p.order.By, p.order.ID)
}

// refusal is why this daemon refuses to serve at the moment, or "".
func (d *daemon) refusal() string {
	p := d.drilling.playing.Load()
	if p == nil || !p.refusing.Load() {
		return ""
	}
	return p.reason(d.config.Region)
}

// playDead stops replication in both directions. Its end is set before anything else happens.
func (d *daemon) playDead(order drill.Order) (*playing, error) {
	if order.For < drill.MinFor || order.For > drill.MaxFor {
		return nil, fmt.Errorf("a region can be drilled for %v to %v, not for %v", drill.MinFor, drill.MaxFor, order.For)
	}
	d.drilling.mu.Lock()
	defer d.drilling.mu.Unlock()
	if now := d.drilling.playing.Load(); now != nil {
		if now.order.ID == order.ID {
			return now, nil
		}
		return nil, fmt.Errorf("it is drilled already, by %s, for %v more", now.order.By, now.left().Round(time.Millisecond))
	}
	if d.drilling.over == order.ID {
		return nil, fmt.Errorf("drill %s is over", order.ID)
	}
	p := &playing{order: order, until: time.Now().Add(order.For)}
	p.timer = time.AfterFunc(order.For, func() { d.comeBack(order.ID, "its time is over") })
	if d.agent != nil {
		d.agent.Pause(p.reason(d.config.Region))
	}
	d.drilling.playing.Store(p)
	d.log.Warn("playing dead", "drill", order.ID, "by", order.By, "for", order.For)
	return p, nil
}

// comeBack ends a drill; that of another id, or none, goes on.
func (d *daemon) comeBack(id, why string) {
	d.drilling.mu.Lock()
	defer d.drilling.mu.Unlock()
	p := d.drilling.playing.Load()
	if p == nil || p.order.ID != id {
		return
	}
	p.timer.Stop()
	d.drilling.over = id
	if d.agent != nil {
		d.agent.Resume()
	}
	d.drilling.playing.Store(nil)
	d.log.Warn("playing dead no more", "drill", id, "why", why)
}

// fail has all daemons of the region play dead: this one at once, the others by the region's own
// etcd. Between the end of replication and the first refusal it acknowledges the writes that are
// to be stranded.
func (d *daemon) fail(ctx context.Context, order drill.Order) (drill.Failed, error) {
	failed := drill.Failed{Stranded: []string{}}
	p, err := d.playDead(order)
	if err != nil {
		return failed, err
	}
	for _, key := range order.Strand {
		if !strings.HasPrefix(key, drill.Namespace+"/") {
			continue
		}
		if _, err := d.records.Put(ctx, key, []byte(key)); err == nil {
			failed.Stranded = append(failed.Stranded, key)
		}
	}
	p.refusing.Store(true)
	// Whoever asked may be gone by now, which is no reason to do half of it.
	telling, cancel := context.WithTimeout(context.WithoutCancel(ctx), tellLimit)
	defer cancel()
	if err := d.tellRegion(telling, order); err != nil {
		d.comeBack(order.ID, "the other daemons of the region could not be told")
		return failed, fmt.Errorf("tell the other daemons of the region: %w", err)
	}
	return failed, nil
}

func (d *daemon) tellRegion(ctx context.Context, order drill.Order) error {
	order.Strand = nil
	text, err := json.Marshal(order)
	if err != nil {
		return fmt.Errorf("the order: %w", err)
	}
	lease, err := d.drilling.client.Grant(ctx, int64((order.For+drillGrace)/time.Second)+1)
	if err != nil {
		return fmt.Errorf("take a lease: %w", err)
	}
	if _, err := d.drilling.client.Put(ctx, d.drilling.prefix+order.ID, string(text), clientv3.WithLease(lease.ID)); err != nil {
		return fmt.Errorf("write the order: %w", err)
	}
	return nil
}

// endDrill has all daemons of the region come back.
func (d *daemon) endDrill(ctx context.Context, id string) error {
	d.comeBack(id, "the drill was ended")
	if _, err := d.drilling.client.Delete(ctx, d.drilling.prefix+id); err != nil {
		return fmt.Errorf("tell the other daemons of the region: %w", err)
	}
	return nil
}

// followDrills plays dead when another daemon of the region was told to. What began before this
// daemon did is left alone: a region that restarts its daemons is about to be back.
func (d *daemon) followDrills(stops *cleanup) {
	following, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		for following.Err() == nil {
			for changes := range d.drilling.client.Watch(following, d.drilling.prefix, clientv3.WithPrefix()) {
				for _, e := range changes.Events {
					d.drillChanged(e)
				}
			}
			select {
			case <-time.After(time.Second): // the watch was compacted away
			case <-following.Done():
			}
		}
	})
	stops.add(func(context.Context) error {
		stop()
		wg.Wait()
		if p := d.drilling.playing.Load(); p != nil {
			d.comeBack(p.order.ID, "the daemon stops")
		}
		return nil
	})
}

func (d *daemon) drillChanged(e *clientv3.Event) {
	id := strings.TrimPrefix(string(e.GetKv().GetKey()), d.drilling.prefix)
	if e.GetType() == clientv3.EventTypeDelete {
		d.comeBack(id, "the drill was ended")
		return
	}
	var order drill.Order
	if err := json.Unmarshal(e.GetKv().GetValue(), &order); err != nil || order.ID != id {
		d.log.Warn("what etcd has about a drill is none", "key", string(e.GetKv().GetKey()), "error", err)
		return
	}
	p, err := d.playDead(order)
	if err != nil {
		d.log.Warn("not playing dead", "drill", id, "error", err)
		return
	}
	p.refusing.Store(true)
}

// drillPrefix is where drills are in an etcd whose keys begin with a prefix.
func drillPrefix(prefix string) string {
	if prefix != "" && !strings.HasSuffix(prefix, "/") {
		prefix += "/"
	}
	return prefix + drillDir
}
