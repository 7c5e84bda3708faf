package plugin

import (
	"cmp"
	"context"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"net/url"
	"slices"

	"google.golang.org/grpc/metadata"
)

// WithKey returns a context whose calls stay with one provider for each key: the
// same key leads to the same plugin, and to the same host among those equally
// near, for as long as that one is there. When providers come or go, only the keys
// move that must. It is for caches and for sessions; correctness must not depend on
// it, since a provider that is down is passed over. An empty key is none.
//
// The key travels to other hosts as the metadata [MetadataKey].
func WithKey(ctx context.Context, key string) context.Context {
	return context.WithValue(ctx, keyKey{}, key)
}

type keyKey struct{}

// maxKey bounds a key that comes from another host, in bytes as it is encoded.
const maxKey = 1024

// keyOf is the key that a call brings: from the program itself, or in the metadata
// of the call that it is made for.
func keyOf(ctx context.Context) string {
	if key, ok := ctx.Value(keyKey{}).(string); ok {
		return key
	}
	incoming, _ := metadata.FromIncomingContext(ctx)
	values := incoming.Get(MetadataKey)
	if len(values) == 0 || len(values[0]) > maxKey {
		return ""
	}
	if key, err := url.PathUnescape(values[0]); err == nil {
		return key
	}
	return values[0] // of somebody who does not encode
}

// inOrder lists the plugins in the order in which a call tries them. Those on
// standby come last. The others take turns if all weigh the same and the call has
// no key; else the first one is drawn by weight, at random or by the key, and the
// others follow in the order in which they would be drawn without it.
func (o *offer) inOrder(key string) []grant {
	if key == "" && o.equal {
		n := len(o.plugins)
		first := 0
		if n > 0 {
			first = int(o.turn.Add(1) % uint64(n))
		}
		return slices.Concat(o.plugins[first:], o.plugins[:first])
	}
	type ranked struct {
		grant
		rank float64
	}
	all := make([]ranked, len(o.plugins))
	for i, g := range o.plugins {
		all[i] = ranked{g, draw(key, g.plugin.d.Name) / float64(g.weight)}
	}
	slices.SortFunc(all, func(a, b ranked) int {
		switch {
		case a.standby != b.standby && a.standby:
			return 1
		case a.standby != b.standby:
			return -1
		}
		return cmp.Compare(a.rank, b.rank)
	})
	order := make([]grant, len(all))
	for i, r := range all {
		order[i] = r.grant
	}
	return order
}

// shares tells how the calls are to be shared out.
func (o *offer) shares() []Share {
	shares := make([]Share, len(o.plugins))
	for i, g := range o.plugins {
		state, _ := g.plugin.current()
		shares[i] = Share{Plugin: g.plugin.d.Name, State: state, Weight: g.weight, Standby: g.standby}
	}
	return shares
}

// draw is an exponentially distributed number, random without a key, and else one
// that depends on key and name alone, on every host alike. Who has the least such
// number, divided by its weight, wins with a probability in proportion to the
// weight: this is weighted rendezvous hashing (Thaler and Ravishankar, 1998) with
// a key, and weighted sampling (Efraimidis and Spirakis, 2006) without.
func draw(key, name string) float64 {
	if key == "" {
		return rand.ExpFloat64()
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(key))
	_, _ = h.Write([]byte{0})
	_, _ = h.Write([]byte(name))
	x := h.Sum64() // the last bytes change its low bits only, so it is mixed
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	x ^= x >> 33
	const bits = 53
	return -math.Log((float64(x>>(64-bits)) + 0.5) / (1 << bits))
}

// sameShare reports whether nothing but the turn decides among plugins.
func sameShare(plugins []grant) bool {
	return !slices.ContainsFunc(plugins, func(g grant) bool {
		return g.standby || g.weight != plugins[0].weight
	})
}
