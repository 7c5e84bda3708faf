package replication_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/roster-go/roster/discovery"
	"github.com/roster-go/roster/etcd/replication"
)

// While a region is paused nothing travels in either direction, its peers are told why, and it
// can still be asked what is not replication. Afterwards everything is there.
func TestPause(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "eu", "us")
	w.ca = newAuthority(t)
	w.tune = func(name string, opts *replication.AgentOptions) {
		opts.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			_, _ = io.WriteString(w, name+" heard "+string(body)+" of "+replication.PeerOf(r))
		})
	}
	w.meet("eu", "us")
	eu, us := w.regions["eu"], w.regions["us"]
	eu.put("app/a", "1")
	eventually(t, "it is there", func() bool { return us.get("app/a") == "1" })

	eu.agent.Pause("a drill")
	eu.put("app/a", "2")
	us.put("app/b", "2")
	refusal := func(r *region, peer string) *replication.Refusal {
		var refusal *replication.Refusal
		if p := r.peer(peer); !p.Connected && errors.As(p.LastError, &refusal) && refusal.Code == replication.RefusedPaused {
			return refusal
		}
		return nil
	}
	eventually(t, "eu says why it is not linked", func() bool { return refusal(eu, "us") != nil })
	eventually(t, "us is refused", func() bool { return refusal(us, "eu") != nil })
	if r := refusal(us, "eu"); r == nil || r.Region != "eu" || r.Text != "a drill" {
		t.Errorf("the refusal: %+v", r)
	}
	announce(t, eu, discovery.Instance{Service: "mail", ID: "a", Address: "127.0.0.1:1", Region: "eu", Zone: "z"})
	eventually(t, "us is behind", func() bool { return eu.peer("us").Lag > 5*heartbeat })
	eventually(t, "the writes are pending", func() bool { return eu.peer("us").Pending > 0 && us.peer("eu").Pending > 0 })
	if eu.get("app/b") != "(none)" || us.get("app/a") != "1" {
		t.Errorf("replicated while paused: eu has\n%sus has\n%s", eu.content(), us.content())
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	response, err := us.agent.Ask(ctx, "eu", http.MethodPost, "/other", []byte("a question"))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err != nil || string(answer) != "eu heard a question of us" {
		t.Errorf("asked while paused: %q, %v", answer, err)
	}
	response, err = us.agent.Ask(ctx, "mars", http.MethodPost, "/other", nil)
	if !errors.As(err, new(*replication.RegionError)) {
		t.Errorf("asked nobody: %v", err)
	}
	if err == nil {
		_ = response.Body.Close()
	}

	eu.agent.Resume()
	eventually(t, "they are not behind any more", func() bool { return eu.peer("us").Lag < 4*heartbeat && us.peer("eu").Lag < 4*heartbeat })
	eventually(t, "what was written is everywhere", func() bool { return us.get("app/a") == "2" && eu.get("app/b") == "2" })
}
