package daemon

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/roster-go/roster/etcd/replication"
	"github.com/roster-go/roster/kill"
	"github.com/roster-go/roster/replica"
)

// TestConflictsOfAKilledNamespace: what lost against a concurrent write is not given out either once the
// namespace is killed, and not thrown away.
func TestConflictsOfAKilledNamespace(t *testing.T) {
	t.Parallel()
	ctx, d, client := regionDaemon(t)
	sw := d.control.sw
	text, err := json.Marshal(replication.Conflict{Key: "orders/one", Lost: []replica.Write{{Value: []byte("secret")}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Put(ctx, "conflicts/orders/one", string(text)); err != nil {
		t.Fatal(err)
	}
	ask := func() (shown bool, dismissed int) {
		w := httptest.NewRecorder()
		d.serveConflicts(w, httptest.NewRequestWithContext(ctx, http.MethodGet, "/v1/conflicts", http.NoBody))
		shown = strings.Contains(w.Body.String(), "orders/one")
		r := httptest.NewRequestWithContext(ctx, http.MethodDelete, "/v1/conflicts/orders/one", http.NoBody)
		r.SetPathValue("key", "orders/one")
		w = httptest.NewRecorder()
		d.serveDismiss(w, r)
		return shown, w.Code
	}
	target := kill.Namespace("orders")
	if _, err := sw.Apply("test", kill.Order{Target: target, Epoch: 1, Reason: "leaks"}); err != nil {
		t.Fatal(err)
	}
	if shown, code := ask(); shown || code == http.StatusOK {
		t.Errorf("killed: shown %v, dismissing is answered with %d", shown, code)
	}
	if _, err := sw.Apply("test", kill.Order{Target: target, Epoch: 2, Revived: true, Reason: "mended"}); err != nil {
		t.Fatal(err)
	}
	if shown, code := ask(); !shown || code != http.StatusOK {
		t.Errorf("revived: shown %v, dismissing is answered with %d", shown, code)
	}
}
