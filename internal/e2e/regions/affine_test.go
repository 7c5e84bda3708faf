package regions_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/roster-go/roster/etcd"
	"github.com/roster-go/roster/etcd/affine"
	etcdstrong "github.com/roster-go/roster/etcd/strong"
	"github.com/roster-go/roster/internal/e2e/clustertest"
	"github.com/roster-go/roster/replica/move"
	"github.com/roster-go/roster/replica/strong"
)

var names = []string{"eu", "us", "ap"}

// shortTerms make a failover wait little more than three seconds.
var shortTerms = move.Terms{TTL: 2 * time.Second, Grace: time.Second, Drift: 0.05}

// A site is a region: an etcd of its own, and a member of the strong cluster near by. Its
// processes reach the strong cluster through one link.
type site struct {
	name   string
	etcd   *clustertest.Cluster
	global *clustertest.Link // to the strong cluster
	region *affine.Region
}

// A world is three sites and the strong cluster between them.
type world struct {
	t      *testing.T
	seed   *rand.Rand
	quorum *clustertest.Cluster
	sites  map[string]*site
	store  *strong.Store // of the operator
	dir    *affine.Directory
}

func newWorld(t *testing.T, terms move.Terms) *world {
	t.Helper()
	w := &world{t: t, seed: seeded(t), quorum: clustertest.Start(t, 3, clustertest.Fast()), sites: make(map[string]*site)}
	w.store = strong.New(etcdstrong.New(dial(t, w.quorum.DirectEndpoint(w.quorum.Leader())), etcdstrong.Options{}))
	w.dir = affine.NewDirectory(w.store)
	if err := w.dir.Setup(within(t, patience), terms); err != nil {
		t.Fatal(err)
	}
	for k, name := range names {
		if err := w.dir.AddRegion(within(t, patience), name); err != nil {
			t.Fatal(err)
		}
		s := &site{name: name, etcd: clustertest.Start(t, 1, clustertest.Fast()), global: clustertest.NewLink(t, w.quorum.DirectEndpoint(k))}
		s.region = w.process(s)
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- s.region.Warden(ctx) }()
		t.Cleanup(func() {
			cancel()
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Errorf("the warden of %s returned %v", name, err)
			}
		})
		w.sites[name] = s
	}
	return w
}

// process gives a region as one more process in it sees it.
func (w *world) process(s *site) *affine.Region {
	w.t.Helper()
	engine := etcdstrong.New(dial(w.t, s.global.Address()), etcdstrong.Options{Heartbeat: 300 * time.Millisecond, Timeout: 2 * time.Second})
	return must(affine.NewRegion(s.name, dial(w.t, s.etcd.DirectEndpoint(0)), run(w.t, strong.New(engine)), affine.Options{Prefix: "test"}))(w.t)
}

func (w *world) contents(name string) (affine.Contents, error) {
	s, ok := w.sites[name]
	if !ok {
		return nil, fmt.Errorf("there is no region %s", name)
	}
	return s.region.Contents(), nil
}

func (w *world) mover() *affine.Mover { return affine.NewMover(w.dir, w.contents) }

// create makes a namespace that takes writes.
func (w *world) create(namespace, home string) {
	w.t.Helper()
	must(w.dir.Create(within(w.t, patience), namespace, home))(w.t)
	eventually(w.t, patience, "the namespace takes writes", func() bool {
		_, err := w.sites[home].region.Namespace(namespace).Delete(within(w.t, patience), "probe")
		return err == nil
	})
}

// raw reads what is under a prefix in a site's etcd, by key.
func (w *world) raw(name, prefix string) map[string]string {
	w.t.Helper()
	response := must(w.sites[name].etcd.Client(w.t).Get(within(w.t, patience), "test/"+prefix, clientv3.WithPrefix()))(w.t)
	found := make(map[string]string)
	for _, kv := range response.Kvs {
		found[string(kv.GetKey())] = string(kv.GetValue())
	}
	return found
}

// A writer writes ever greater numbers to a key of its own, whoever the home is.
type writer struct {
	name  string
	last  map[string]int // acknowledged, by home
	tried int
	doubt int
}

// An acceptance is a write that was acknowledged.
type acceptance struct {
	affine.Receipt

	called, returned time.Time
}

// writers are several, and what they were told.
type writers struct {
	w         *world
	namespace string
	stop      context.CancelFunc
	running   sync.WaitGroup

	mu    sync.Mutex // guards the fields below
	all   []*writer
	taken []acceptance
	gap   time.Duration // the longest without an acknowledgement
}

// write starts writers in processes of their own in each site.
func (w *world) write(namespace string, perSite int) *writers {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ws := &writers{w: w, namespace: namespace, stop: cancel}
	for _, name := range names {
		for n := range perSite {
			wr := &writer{name: fmt.Sprint(name, "-", n), last: make(map[string]int)}
			region := w.process(w.sites[name])
			ws.all = append(ws.all, wr)
			ws.running.Go(func() {
				for ctx.Err() == nil {
					ws.step(ctx, wr, region)
				}
			})
		}
	}
	w.t.Cleanup(ws.end)
	return ws
}

func (ws *writers) step(ctx context.Context, wr *writer, region *affine.Region) {
	ws.mu.Lock()
	wr.tried++
	n := wr.tried
	ws.mu.Unlock()
	called := time.Now()
	receipt, err := region.Namespace(ws.namespace).Put(ctx, "from-"+wr.name, []byte(strconv.Itoa(n)))
	returned := time.Now()
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if _, doubt := errors.AsType[*affine.InDoubtError](err); doubt {
		wr.doubt++
	}
	if err != nil {
		ws.mu.Unlock()
		time.Sleep(3 * time.Millisecond) // the pace of those that are refused
		ws.mu.Lock()
		return
	}
	wr.last[receipt.Home] = n
	if k := len(ws.taken); k > 0 {
		ws.gap = max(ws.gap, returned.Sub(ws.taken[k-1].returned))
	}
	ws.taken = append(ws.taken, acceptance{receipt, called, returned})
}

func (ws *writers) end() {
	ws.stop()
	ws.running.Wait()
}

func (ws *writers) count(home string) (n int) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for _, a := range ws.taken {
		if a.Home == home {
			n++
		}
	}
	return n
}

// await waits until a home has taken some more writes.
func (ws *writers) await(home string, more int) {
	ws.w.t.Helper()
	before := ws.count(home)
	eventually(ws.w.t, patience, home+" takes writes to "+ws.namespace, func() bool { return ws.count(home) >= before+more })
}

// kept verifies that the home has the last acknowledged write of each writer; former homes that
// lost theirs to a failover do not count.
func (ws *writers) kept(t *testing.T, what string, deposed ...string) {
	t.Helper()
	record := must(ws.w.dir.Get(within(t, patience), ws.namespace))(t)
	home := ws.w.sites[record.Home].region.Namespace(ws.namespace)
	for _, wr := range ws.all {
		last := 0
		for at, n := range wr.last {
			if !slices.Contains(deposed, at) {
				last = max(last, n)
			}
		}
		var value []byte
		eventually(t, patience, "the home is read", func() (ok bool) {
			var err error
			value, _, err = home.Get(within(t, patience), "from-"+wr.name)
			return err == nil
		})
		if n, _ := strconv.Atoi(string(value)); n < last || n > wr.tried {
			t.Errorf("%s: %d of %s was acknowledged, the home has %q", what, last, wr.name, value)
		}
	}
}

// exclusive verifies that no two homes took writes at overlapping times, and none under another's
// epoch.
func (ws *writers) exclusive(t *testing.T, what string) {
	t.Helper()
	first, last := make(map[uint64]time.Time), make(map[uint64]time.Time) // first return, last call
	homes := make(map[uint64]string)
	for _, a := range ws.taken {
		if home, used := homes[a.Epoch]; used && home != a.Home {
			t.Errorf("%s: epoch %d was used by %s and %s", what, a.Epoch, home, a.Home)
		}
		homes[a.Epoch] = a.Home
		if at, ok := first[a.Epoch]; !ok || a.returned.Before(at) {
			first[a.Epoch] = a.returned
		}
		if a.called.After(last[a.Epoch]) {
			last[a.Epoch] = a.called
		}
	}
	for earlier, called := range last {
		for later, returned := range first {
			if later > earlier && called.After(returned) {
				t.Errorf("%s: a write was sent to %s at epoch %d and taken, %v after %s had taken one at epoch %d",
					what, homes[earlier], earlier, called.Sub(returned), homes[later], later)
			}
		}
	}
}

// moveVariable tells the test binary to be a mover that dies.
const moveVariable = "ROSTER_TEST_MOVE"

// A doomed mover moves a namespace and kills its own process when it is told of an event.
type doomed struct {
	Strong    string            `json:"strong"`
	Sites     map[string]string `json:"sites"`
	Namespace string            `json:"namespace"`
	To        string            `json:"to"`
	Death     int               `json:"death"`
}

func runDoomed(text string) error {
	var d doomed
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	client, err := etcd.Dial(ctx, []string{d.Strong}, etcd.DialOptions{})
	if err != nil {
		return err
	}
	defer client.Close()
	directory := affine.NewDirectory(strong.New(etcdstrong.New(client, etcdstrong.Options{})))
	mover := affine.NewMover(directory, func(name string) (affine.Contents, error) {
		client, err := etcd.Dial(ctx, []string{d.Sites[name]}, etcd.DialOptions{})
		if err != nil {
			return nil, err
		}
		region, err := affine.NewRegion(name, client, nil, affine.Options{Prefix: "test"})
		if err != nil {
			return nil, err
		}
		return region.Contents(), nil
	})
	events := 0
	mover.Observe(func(event affine.Event) {
		if events == d.Death {
			fmt.Printf("%s %s\n", event.Step.Action, event.Phase)
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
		events++
	})
	_, err = mover.Move(ctx, d.Namespace, d.To)
	return err
}

// TestMoveKilledAtEachStepResumesOrRollsBack has a process that moves a namespace killed -9 at each
// of its steps, while processes in all regions write, and another process go on, or back.
func TestMoveKilledAtEachStepResumesOrRollsBack(t *testing.T) {
	w := newWorld(t, shortTerms)
	sites := make(map[string]string)
	for name, s := range w.sites {
		sites[name] = s.etcd.DirectEndpoint(0)
	}
	var places []string
	for death := 0; ; death++ {
		namespace := fmt.Sprint("moved-", death)
		w.create(namespace, "eu")
		contents := w.sites["eu"].region.Namespace(namespace)
		for i := range 20 {
			must(contents.Put(within(t, patience), fmt.Sprint("key", i), []byte("value")))(t)
		}
		ws := w.write(namespace, 1)
		ws.await("eu", 5)
		plan := must(json.Marshal(doomed{Strong: w.quorum.DirectEndpoint(0), Sites: sites, Namespace: namespace, To: "us", Death: death}))(t)
		child := exec.CommandContext(t.Context(), os.Args[0])
		child.Env = append(os.Environ(), moveVariable+"="+string(plan))
		said, err := child.CombinedOutput()
		status, exited := errors.AsType[*exec.ExitError](err)
		if err != nil && (!exited || status.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL) {
			t.Fatalf("the mover ended by itself: %v\n%s", err, said)
		}
		place := strings.TrimSpace(string(said))
		back := w.seed.IntN(2) == 0
		ctx := within(t, patience)
		if back {
			_, err = w.mover().Abort(ctx, namespace)
			back = err == nil
		}
		if !back {
			_, err = w.mover().Resume(ctx, namespace)
		}
		if err != nil {
			t.Errorf("after %q: %v", place, err)
		}
		home := must(w.dir.Get(ctx, namespace))(t).Home
		places = append(places, fmt.Sprintf("%s: %s (rolled back: %v)", place, home, back))
		ws.await(home, 5)
		ws.end()
		ws.kept(t, place)
		ws.exclusive(t, place)
		if n := must(w.sites[home].region.Contents().Sum(ctx, namespace))(t).Items; n < 20 {
			t.Errorf("after %q the home has %d items", place, n)
		}
		if place == "" {
			break
		}
	}
	t.Logf("%d deaths:\n%s", len(places)-1, strings.Join(places, "\n"))
	if len(places) < 12 {
		t.Errorf("a move has only %d places to die in", len(places)-1)
	}
}

// TestFailoverFromHomeThatKeepsWriting cuts the home off from the strong store and from nobody
// else, while its processes write all the time, and makes another region the home.
func TestFailoverFromHomeThatKeepsWriting(t *testing.T) {
	for _, fault := range []string{"cut off", "cut off and stopped"} {
		t.Run(fault, func(t *testing.T) {
			w := newWorld(t, shortTerms)
			w.create("orders", "eu")
			ws := w.write("orders", 2)
			ws.await("eu", 20)

			home := w.sites["eu"]
			home.global.Hold()
			if fault == "cut off and stopped" {
				// The store of the home stops with requests under way, and goes on when another is the home.
				time.Sleep(time.Duration(w.seed.IntN(1000)) * time.Millisecond) // when the fault happens
				if err := syscall.Kill(home.etcd.PID(0), syscall.SIGSTOP); err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = syscall.Kill(home.etcd.PID(0), syscall.SIGCONT) })
			}
			began := time.Now()
			report := must(w.mover().Force(within(t, patience), "orders", "us", false))(t)
			t.Logf("failed over in %v, of which %v for leases: %s", time.Since(began), report.Waited, report.Lost)
			ws.await("us", 20)
			if fault == "cut off and stopped" {
				if err := syscall.Kill(home.etcd.PID(0), syscall.SIGCONT); err != nil {
					t.Fatal(err)
				}
			}
			ws.await("us", 50)
			home.global.Mend()
			eventually(t, patience, "the old home has set its contents aside", func() bool {
				return len(w.raw("eu", "affine/")) == 0 && len(w.raw("eu", "affine-orphans/orders/")) > 0
			})
			ws.await("us", 50)
			ws.end()

			ws.exclusive(t, fault)
			ws.kept(t, fault, "eu")
			orphans := w.raw("eu", "affine-orphans/orders/")
			for _, wr := range ws.all {
				for key, value := range orphans {
					if strings.HasSuffix(key, "/from-"+wr.name) {
						if n, _ := strconv.Atoi(value); n < wr.last["eu"] {
							t.Errorf("%d of %s was acknowledged by eu, set aside is %s", wr.last["eu"], wr.name, value)
						}
						delete(orphans, key)
					}
				}
				t.Logf("%s: acknowledged up to %v of %d, %d in doubt", wr.name, wr.last, wr.tried, wr.doubt)
			}
			t.Logf("%d writes were taken; nobody took one for %v", len(ws.taken), ws.gap)
		})
	}
}

// distant contents are those of a region that a daemon reaches by one request for each call.
type distant struct{ near affine.Contents }

func (d distant) Standby() affine.Contents { return distant{d.near.Standby()} }

func (d distant) Raise(ctx context.Context, namespace string, to move.Guard) (move.Guard, error) {
	time.Sleep(roundTrip) // the link
	return d.near.Raise(ctx, namespace, to)
}

func (d distant) Read(ctx context.Context, namespace, after string, limit int) ([]affine.Item, error) {
	time.Sleep(roundTrip) // the link
	return d.near.Read(ctx, namespace, after, limit)
}

func (d distant) Sum(ctx context.Context, namespace string) (affine.Digest, error) {
	time.Sleep(roundTrip) // the link
	return d.near.Sum(ctx, namespace)
}

func (d distant) Apply(ctx context.Context, namespace string, guard move.Guard, puts []affine.Item, deletes []string) error {
	time.Sleep(roundTrip) // the link
	return d.near.Apply(ctx, namespace, guard, puts, deletes)
}

func (d distant) Clear(ctx context.Context, namespace string, guard move.Guard) error {
	time.Sleep(roundTrip) // the link
	return d.near.Clear(ctx, namespace, guard)
}

func (d distant) SetAside(ctx context.Context, namespace string, guard move.Guard) (int, error) {
	time.Sleep(roundTrip) // the link
	return d.near.SetAside(ctx, namespace, guard)
}

// TestPlannedMoveIsShort moves 2,000 keys over a round trip of 100 ms.
func TestPlannedMoveIsShort(t *testing.T) {
	w := newWorld(t, affine.DefaultTerms())
	stretch(w.quorum, 3, roundTrip)
	w.create("orders", "eu")
	for i := range 2000 {
		must(w.sites["eu"].region.Namespace("orders").Put(within(t, patience), fmt.Sprint("key", i), []byte(strings.Repeat("x", 100))))(t)
	}
	// The mover is in the old home; the new one is a round trip away for each call.
	mover := affine.NewMover(w.dir, func(name string) (affine.Contents, error) {
		near, err := w.contents(name)
		if name == "us" {
			return distant{near}, err
		}
		return near, err
	})
	var steps []string
	began := time.Now()
	mover.Observe(func(event affine.Event) {
		steps = append(steps, fmt.Sprintf("%v %s %s", time.Since(began).Round(time.Millisecond), event.Step.Action, event.Phase))
	})
	ws := w.write("orders", 1)
	ws.await("eu", 20)
	report := must(mover.Move(within(t, patience), "orders", "us"))(t)
	ws.await("us", 20)
	ws.end()
	ws.kept(t, "moved")
	ws.exclusive(t, "moved")
	t.Logf("%d items; frozen for %v, writers saw no acknowledgement for %v\n%s", report.Contents.Items, report.Frozen, ws.gap, strings.Join(steps, "\n"))
	if ws.gap > 2*time.Second*slack {
		t.Errorf("nobody took a write for %v, more than 2 s", ws.gap)
	}
}
