package daemon

import (
	"strings"
	"testing"
)

// Other regions are told the addresses of this one: a wildcard would lead them to themselves.
func TestListenIsNoWildcard(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"0.0.0.0:7073", "[::]:7073", ":7073"} {
		if err := checkListen("regions.replication", address, true); err == nil || !strings.Contains(err.Error(), "give the one") {
			t.Errorf("%s: %v", address, err)
		}
	}
	for _, address := range []string{"10.1.0.1:7073", "eu.example.com:7073", "[fd00::1]:7073"} {
		if err := checkListen("regions.replication", address, true); err != nil {
			t.Error(err)
		}
	}
}
