package etcd_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/roster-go/roster/etcd"
	"github.com/roster-go/roster/kill"
)

func order(epoch uint64, reason string) kill.Order {
	return kill.Order{Target: kill.Plugin("a/b", "v1"), Epoch: epoch, Reason: reason, At: time.Unix(1, 0).UTC()}
}

func TestKillsKeepTheOrderThatStands(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	client := s.client()
	kills := etcd.NewKills(client, "team")
	save := func(orders ...kill.Order) {
		t.Helper()
		if err := kills.Save(t.Context(), orders); err != nil {
			t.Fatal(err)
		}
	}
	stands := func(want ...kill.Order) {
		t.Helper()
		got := must(kills.Load(t.Context()))(t)
		if have, need := (kill.Set{}).Merge(got...).Hash(), (kill.Set{}).Merge(want...).Hash(); have != need || len(got) != len(want) {
			t.Errorf("the store has %+v, want %+v", got, want)
		}
	}
	stands()
	other := kill.Order{Target: kill.Capability("text.stats"), Epoch: 7, Reason: "leaks", At: time.Unix(2, 0).UTC()}
	save(order(2, "second"), other)
	save(order(1, "late"))
	stands(order(2, "second"), other)
	save(order(3, "third"), other)
	stands(order(3, "third"), other)

	var writers sync.WaitGroup
	for epoch := range uint64(20) {
		writers.Go(func() {
			if err := kills.Save(t.Context(), []kill.Order{order(epoch+1, "together")}); err != nil {
				t.Error(err)
			}
		})
	}
	writers.Wait()
	stands(order(20, "together"), other)

	must(client.Put(t.Context(), "team/roster/kills/capability/x", `{"target":"nonsense"}`))(t)
	got, err := kills.Load(t.Context())
	if err == nil || !strings.Contains(err.Error(), "team/roster/kills/capability/x") || len(got) != 2 {
		t.Errorf("with a value that is no order: %d orders, %v", len(got), err)
	}
	save(kill.Order{Target: kill.Capability("x"), Epoch: 1, Reason: "replaces nonsense", At: time.Unix(3, 0).UTC()})
	if got := must(kills.Load(t.Context()))(t); len(got) != 3 {
		t.Errorf("%d orders, want 3", len(got))
	}
}
