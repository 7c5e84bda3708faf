package plugin_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"google.golang.org/grpc/metadata"

	"github.com/roster-go/roster/plugin"
)

func granted(c plugin.Capability) plugin.Capability {
	c.Name = "test.hello"
	return c
}

func TestPluginsShareByWeight(t *testing.T) {
	h := newHost(t, plugin.Options{})
	add(t, h, describe("three", "", granted(plugin.Capability{Weight: 3})))
	add(t, h, describe("one", "", granted(plugin.Capability{})))
	const calls, want = 800, 600
	three := 0
	for range calls {
		if _, by := call(t, h, "test.hello", `{}`); by.Name == "three" {
			three++
		}
	}
	// Six standard deviations: a fair draw is further away once in 500 million runs.
	if math.Abs(float64(three-want)) > 6*math.Sqrt(calls*0.75*0.25) {
		t.Errorf("the plugin of weight 3 served %d of %d, want about %d", three, calls, want)
	}
}

// served says who serves each of many keys.
func served(t *testing.T, h *plugin.Host, keys int) map[string]string {
	t.Helper()
	by := make(map[string]string)
	for range 2 {
		for i := range keys {
			key := fmt.Sprint("customer ", i)
			answer, err := h.Call(plugin.WithKey(t.Context(), key), "test.hello", json.RawMessage(`{}`))
			if err != nil {
				t.Fatal(err)
			}
			if before, again := by[key]; again && before != answer.ServedBy.Name {
				t.Fatalf("%s went from %s to %s", key, before, answer.ServedBy.Name)
			}
			by[key] = answer.ServedBy.Name
		}
	}
	return by
}

func TestCallsStayByKey(t *testing.T) {
	h := newHost(t, plugin.Options{})
	for _, name := range []string{"one", "two", "three"} {
		add(t, h, describe(name, "", granted(plugin.Capability{})))
	}
	const keys = 150
	before := served(t, h, keys)
	count := make(map[string]int)
	for _, name := range before {
		count[name]++
	}
	for name, n := range count {
		if n < keys/6 || n > keys/2 {
			t.Errorf("%s has %d of %d keys", name, n, keys)
		}
	}
	if err := h.Remove(t.Context(), "two"); err != nil {
		t.Fatal(err)
	}
	for key, now := range served(t, h, keys) {
		if was := before[key]; was != "two" && was != now {
			t.Errorf("%s moved from %s to %s, and neither was removed", key, was, now)
		}
	}
	add(t, h, describe("two", "", granted(plugin.Capability{})))
	for key, now := range served(t, h, keys) {
		if was := before[key]; was != now {
			t.Errorf("%s is with %s, and was with %s when all were there before", key, now, was)
		}
	}
}

func TestStandbyServesWhenNobodyElseDoes(t *testing.T) {
	h := newHost(t, plugin.Options{})
	add(t, h, describe("spare", "", granted(plugin.Capability{Standby: true, Weight: 1000})))
	add(t, h, describe("main", "", granted(plugin.Capability{})))
	for _, ctx := range []context.Context{t.Context(), plugin.WithKey(t.Context(), "k")} {
		for range 20 {
			if answer, err := h.Call(ctx, "test.hello", json.RawMessage(`{}`)); err != nil || answer.ServedBy.Name != "main" {
				t.Fatalf("%+v, %v", answer, err)
			}
		}
	}
	if err := h.Remove(t.Context(), "main"); err != nil {
		t.Fatal(err)
	}
	if _, by := call(t, h, "test.hello", `{}`); by.Name != "spare" {
		t.Errorf("served by %s", by)
	}
}

func TestKeysTravel(t *testing.T) {
	incoming := func(key string) context.Context {
		return metadata.NewIncomingContext(t.Context(), metadata.Pairs(plugin.MetadataKey, key))
	}
	for want, ctx := range map[string]context.Context{
		"":      t.Context(),
		"ours":  plugin.WithKey(incoming("theirs"), "ours"),
		"their": incoming("their"),
	} {
		if got := plugin.KeyOf(ctx); got != want {
			t.Errorf("got key %q, want %q", got, want)
		}
	}
	if got := plugin.KeyOf(incoming(strings.Repeat("k", 1025))); got != "" {
		t.Errorf("a key of %d bytes is taken", len(got))
	}
	// Metadata carry printable ASCII only, and a key is any text.
	b := newHost(t, plugin.Options{Host: "host-b"})
	add(t, b, describe("p", ""))
	address, _ := serve(t, b)
	a := newHost(t, plugin.Options{Fleet: fleet{"test.hello": {{ID: "host-b", Address: address}}}})
	for _, key := range []string{"customer 7", "größe", "\n\x00\xff", "100%", "%41"} {
		ctx := plugin.WithKey(t.Context(), key)
		if _, err := a.Call(ctx, "test.hello", json.RawMessage(`{}`)); err != nil {
			t.Errorf("key %q: %v", key, err)
		}
		sent, _ := metadata.FromOutgoingContext(plugin.Outgoing(ctx))
		if got := plugin.KeyOf(metadata.NewIncomingContext(t.Context(), sent)); got != key {
			t.Errorf("key %q arrives as %q", key, got)
		}
	}
	// A key leads to one host among those equally near, whatever the order they come in.
	peers := []plugin.Peer{{ID: "a", Region: "eu"}, {ID: "b", Region: "eu"}, {ID: "c", Region: "us"}, {ID: "d", Region: "us"}}
	firsts := make(map[string]bool)
	for i := range 40 {
		key := fmt.Sprint("key ", i)
		first := plugin.NearestFirst(peers, plugin.Peer{Region: "eu"}, key)
		again := plugin.NearestFirst([]plugin.Peer{peers[3], peers[1], peers[0], peers[2]}, plugin.Peer{Region: "eu"}, key)
		if first[0].ID != again[0].ID || first[2].ID != again[2].ID || first[0].Region != "eu" {
			t.Fatalf("%s: %v, then %v", key, first, again)
		}
		firsts[first[0].ID] = true
	}
	if len(firsts) != 2 {
		t.Errorf("all keys lead to one host: %v", firsts)
	}
}

func TestFaultyWeights(t *testing.T) {
	const text = "name: a\napi_version: v1\ncommand: ./a\ncapabilities:\n  - {name: c, weight: %s}\n"
	for _, weight := range []string{"0", "-1", "1001", "many", "1.5", "99999999999999999999"} {
		_, err := plugin.ParseDescriptor("plugin.yaml", fmt.Appendf(nil, text, weight))
		if err == nil || !strings.Contains(err.Error(), "plugin.yaml:5:") || !strings.Contains(err.Error(), "an integer from 1 to 1000") {
			t.Errorf("weight %s: %v", weight, err)
		}
	}
	d, err := plugin.ParseDescriptor("plugin.yaml", fmt.Appendf(nil, text, "9, standby: true"))
	if err != nil || d.Capabilities[0].Weight != 9 || !d.Capabilities[0].Standby {
		t.Errorf("%+v, %v", d.Capabilities, err)
	}
	h := newHost(t, plugin.Options{})
	err = h.Add(t.Context(), describe("p", "", granted(plugin.Capability{Weight: -1})))
	if err == nil || !strings.Contains(err.Error(), "weight -1 is not from 1 to 1000") {
		t.Error(err)
	}
}
