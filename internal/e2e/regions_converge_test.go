package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// A recordAnswer is what a daemon says to a request for a record.
type recordAnswer struct {
	status  int
	value   string
	version string
}

// record sends a request for a record. Version is "" or what the record has to be at.
func (d *daemon) record(ctx context.Context, method, key, value, version string) (recordAnswer, error) {
	req, err := http.NewRequestWithContext(ctx, method, d.url+"/v1/records/"+key, strings.NewReader(value))
	if err != nil {
		return recordAnswer{}, err
	}
	if version != "" {
		req.Header.Set("If-Match", version)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return recordAnswer{}, err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	return recordAnswer{res.StatusCode, string(body), res.Header.Get("Roster-Version")}, err
}

// An op is a write that a client made, knowing what was there.
type op struct {
	id       string // of the value; unique. A deletion has one as well
	region   string
	deletion bool
	parent   string // the value that was there, "" if there was none
	began    time.Time
	ended    time.Time
	acked    bool
}

// A history is what clients did to one key.
type history struct {
	mu  sync.Mutex // guards ops
	ops []op
}

func (h *history) add(o op) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ops = append(h.ops, o)
}

// check compares the history of a key with what all regions have in the end, and with the
// writes that are recorded to have lost.
func (h *history) check(t *testing.T, key, final string, present bool, lost map[string]bool, lostDeletions int) {
	t.Helper()
	children := make(map[string]bool)
	for _, o := range h.ops {
		children[o.parent] = true // also of one whose answer was lost: it may have been made
	}
	if present {
		known := slices.ContainsFunc(h.ops, func(o op) bool { return o.id == final && !o.deletion })
		if !known {
			t.Errorf("%s is %q in the end, which nobody wrote", key, final)
		}
		confirmed := func(o op) bool { return o.parent == final && o.acked }
		if i := slices.IndexFunc(h.ops, confirmed); i >= 0 {
			t.Errorf("%s is %q in the end, although %+v had superseded it", key, final, h.ops[i])
		}
	}
	for _, o := range h.ops {
		switch {
		case !o.acked, children[o.id], o.id == final && present:
		case !o.deletion && !lost[o.id]:
			t.Errorf("%s: the acknowledged write %+v is neither there nor superseded nor recorded as lost; there is %q (%v)", key, o, final, present)
		case o.deletion && present:
			// Somebody wrote after it, or at the same time in another region.
			later := func(p op) bool { return !p.deletion && p.parent == "" && p.ended.After(o.began) }
			if !slices.ContainsFunc(h.ops, later) && lostDeletions == 0 {
				t.Errorf("%s: the acknowledged deletion %+v has no effect: there is %q", key, o, final)
			}
		}
	}
}

// Three regions write, delete and kill at the same time while the links between them are cut in
// turn and all at once. In the end all have the same, no acknowledged write is lost unless it is
// recorded, nothing deleted is back, and nothing that was killed is given out after the kill was
// acknowledged. The first seed can be set with ROSTER_SEED.
func TestRegionsConverge(t *testing.T) {
	t.Parallel()
	set := startRegions(t, nil, "eu", "us", "ap")
	first := uint64(time.Now().UnixNano())
	if text := os.Getenv("ROSTER_SEED"); text != "" {
		var err error
		if first, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	seeds := uint64(20)
	if os.Getenv("ROSTER_SOAK") != "" {
		seeds = 300
	}
	t.Logf("ROSTER_SEED=%d, and the %d after it", first, seeds-1)
	eventually(t, time.Minute, "the regions know each other", func() bool {
		for _, r := range set.regions {
			if _, body := r.get(t, "/v1/regions"); strings.Count(body, `"connected":true`) != 2 {
				return false
			}
		}
		return true
	})
	acknowledged, lost := 0, 0
	for seed := first; seed < first+seeds && !t.Failed(); seed++ {
		a, l := set.trial(t, seed)
		acknowledged, lost = acknowledged+a, lost+l
	}
	t.Logf("%d acknowledged writes, of which %d lost against concurrent ones and are recorded", acknowledged, lost)
	if lost == 0 {
		t.Error("no write met a concurrent one, so the test has shown little")
	}
}

// trial returns how many writes were acknowledged and how many of them lost.
func (s *regionSet) trial(t *testing.T, seed uint64) (acknowledged, losers int) {
	t.Helper()
	const keys, writes = 3, 6
	space := fmt.Sprintf("t%d", seed%1_000_000_000)
	doomed := space + "x" // a namespace that is killed
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	histories := make([]history, keys)
	var wg sync.WaitGroup

	if answer, err := s.regions["eu"].record(ctx, http.MethodPut, doomed+"/k", "doomed", ""); err != nil || answer.status != http.StatusOK {
		t.Fatalf("seed %d: %+v, %v", seed, answer, err)
	}
	for i, name := range s.names() {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(seed, uint64(i)))
			for n := range writes {
				k := random.IntN(keys)
				s.write(ctx, &histories[k], name, fmt.Sprintf("%s/k%d", space, k), fmt.Sprintf("%s-%d", name, n), random)
				wait := time.Duration(random.IntN(60)) * time.Millisecond
				select {
				case <-time.After(wait): // how the writes interleave is drawn
				case <-ctx.Done():
				}
			}
		})
	}
	wg.Go(func() {
		random := rand.New(rand.NewPCG(seed, 100))
		for range 1 + random.IntN(3) {
			s.disturb(ctx, random)
		}
	})
	wg.Go(func() { s.killAndLook(ctx, t, seed, doomed) })
	wg.Wait()
	mend(s.replication)
	mend(s.control)

	final := s.agreed(t, seed, space)
	lost, lostDeletions := s.lost(t, space)
	for k := range histories {
		key := fmt.Sprintf("%s/k%d", space, k)
		value, present := final[key]
		histories[k].check(t, key, value, present, lost[key], lostDeletions[key])
		for _, o := range histories[k].ops {
			if o.acked {
				acknowledged++
			}
			if lost[key][o.id] {
				losers++
			}
		}
	}
	if t.Failed() {
		t.Logf("seed %d: in the end %v, lost %v", seed, final, lost)
	}
	return acknowledged, losers
}

// write reads a record and changes what it read.
func (s *regionSet) write(ctx context.Context, h *history, region, key, id string, random *rand.Rand) {
	r := s.regions[region]
	was, err := r.record(ctx, http.MethodGet, key, "", "")
	if err != nil {
		return
	}
	o := op{id: id, region: region, began: time.Now()}
	version := "0"
	if was.status == http.StatusOK {
		o.parent, version = was.value, was.version
	}
	method := http.MethodPut
	if o.deletion = o.parent != "" && random.IntN(4) == 0; o.deletion {
		method = http.MethodDelete
	}
	answer, err := r.record(ctx, method, key, id, version)
	if err == nil && answer.status == http.StatusConflict {
		return // somebody was faster, so nothing was written
	}
	o.ended, o.acked = time.Now(), err == nil && answer.status == http.StatusOK
	h.add(o)
}

// disturb cuts links for records, of one pair or of all, for a while.
func (s *regionSet) disturb(ctx context.Context, random *rand.Rand) {
	names := s.names()
	switch random.IntN(4) {
	case 0:
		for name := range s.regions {
			cut(s.replication, name)
		}
	case 1: // in one direction
		i := random.IntN(len(names))
		s.replication[pair{names[i], names[(i+1)%len(names)]}].Cut()
	default:
		i := random.IntN(len(names))
		a, b := names[i], names[(i+1)%len(names)]
		s.replication[pair{a, b}].Cut()
		s.replication[pair{b, a}].Cut()
	}
	wait := time.Duration(50+random.IntN(300)) * time.Millisecond
	select {
	case <-time.After(wait): // how long is drawn as well
	case <-ctx.Done():
	}
	mend(s.replication)
}

// killAndLook kills a namespace while readers in all regions look at a record of it and writers
// write it: whoever looks after the acknowledgement gets nothing.
func (s *regionSet) killAndLook(ctx context.Context, t *testing.T, seed uint64, namespace string) {
	t.Helper()
	looking, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	var mu sync.Mutex // guards served
	served := make(map[string]time.Time)
	for name, r := range s.regions {
		wg.Go(func() {
			for looking.Err() == nil {
				began := time.Now()
				if answer, err := r.record(looking, http.MethodGet, namespace+"/k", "", ""); err == nil && answer.status == http.StatusOK {
					mu.Lock()
					served[name] = began
					mu.Unlock()
				}
				_, _ = r.record(looking, http.MethodPut, namespace+"/k", "late", "")
			}
		})
	}
	body := fmt.Sprintf(`{"target": "namespace/%s", "reason": "test", "force": true}`, namespace)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.regions["us"].url+"/v1/kills", strings.NewReader(body))
	if err == nil {
		var res *http.Response
		if res, err = http.DefaultClient.Do(req); err == nil {
			var text []byte
			text, err = io.ReadAll(res.Body)
			_ = res.Body.Close()
			if err == nil && !bytes.Contains(text, []byte(`"complete":true`)) {
				t.Errorf("seed %d: the kill was not acknowledged by all: %s", seed, text)
			}
		}
	}
	acknowledged := time.Now()
	if err != nil {
		t.Errorf("seed %d: kill: %v", seed, err)
	}
	select {
	case <-time.After(100 * time.Millisecond): // they go on looking for a while
	case <-ctx.Done():
	}
	stop()
	wg.Wait()
	for name, at := range served {
		if at.After(acknowledged) {
			t.Errorf("seed %d: %s gave out what is killed %v after the acknowledgement", seed, name, at.Sub(acknowledged))
		}
	}
}

// agreed waits until all regions have the same records of a namespace, and returns them.
func (s *regionSet) agreed(t *testing.T, seed uint64, namespace string) map[string]string {
	t.Helper()
	var all []map[string]string
	limit := time.Now().Add(30 * time.Second)
	for {
		all = all[:0]
		for _, name := range s.names() {
			all = append(all, s.regions[name].values(t, namespace))
		}
		same := fmt.Sprint(all[0]) == fmt.Sprint(all[1]) && fmt.Sprint(all[1]) == fmt.Sprint(all[2])
		caughtUp := true
		for _, name := range s.names() {
			_, body := s.regions[name].get(t, "/v1/regions")
			caughtUp = caughtUp && strings.Count(body, `"connected":true`) == 2 && strings.Count(body, `"pending":0`) == 3
		}
		if same && caughtUp {
			return all[0]
		}
		if time.Now().After(limit) {
			t.Fatalf("seed %d: the regions %v differ: %v", seed, s.names(), all)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// values are the records of a namespace with their values.
func (r *region) values(t *testing.T, namespace string) map[string]string {
	t.Helper()
	_, body := r.get(t, "/v1/records?namespace="+namespace)
	var list struct{ Records []struct{ Key string } }
	if err := json.Unmarshal([]byte(body), &list); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	values := make(map[string]string)
	for _, record := range list.Records {
		if answer, err := r.record(t.Context(), http.MethodGet, record.Key, "", ""); err == nil && answer.status == http.StatusOK {
			values[record.Key] = answer.value
		}
	}
	return values
}

// lost are the writes that any region recorded to have lost, by key.
func (s *regionSet) lost(t *testing.T, namespace string) (values map[string]map[string]bool, deletions map[string]int) {
	t.Helper()
	values, deletions = make(map[string]map[string]bool), make(map[string]int)
	for _, r := range s.regions {
		_, body := r.get(t, "/v1/conflicts")
		var list struct {
			Conflicts []struct {
				Key     string
				Deleted bool
				Value   []byte
			}
		}
		if err := json.Unmarshal([]byte(body), &list); err != nil {
			t.Fatalf("%v: %s", err, body)
		}
		for _, c := range list.Conflicts {
			if !strings.HasPrefix(c.Key, namespace+"/") {
				continue
			}
			if c.Deleted {
				deletions[c.Key]++
				continue
			}
			if values[c.Key] == nil {
				values[c.Key] = make(map[string]bool)
			}
			values[c.Key][string(c.Value)] = true
		}
	}
	return values, deletions
}
