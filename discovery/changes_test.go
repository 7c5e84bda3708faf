package discovery_test

import (
	"context"
	"iter"
	"math/rand/v2"
	"strconv"
	"testing"
	"testing/synctest"

	"github.com/roster-go/roster/discovery"
	"github.com/roster-go/roster/internal/assert"
)

func kinds(batch discovery.Batch) []string {
	var list []string
	for _, event := range batch.Events {
		list = append(list, event.Kind.String()+" "+event.Instance.Key().String())
	}
	return list
}

func TestChangesBeginWithEverything(t *testing.T) {
	view := newView()
	view.Sync(3, []discovery.Instance{at("sms", "a", "x:1"), at("mail", "b", "x:1"), at("mail", "a", "x:1")})
	for batch := range view.Changes(t.Context()) {
		assert.Equal(t, batch.Revision, int64(3))
		assert.Equal(t, kinds(batch), []string{"added mail/a", "added mail/b", "added sms/a"})
		return
	}
	t.Fatal("no batch")
}

func TestChangesMergeForASlowReader(t *testing.T) {
	view := newView()
	view.Sync(1, []discovery.Instance{at("mail", "a", "x:1"), at("mail", "b", "x:1"), at("mail", "same", "x:1")})
	next, stop := iter.Pull(view.Changes(t.Context()))
	defer stop()
	next()

	view.Apply(2, []discovery.Change{put(at("mail", "c", "x:1"))})
	view.Apply(3, []discovery.Change{put(at("mail", "c", "x:2")), gone("mail", "a")})
	view.Apply(4, []discovery.Change{put(at("mail", "brief", "x:1"))})
	view.Apply(5, []discovery.Change{gone("mail", "brief"), put(at("mail", "b", "x:5"))})
	view.Stale(context.Canceled)
	view.Sync(9, []discovery.Instance{
		at("aa", "new", "x:1"), at("mail", "b", "x:5"), at("mail", "c", "x:2"), at("mail", "same", "x:1"),
	})
	batch, _ := next()
	assert.Equal(t, batch.Revision, int64(9))
	assert.Equal(t, kinds(batch), []string{"removed mail/a", "updated mail/b", "added aa/new", "added mail/c"})
	assert.Equal(t, batch.Events[1].Previous, at("mail", "b", "x:1"))
}

func TestChangesAreSilentAboutAnEqualResync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		view := newView()
		all := []discovery.Instance{at("mail", "a", "x:1")}
		view.Sync(1, all)
		ctx, cancel := context.WithCancel(t.Context())
		var batches []discovery.Batch
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for batch := range view.Changes(ctx) {
				batches = append(batches, batch)
			}
		}()
		synctest.Wait()
		view.Sync(2, all)
		view.Apply(3, []discovery.Change{put(all[0])})
		// What came and went before the reader looked is no difference either.
		view.Apply(4, []discovery.Change{put(at("mail", "b", "x:1"))})
		view.Apply(5, []discovery.Change{gone("mail", "b")})
		synctest.Wait()
		cancel()
		<-ended
		for _, batch := range batches[1:] {
			if len(batch.Events) == 0 {
				t.Errorf("an empty batch: %+v", batch)
			}
			for _, event := range batch.Events {
				assert.Equal(t, event.Instance.ID, "b")
			}
		}
		assert.True(t, len(batches) >= 1, "the first batch")
	})
}

func TestChangesWaitForReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		view := newView()
		ctx, cancel := context.WithCancel(t.Context())
		first := make(chan discovery.Batch, 1)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for batch := range view.Changes(ctx) {
				first <- batch
			}
		}()
		synctest.Wait()
		assert.Equal(t, len(first), 0)
		view.Sync(1, nil)
		synctest.Wait()
		assert.Equal(t, len(first), 1) // even though nothing is there
		cancel()
		<-ended

		never, stop := context.WithCancel(t.Context())
		stop()
		for range newView().Changes(never) {
			t.Error("a batch from a view that is not ready")
		}
	})
}

// Whoever applies every batch has the view's content, however the batches were merged.
func TestChangesAddUpToTheView(t *testing.T) {
	const seed1, seed2 = 3, 4
	random := rand.New(rand.NewPCG(seed1, seed2))
	view := newView()
	view.Sync(1, nil)
	model := make(map[discovery.Key]discovery.Instance)
	next, stop := iter.Pull(view.Changes(t.Context()))
	defer stop()
	next()
	for revision := range int64(1000) {
		instance := at("s"+strconv.Itoa(random.IntN(3)), "i"+strconv.Itoa(random.IntN(6)), "x:"+strconv.Itoa(random.IntN(9)))
		change := discovery.Change{Removed: random.IntN(3) == 0, Instance: instance}
		view.Apply(2*revision+2, []discovery.Change{change})
		if random.IntN(5) == 0 {
			// A change that is certain, so that next does not wait for one.
			view.Apply(2*revision+3, []discovery.Change{put(at("clock", "a", "x:"+strconv.FormatInt(revision, 10)))})
			batch, _ := next()
			follow(t, model, batch)
			assert.Equal(t, model, content(view))
		}
	}
}
