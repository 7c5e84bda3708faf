package daemon

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/roster-go/roster/discovery"
	"github.com/roster-go/roster/plugin"
)

// fleet shows the host the other daemons of a discovery view.
type fleet struct {
	view *discovery.View
	self string // our own instance id
}

var _ plugin.FleetLister = fleet{}

func (f fleet) Get(capability string) []plugin.Peer {
	if capability == controlService {
		return nil // it is for orders to kill, and no call goes there
	}
	var peers []plugin.Peer
	for _, i := range f.view.Get(capability) {
		if i.ID != f.self {
			peers = append(peers, peer(i))
		}
	}
	return peers
}

func (f fleet) Hosts() []plugin.Peer {
	byID := make(map[string]plugin.Peer)
	for _, instances := range f.view.All() {
		for _, i := range instances {
			if i.ID != f.self {
				byID[i.ID] = peer(i)
			}
		}
	}
	return slices.SortedFunc(maps.Values(byID), func(a, b plugin.Peer) int { return cmp.Compare(a.ID, b.ID) })
}

func (f fleet) Capabilities() []string {
	var names []string
	for name, instances := range f.view.All() {
		if name != controlService && slices.ContainsFunc(instances, func(i discovery.Instance) bool { return i.ID != f.self }) {
			names = append(names, name)
		}
	}
	return names
}

// peer is an instance as the host knows it. One of another region has that appended to its
// id; hosts are unique in the fleet without it.
func peer(i discovery.Instance) plugin.Peer {
	return plugin.Peer{ID: strings.TrimSuffix(i.ID, "@"+i.Region), Address: i.Address, Region: i.Region, Zone: i.Zone}
}
