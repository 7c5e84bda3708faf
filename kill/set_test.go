package kill

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/roster-go/roster/internal/assert"
)

// randomOrders draws orders with few targets and epochs, so that many of them compete.
func randomOrders(r *rand.Rand, n int) []Order {
	orders := make([]Order, n)
	for i := range orders {
		orders[i] = Order{
			Target: Namespace(string(rune('a' + r.IntN(4)))), Epoch: 1 + r.Uint64N(3), Revived: r.IntN(2) == 0,
			Reason: string(rune('a' + r.IntN(2))), Region: string(rune('a' + r.IntN(2))), At: time.Unix(r.Int64N(2), 0),
		}
	}
	return orders
}

// oracle is the set by its definition: for each target, the order that no other stands against.
func oracle(orders []Order) map[Target]Order {
	stands := make(map[Target]Order)
	for _, o := range orders {
		o = o.normal()
		if !slices.ContainsFunc(orders, func(other Order) bool { return other.Target == o.Target && other.Compare(o) > 0 }) {
			stands[o.Target] = o
		}
	}
	return stands
}

func TestMergeLaws(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 3000 {
		all := randomOrders(r, r.IntN(12))
		set := Set{}.Merge(all...)
		stands := make(map[Target]Order)
		for _, o := range set.Orders() {
			stands[o.Target] = o
		}
		assert.Equal(t, stands, oracle(all))

		shuffled := slices.Clone(all)
		r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		cut := r.IntN(len(all) + 1)
		a, b := Set{}.Merge(shuffled[:cut]...), Set{}.Merge(shuffled[cut:]...)
		ab, ba := a.Merge(b.Orders()...), b.Merge(a.Orders()...)
		assert.True(t, ab.Hash() == set.Hash() && ba.Hash() == set.Hash(), "merging is commutative and associative")
		assert.Equal(t, ab.Orders(), set.Orders())
		assert.True(t, set.Merge(shuffled...).Hash() == set.Hash(), "merging is idempotent")
		assert.Equal(t, len(set.Missing(set)), 0)
		assert.True(t, a.Merge(set.Missing(a)...).Hash() == set.Hash(), "what is missing makes it equal")

		// Epochs only grow, and a kill is never replaced by a revival of its own epoch.
		grown := Set{}
		for _, o := range shuffled {
			next := grown.Merge(o)
			for _, old := range grown.Orders() {
				now, known := next.Get(old.Target)
				assert.True(t, known && now.Compare(old) >= 0, "nothing is lost or goes back")
				assert.True(t, now.Epoch > old.Epoch || !old.Killed() || now.Killed(), "a revival has a higher epoch")
			}
			assert.True(t, (next.Hash() == grown.Hash()) == (len(next.Missing(grown)) == 0), "the hash changes with the set")
			grown = next
		}
	}
}

func TestOrderSurvivesJSON(t *testing.T) {
	o := Order{
		Target: Entry("a/b", "c@d <e>"), Epoch: 1<<64 - 1, Reason: "<b>&\u2028\"quoted\"", By: "José", Region: "eu",
		At: time.Now().In(time.FixedZone("x", 3600)),
	}
	assert.NoError(t, o.Validate())
	var back Order
	assert.NoError(t, json.Unmarshal(encode(o), &back))
	assert.True(t, Set{}.Merge(o).Hash() == Set{}.Merge(back).Hash(), "the hash is the same on the other side")
	parsed, err := parseLine(appendLine(nil, o))
	assert.NoError(t, err)
	assert.Equal(t, parsed.digest(), o.normal().digest())
}

func TestOrdersThatAreRefused(t *testing.T) {
	good := order(Namespace("a"), 1, false)
	for why, spoil := range map[string]func(*Order){
		"epoch":   func(o *Order) { o.Epoch = 0 },
		"kind":    func(o *Order) { o.Target.Kind = "x" },
		"reason":  func(o *Order) { o.Reason = string(make([]byte, MaxReason+1)) },
		"control": func(o *Order) { o.Reason = "a\nb" },
		"utf-8":   func(o *Order) { o.By = "\xff" },
		"time":    func(o *Order) { o.At = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
	} {
		bad := good
		spoil(&bad)
		s, err := Open("")
		assert.NoError(t, err)
		r, err := s.Apply("test", bad, good)
		assert.True(t, err != nil, "it is refused: "+why)
		assert.Equal(t, r.New, 1) // the good one is not
	}
}

func FuzzParseTarget(f *testing.F) {
	for _, text := range []string{"plugin/a@1", "entry/a/b", "instance/a%2Fb/c%40d", "capability/x", "namespace/%25", "plugin/@", "canary/eu"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		target, err := ParseTarget(text)
		if err != nil {
			return
		}
		assert.NoError(t, target.Validate())
		assert.Equal(t, target.String(), text)
		again, err := ParseTarget(target.String())
		assert.NoError(t, err)
		assert.Equal(t, again, target)
	})
}

func FuzzTargetText(f *testing.F) {
	f.Add("plugin", "a@b/c", "1 2")
	f.Fuzz(func(t *testing.T, kind, name, part string) {
		target := Target{Kind(kind), name, part}
		if target.Validate() != nil {
			return
		}
		back, err := ParseTarget(target.String())
		assert.NoError(t, err)
		assert.Equal(t, back, target)
	})
}

// TestSwitchConcurrentSafe: whatever happens at once, what is read never goes back, hooks see each
// change once, in order and before Apply returns, and nothing is lost on disk.
func TestSwitchConcurrentSafe(t *testing.T) {
	path := t.TempDir() + "/kill.log"
	s := open(t, path)
	const writers, each = 4, 60
	seen := make(map[Target]Order)
	defer s.OnChange(func(now []Order) {
		for _, o := range now {
			if old, known := seen[o.Target]; known && o.Compare(old) <= 0 {
				t.Errorf("told of epoch %d after %d", o.Epoch, old.Epoch)
			}
			if stands, _ := s.Set().Get(o.Target); stands.Compare(o) < 0 {
				t.Error("told before it was in effect")
			}
			seen[o.Target] = o
		}
	})()
	stop := make(chan struct{})
	var readers, work sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			last := make(map[Target]uint64)
			for {
				select {
				case <-stop:
					return
				default:
				}
				for i := range writers {
					target := Namespace(strconv.Itoa(i))
					if o, killed := s.Killed(target); killed {
						if o.Epoch < last[target] {
							t.Errorf("epoch %d after %d", o.Epoch, last[target])
						}
						last[target] = o.Epoch
					}
				}
				s.OnChange(func([]Order) {})()
			}
		})
	}
	for i := range writers {
		work.Go(func() {
			for epoch := range uint64(each) {
				o := order(Namespace(strconv.Itoa(i)), epoch+1, epoch%3 == 2)
				r, err := s.Apply("test", o)
				if err != nil || !r.Durable || r.New != 1 {
					t.Error(r, err)
				}
				if _, killed := s.Killed(o.Target); killed != o.Killed() {
					t.Error("not in effect when Apply returned")
				}
				if _, err := s.Apply("late", o); err != nil { // once more, which changes nothing
					t.Error(err)
				}
			}
		})
	}
	work.Wait()
	close(stop)
	readers.Wait()
	assert.Equal(t, len(seen), writers)
	hash := s.Hash()
	assert.NoError(t, s.Close())
	assert.Equal(t, open(t, path).Hash(), hash)
}

func TestKilledAllocatesNothing(t *testing.T) {
	s, err := Open("")
	assert.NoError(t, err)
	target := Plugin("a", "1")
	for range 2 {
		assert.Equal(t, testing.AllocsPerRun(100, func() { s.Killed(target) }), 0.0)
		_, err = s.Apply("test", order(target, 1, false))
		assert.NoError(t, err)
	}
	_, err = s.Apply("test", order(target, 2, true), order(Target{Kind: KindCanary, Name: "eu"}, 1, false))
	assert.NoError(t, err)
	assert.True(t, s.killed.Load() == nil, "with revivals and canaries alone it is as if nothing had been killed")
}

// TestHookThatHangsDelaysNoKill: the next order takes effect while a hook still runs.
func TestHookThatHangsDelaysNoKill(t *testing.T) {
	s, err := Open("")
	assert.NoError(t, err)
	entered, release := make(chan struct{}), make(chan struct{})
	defer s.OnChange(func([]Order) { entered <- struct{}{}; <-release })()
	var work sync.WaitGroup
	defer work.Wait()
	defer close(release)
	for _, n := range []string{"a", "b"} {
		work.Go(func() { s.Apply("test", order(Namespace(n), 1, false)) })
		if n == "a" {
			<-entered
		}
		eventually(t, n+" is killed", func() bool { _, killed := s.Killed(Namespace(n)); return killed })
	}
	go func() { <-entered }()
}
