package etcd

import (
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/roster-go/roster/discovery"
)

// Abandon ends an announcement as a crash of its process would.
func Abandon(a discovery.Announcement) {
	abandoned := a.(*announcement)
	abandoned.stop()
	<-abandoned.stopped
	abandoned.mu.Lock()
	defer abandoned.mu.Unlock()
	abandoned.closed = true
}

// CurrentLease returns the lease of an announcement, 0 if it has none.
func CurrentLease(a discovery.Announcement) clientv3.LeaseID {
	current := a.(*announcement)
	current.mu.Lock()
	defer current.mu.Unlock()
	return current.current
}
