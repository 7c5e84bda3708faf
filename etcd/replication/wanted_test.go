package replication_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/roster-go/roster/etcd/replication"
)

// A comparison in which the peer wants what has meanwhile gone does not end all comparisons.
func TestWantedWhatHasGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "eu")
	eu := w.regions["eu"]
	digested := make(chan uint64, 16)
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	port := freeAddress(t, "127.0.0.1")
	peer := &http.Server{Addr: port, Protocols: &protocols, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		say := func(line string) {
			_, _ = io.WriteString(w, line+"\n")
			_ = http.NewResponseController(w).Flush()
		}
		if !strings.HasSuffix(r.URL.Path, "/records") {
			http.NotFound(w, r)
			return
		}
		say(`{"welcome":{"region":"us","cursor":{},"full":true}}`)
		for from := json.NewDecoder(r.Body); ; {
			var m struct {
				To     int64
				Digest *struct{ ID uint64 }
				Done   *struct{ ID uint64 }
			}
			switch err := from.Decode(&m); {
			case err != nil:
				return
			case m.Digest != nil:
				digested <- m.Digest.ID
				say(fmt.Sprintf(`{"differ":{"id":%d,"buckets":[0]}}`, m.Digest.ID))
			case m.Done != nil:
				say(`{"want":["app/gone"]}`)
			case m.To != 0:
				say(fmt.Sprintf(`{"ack":%d}`, m.To))
			}
		}
	})}
	ended := make(chan error, 1)
	go func() { ended <- peer.ListenAndServe() }()
	defer func() {
		_ = peer.Close()
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	}()
	eu.startAgent()
	must(0, eu.store.Regions().Add(t.Context(), replication.Region{Name: "us", Replication: []string{port}}))(t)
	for n := range uint64(3) {
		select {
		case id := <-digested:
			if id != n+1 {
				t.Fatalf("comparison %d is of another connection than the one before", id)
			}
		case <-time.After(20 * digests):
			t.Fatalf("no comparison after %d", n)
		}
	}
	eu.stopAgent()
}
