package replication_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/roster-go/roster/etcd/replication"
	"github.com/roster-go/roster/replica"
)

// A batch that takes several transactions and breaks off between them does not make the region
// claim to know what was in the later ones.
func TestKnownFollowsData(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "eu")
	w.ca = newAuthority(t)
	eu := w.regions["eu"]
	// The last record cannot be merged, for it is of as many regions as there can be.
	full := replica.Entry{Key: "app/k129", Context: replica.Context{"r0": 1}}.Put("r0", []byte("x"))
	for n := range replica.MaxRegions {
		full.Context[fmt.Sprintf("r%d", n)] = 9
	}
	must(eu.client.Put(t.Context(), "replica/records/app/k129", string(must(full.Encode())(t))))(t)
	eu.startAgent()
	eventually(t, "the agent leads", func() bool { return eu.agent.Status().Leader && eu.get("app/k129") == "x" })
	items := make([]string, 130)
	for n := range items {
		items[n] = fmt.Sprintf(`{"k":"app/k%d","e":{"key":"app/k%d","writes":[{"dot":{"region":"ap","count":%d},"time":1,"value":"eA=="}],"context":{"ap":%d}}}`, n, n, n+1, n+1)
	}
	c := call(t, w.ca.config(t, "ap"), eu.port, "records")
	must(c.open(helloOf("ap")))(t)
	go c.send(`{"items":[` + strings.Join(items, ",") + `],"to":50}`)
	if answer := must(c.next())(t); code(answer) != replication.RefusedData {
		t.Fatalf("the answer is %s", answer)
	}
	got := must(eu.client.Get(t.Context(), "replica/cursors/ap/records"))(t)
	if len(got.Kvs) == 0 {
		t.Fatal("no transaction was committed before the one that failed")
	}
	var cursor struct{ Known replica.Context }
	must(0, json.Unmarshal(got.Kvs[0].GetValue(), &cursor))(t)
	for n := range cursor.Known["ap"] {
		key := fmt.Sprintf("replica/records/app/k%d", n)
		if record := must(eu.client.Get(t.Context(), key))(t); len(record.Kvs) == 0 {
			t.Fatalf("the region says that it knows %d writes of ap, and does not have %s", cursor.Known["ap"], key)
		}
	}
}
