package pick

import (
	"time"

	"github.com/roster-go/roster/discovery"
)

// An EndpointStatus is how an instance stands, as this caller sees it.
type EndpointStatus struct {
	Instance     discovery.Instance
	InFlight     int           // calls that were picked and are not done
	Latency      time.Duration // the average as of now; 0 without LeastLoaded, and before the first call has ended
	EjectedUntil time.Time     // zero unless ejected
	Ejections    int           // in a row, up to 10
	Failures     int           // in a row, since the last ejection
}

// Status returns how the instances stand that the caller talks to, in the order of the
// list, with those that drain. The slice is the caller's. The numbers are read one after
// the other while calls go on.
func (p *Pool) Status() []EndpointStatus {
	now := elapsed()
	members := p.set.Load().layout.members
	status := make([]EndpointStatus, len(members))
	for i, m := range members {
		e := m.endpoint
		status[i] = EndpointStatus{
			Instance:  *m.instance,
			InFlight:  int(e.inFlight.Load()),
			Latency:   time.Duration(e.average.at(now, p.rate)),
			Ejections: int(e.ejections.Load()),
			Failures:  int(e.failures.Load()),
		}
		if until := e.until.Load(); until > now {
			status[i].EjectedUntil = timeOf(until, now)
		}
	}
	return status
}
