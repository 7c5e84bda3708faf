package replication

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/roster-go/roster/replica"
)

// A Region is one row of the table of regions. The table is made of replicated records itself,
// so a change anywhere reaches every region.
type Region struct {
	Name        string   `json:"name"`
	Replication []string `json:"replication,omitempty"` // host:port of the agents
	Control     []string `json:"control,omitempty"`     // of the kill switch's hubs; this package only carries them
	Retired     bool     `json:"retired,omitempty"`     // nothing is replicated to it or taken from it any more
}

// Regions is the table of regions. It is safe for concurrent use.
type Regions struct{ store *Store }

// Regions returns the table of regions.
func (s *Store) Regions() Regions { return Regions{s} }

// Add makes a region a peer, changes its addresses, or takes it back after it was retired. It is
// enough to do so on one side: the agents introduce themselves, authenticated by their
// certificates, and the table is replicated.
func (r Regions) Add(ctx context.Context, region Region) error {
	if err := replica.ValidateRegion(region.Name); err != nil {
		return err
	}
	if len(region.Replication) == 0 {
		return &RegionError{Region: region.Name, Fault: "say at which host:port its agents listen"}
	}
	for _, address := range slices.Concat(region.Replication, region.Control) {
		host, port, err := net.SplitHostPort(address)
		if n, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil || host == "" || n == 0 {
			return &RegionError{Region: region.Name, Fault: fmt.Sprintf("%q is no address; give host:port", address)}
		}
	}
	region.Retired = false
	return r.put(ctx, region)
}

// Retire ends replication with a region, in both directions and everywhere, removes the copies
// of its instances, and lets deleted records be collected that only it has not seen. The records
// that it wrote stay. A retired region that is added again has to be synced before it may push.
func (r Regions) Retire(ctx context.Context, name string) error {
	region, ok := r.Get(name)
	switch {
	case !ok:
		return &RegionError{Region: name, Fault: "there is no such region: see the table of regions"}
	case name == r.store.region:
		return &RegionError{Region: name, Fault: "a region cannot retire itself: do it in another one"}
	}
	region.Retired = true
	return r.put(ctx, region)
}

// List returns the regions, this one among them, sorted by name, retired ones as well.
func (r Regions) List() []Region { return slices.Clone(r.store.regions()) }

// Get returns one region.
func (r Regions) Get(name string) (Region, bool) {
	for _, region := range r.store.regions() {
		if region.Name == name {
			return region, true
		}
	}
	return Region{}, false
}

func (r Regions) put(ctx context.Context, region Region) error {
	_, err := r.store.write(ctx, write{key: replica.Key(regionsNamespace, region.Name), value: []byte(encode(region))}, nil)
	if err != nil {
		return fmt.Errorf("replication: write region %q: %w", region.Name, err)
	}
	return nil
}

// regions returns the table as the local view has it. It is shared: not to be modified.
func (s *Store) regions() []Region {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.table
}

// readTable reads the table of regions from the records.
func (s *state) readTable() {
	var table []Region
	for key, r := range s.records {
		if !strings.HasPrefix(key, regionsNamespace+"/") {
			continue
		}
		var region Region
		record, live := r.record()
		if live && json.Unmarshal(record.Value, &region) == nil && replica.Key(regionsNamespace, region.Name) == key {
			table = append(table, region)
		}
	}
	slices.SortFunc(table, func(a, b Region) int { return strings.Compare(a.Name, b.Name) })
	s.table = table
}

func equalRegions(a, b Region) bool {
	return a.Name == b.Name && a.Retired == b.Retired && slices.Equal(a.Replication, b.Replication) && slices.Equal(a.Control, b.Control)
}

// peers are the regions to replicate with.
func (s *Store) peers() []Region {
	return slices.DeleteFunc(slices.Clone(s.regions()), func(r Region) bool { return r.Retired || r.Name == s.region })
}
