package replication_test

import (
	"errors"
	"testing"

	"github.com/roster-go/roster/etcd/replication"
)

// An address that nobody can connect to is refused before every region has it: the hubs of the kill
// switch are among them.
func TestRegionNeedsAddresses(t *testing.T) {
	t.Parallel()
	regions := newWorld(t, "eu").regions["eu"].store.Regions()
	for _, region := range []replication.Region{
		{Name: "us"},
		{Name: "us", Replication: []string{"us.example.org"}},
		{Name: "us", Replication: []string{":7073"}},
		{Name: "us", Replication: []string{"us.example.org:0"}},
		{Name: "us", Replication: []string{"us.example.org:7073"}, Control: []string{"nonsense"}},
	} {
		if err := regions.Add(t.Context(), region); !errors.As(err, new(*replication.RegionError)) {
			t.Errorf("%+v: %v", region, err)
		}
	}
	good := replication.Region{Name: "us", Replication: []string{"us.example.org:7073"}, Control: []string{"[::1]:7074"}}
	if err := regions.Add(t.Context(), good); err != nil {
		t.Error(err)
	}
}
