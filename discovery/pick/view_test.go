package pick_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/discovery"
	"github.com/roster-go/roster/discovery/pick"
	"github.com/roster-go/roster/internal/assert"
	"github.com/roster-go/roster/kill"
)

// A balancer notices what a view learns from a store, with nothing in between.
func TestBalancerFollowsADiscoveryView(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	store := discovery.NewMemory(discovery.DefaultTTL)
	view := discovery.NewView(discovery.In(roster.NewDirectory()))
	ended := make(chan error)
	go func() { ended <- view.Run(ctx, store) }()
	<-view.Ready()
	balancer, err := pick.New(view, "mail", pick.Options{})
	assert.NoError(t, err)
	_, err = balancer.Pick("")
	assert.ErrorAs[*pick.NoneError](t, err)

	for _, address := range []string{"10.0.0.1:25", "10.0.0.2:25"} {
		announcement, err := store.Announce(ctx, []discovery.Instance{{Service: "mail", ID: "a", Address: address}})
		assert.NoError(t, err)
		assert.Eventually(t, func() bool {
			picked, err := balancer.Pick("")
			if err != nil {
				return false
			}
			picked.Done(nil)
			return picked.Instance().Address == address
		}, "calls go to "+address)
		assert.NoError(t, announcement.Close(ctx))
	}
	cancel()
	<-ended
}

// A balancer notices at once what is killed, and what is suspended in the view's table.
func TestBalancerHeedsKills(t *testing.T) {
	t.Parallel()
	s, err := kill.Open("")
	assert.NoError(t, err)
	d := roster.NewDirectory()
	view := discovery.NewView(discovery.In(d), discovery.HideKilled(s))
	view.Sync(1, []discovery.Instance{{Service: "mail", ID: "a", Address: "x:1"}, {Service: "mail", ID: "b", Address: "x:2"}})
	balancer, err := pick.New(view, "mail", pick.Options{})
	assert.NoError(t, err)
	picks := func() (found string) {
		for range 20 {
			picked, err := balancer.Pick("")
			if err != nil {
				return ""
			}
			picked.Done(nil)
			if id := picked.Instance().ID; !strings.Contains(found, id) {
				found += id
			}
		}
		return found
	}
	assert.Equal(t, len(picks()), 2)
	order := kill.Order{Target: kill.Instance("mail", "a"), Epoch: 1, Reason: "a test"}
	_, err = s.Apply("test", order)
	assert.NoError(t, err)
	assert.Equal(t, picks(), "b")
	d.Suspend("services", "mail", nil)
	assert.Equal(t, picks(), "")
	d.Resume("services", "mail")
	assert.Equal(t, picks(), "b")
	order.Epoch, order.Revived = 2, true
	_, err = s.Apply("test", order)
	assert.NoError(t, err)
	assert.Equal(t, len(picks()), 2)
}

// A view that was never synchronised does not know that there is no instance.
func TestErrorOfAViewThatKnowsNothingYet(t *testing.T) {
	t.Parallel()
	view := discovery.NewView(discovery.In(roster.NewDirectory()))
	b, err := pick.New(view, "pay", pick.Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.Pick("")
	none := (*pick.NoneError)(nil)
	if !errors.As(err, &none) || none.Err == nil || none.Service != "pay" || strings.Contains(err.Error(), "start one") {
		t.Errorf("before the first state: %v", err)
	}
	if _, other := b.PickOther(""); other == nil || other.Error() != err.Error() {
		t.Errorf("PickOther says %v", other)
	}
	view.Sync(1, nil)
	if _, err = b.Pick(""); !errors.As(err, &none) || none.Err != nil || !strings.Contains(err.Error(), "start one") {
		t.Errorf("after it: %v", err)
	}
}
