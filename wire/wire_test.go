package wire_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/internal/assert"
	"github.com/roster-go/roster/wire"
)

type shape interface{ Area() float64 } //nolint:iface // An interface has one registry for its boxes.

type (
	circle struct {
		Radius float64 `json:"radius"`
	}
	square struct {
		Side  float64 `json:"side"`
		Notes []string
	}
	group struct {
		Parts wire.Slice[shape]       `json:"parts"`
		Named wire.Map[shape]         `json:"named"`
		Best  wire.Box[shape]         `json:"best,omitzero"`
		Boxes map[int]wire.Box[shape] `json:"boxes"`
	}
	scale float64
)

func (c circle) Area() float64  { return 3 * c.Radius * c.Radius }
func (s *square) Area() float64 { return s.Side * s.Side }
func (g *group) Area() float64  { return 0 }
func (s scale) Area() float64   { return float64(s) }

func quiet() roster.RegistryOption { return roster.In(roster.NewDirectory()) }

var inBoxes = registered(wire.New[shape](wire.Inline("type"), quiet())).UseForBoxes()

func registered(r *wire.Registry[shape]) *wire.Registry[shape] {
	wire.Register[circle](r, "circle", wire.Alias("round", "disc"))
	wire.Register[*square](r, "square")
	wire.Register[*group](r, "group")
	return r
}

func wrapped() *wire.Registry[shape] {
	r := registered(wire.New[shape](wire.Wrapped("type", "value"), quiet()))
	wire.Register[scale](r, "scale")
	return r
}

func randomShape(random *rand.Rand, depth int) shape {
	switch kind := random.IntN(4); {
	case kind == 0:
		return circle{random.Float64()}
	case kind == 1 || depth == 0:
		return &square{Side: random.NormFloat64(), Notes: []string{"\"type\":\"circle\"", "}]\\\u2028"}[:random.IntN(3)]}
	case kind == 2:
		return nil
	default:
		g := &group{Named: wire.Map[shape]{}, Boxes: map[int]wire.Box[shape]{}}
		for i := range random.IntN(3) {
			g.Parts = append(g.Parts, randomShape(random, depth-1))
			g.Named[fmt.Sprint(i, "\"{")] = randomShape(random, depth-1)
			g.Boxes[i] = wire.In(randomShape(random, depth-1))
		}
		g.Best.Value = randomShape(random, depth-1)
		return g
	}
}

func TestRoundTrips(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2000) {
		v := randomShape(rand.New(rand.NewPCG(seed, 7)), 4)
		for _, r := range []*wire.Registry[shape]{inBoxes, wrapped()} {
			data, err := r.Marshal(v)
			assert.NoError(t, err)
			back, err := r.Unmarshal(data)
			assert.NoError(t, err)
			again, err := r.Marshal(back)
			assert.NoError(t, err)
			if reflect.TypeOf(back) != reflect.TypeOf(v) || !bytes.Equal(again, data) {
				t.Fatalf("seed %d: %s came back as %s", seed, data, again)
			}
		}
	}
}

func TestEnvelopes(t *testing.T) {
	t.Parallel()
	data, err := inBoxes.Marshal(circle{2})
	assert.NoError(t, err)
	assert.Equal(t, string(data), `{"type":"circle","radius":2}`)
	data, err = wrapped().Marshal(scale(2))
	assert.NoError(t, err)
	assert.Equal(t, string(data), `{"type":"scale","value":2}`)
	for text, want := range map[string]shape{
		`{"radius":2, "type" : "disc"}`:            circle{2},
		`{"type":"r\u006fund","x":[{"type":1}]}`:   circle{},
		` null `:                                   nil,
		`{"type":"square","side":1,"Notes":["{"]}`: &square{1, []string{"{"}},
	} {
		got, err := inBoxes.Unmarshal([]byte(text))
		assert.NoError(t, err)
		assert.Equal(t, fmt.Sprintf("%#v", reflect.Indirect(reflect.ValueOf(&got)).Elem()), fmt.Sprintf("%#v", reflect.ValueOf(&want).Elem().Elem()))
	}
}

type (
	userV1 struct{ Name string }
	userV2 struct{ First, Last string }
	userV3 struct {
		First, Last string
		Admin       bool
	}
	user interface{ user() }
)

func (userV3) user() {}

func splitName(u userV1) (userV2, error) {
	first, last, ok := strings.Cut(u.Name, " ")
	if !ok {
		return userV2{}, errors.New("there is one name only")
	}
	return userV2{first, last}, nil
}

func TestUpgrades(t *testing.T) {
	t.Parallel()
	r := wire.New[user](wire.Inline("kind"), quiet())
	toV3 := func(u userV2) (userV3, error) { return userV3{u.First, u.Last, u.First == "Root"}, nil }
	wire.Register[userV3](r, "user", wire.Version(3), wire.Upgrade(1, splitName), wire.Upgrade(2, toV3))
	data, err := r.Marshal(userV3{"A", "B", true})
	assert.NoError(t, err)
	assert.Equal(t, string(data), `{"kind":"user@3","First":"A","Last":"B","Admin":true}`)
	for text, want := range map[string]userV3{
		`{"kind":"user","Name":"Root X"}`:             {"Root", "X", true},
		`{"kind":"user@2","First":"A","Last":"B"}`:    {"A", "B", false},
		`{"kind":"user@3","First":"A","Admin": true}`: {"A", "", true},
	} {
		got, err := r.Unmarshal([]byte(text))
		assert.NoError(t, err)
		assert.Equal(t, got, user(want))
	}
	_, err = r.Unmarshal([]byte(`{"kind":"user@4"}`))
	assert.True(t, errors.Is(err, wire.ErrNewer), "a newer version says so")
	_, err = r.Unmarshal([]byte(`{"kind":"user","Name":"X"}`))
	assert.Equal(t, fmt.Sprint(err), `roster: wire_test.user: cannot decode a "user": upgrade from version 1: there is one name only`)
}

func TestRefusedTypes(t *testing.T) {
	t.Parallel()
	type typed struct {
		circle
		Kind string `json:"Type"`
	}
	for want, try := range map[string]func(r *wire.Registry[shape]) error{
		`its field circle is called "type" in JSON`: func(r *wire.Registry[shape]) error { return wire.TryRegister[embedding](r, "t") },
		`"twice" is registered twice`: func(r *wire.Registry[shape]) error {
			return wire.TryRegister[scale](r, "s", wire.Alias("twice", "twice"))
		},
		"it has 257 bytes": func(r *wire.Registry[shape]) error {
			return wire.TryRegister[scale](r, "s", wire.Alias(strings.Repeat("x", 257)))
		},
		"there is no Upgrade from version 1 ": func(r *wire.Registry[shape]) error {
			return wire.TryRegister[scale](r, "s", wire.Version(2), wire.Upgrade[int, scale](1, nil))
		},
		"it does not implement wire_test.shape, but *wire_test.square does; register that": func(r *wire.Registry[shape]) error {
			return wire.TryRegister[square](r, "s")
		},
		"it does not implement wire_test.shape (": func(r *wire.Registry[shape]) error { return wire.TryRegister[int](r, "i") },
		"it is an interface type":                 func(r *wire.Registry[shape]) error { return wire.TryRegister[shape](r, "i") },
		`its field Kind is called "type" in JSON`: func(r *wire.Registry[shape]) error { return wire.TryRegister[typed](r, "t") },
		"has an @":                           func(r *wire.Registry[shape]) error { return wire.TryRegister[scale](r, "s@2") },
		"there is no Upgrade from version 1": func(r *wire.Registry[shape]) error { return wire.TryRegister[scale](r, "s", wire.Version(2)) },
		"versions begin with 1":              func(r *wire.Registry[shape]) error { return wire.TryRegister[scale](r, "s", wire.Version(0)) },
		"the upgrade from version 1 makes wire_test.userV2, and version 2 is wire_test.scale": func(r *wire.Registry[shape]) error {
			return wire.TryRegister[scale](r, "s", wire.Version(2), wire.Upgrade(1, splitName))
		},
		`"circle" already`: func(r *wire.Registry[shape]) error { return wire.TryRegister[circle](r, "ball") },
		`"disc" is registered twice`: func(r *wire.Registry[shape]) error {
			return wire.TryRegister[scale](r, "s", wire.Alias("disc"))
		},
	} {
		r := registered(wire.New[shape](wire.Inline("type"), quiet()))
		before := r.Types().Names()
		err := try(r)
		assert.Equal(t, r.Types().Names(), before)
		assert.True(t, strings.Contains(fmt.Sprint(err), want), fmt.Sprintf("%v says %s", err, want))
		assert.True(t, strings.Contains(fmt.Sprint(err), "wire_test.go:"), fmt.Sprint(err, " names the place"))
	}
}

type embedding struct {
	circle `json:"type"`
}

// A bag says what it is in JSON when it is encoded, not before.
type bag map[string]any

func (bag) Area() float64 { return 0 }

func TestRefusedValues(t *testing.T) {
	t.Parallel()
	r := wire.New[shape](wire.Inline("type"), quiet())
	wire.Register[bag](r, "bag")
	wire.Register[scale](r, "scale")
	data, err := r.Marshal(bag{"b": 1})
	assert.NoError(t, err)
	assert.Equal(t, string(data), `{"type":"bag","b":1}`)
	for want, v := range map[string]shape{
		`cannot encode a wire_test.bag: it has a field "type" of its own`: bag{"type": "x"},
		"cannot encode a wire_test.scale: it is not a JSON object":        scale(1),
	} {
		_, err := r.Marshal(v)
		_, is := errors.AsType[*wire.EncodeError](err)
		assert.True(t, is && strings.Contains(err.Error(), want) && strings.HasSuffix(err.Error(), "use the envelope Wrapped"), fmt.Sprint(err, " says ", want))
	}
}

func TestRefusedData(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		``:                                       "offset 0: an object",
		`[]`:                                     "offset 0: an object",
		`{`:                                      "a field and a colon",
		`{"type":"circle"`:                       "a comma or the end",
		`{"type":"circle"} x`:                    "offset 18: something comes after",
		`{"radius":1}`:                           "the field type with the name of a type is missing",
		`{"type":1}`:                             "offset 8: the field type must be a string",
		`{"type":null}`:                          "must be a string",
		`{"type":"circle","type":"disc"}`:        "is there twice",
		`{"type":"circel"}`:                      `did you mean "circle"?`,
		`{"type":"circle@x"}`:                    "no name with a version",
		`{"type":"circle@-1"}`:                   "no name with a version",
		`{"type":"circle","radius":"x"}`:         `cannot decode a "circle": json`,
		`{"type":"circle","radius":tru}`:         `cannot decode a "circle"`,
		`{"a":` + strings.Repeat("[", 1_000_000): "nested more than 100 deep",
		`{"type":"circle","x":"` + strings.Repeat("x", wire.MaxSize) + `"}`: "the limit is 16777216",
	} {
		v, err := inBoxes.Unmarshal([]byte(text))
		assert.True(t, v == nil && err != nil && strings.Contains(err.Error(), want), fmt.Sprintf("%.60q: %.300v says %s", text, err, want))
	}
	_, err := inBoxes.Unmarshal([]byte(`{"type":"nothing"}`))
	assert.True(t, errors.Is(err, roster.ErrUnknown), "an unknown name is the core's error")
	_, err = wrapped().Unmarshal([]byte(`{"type":"scale","value":1,"more":2}`))
	assert.True(t, strings.Contains(fmt.Sprint(err), `there is a field "more"`), "a wrapping object has no other fields")
	_, err = wrapped().Unmarshal([]byte(`{"type":"square","value":null}`))
	assert.NoError(t, err) // a nil *square is what was encoded
	_, err = inBoxes.Marshal(scale(1))
	assert.Equal(t, fmt.Sprint(err), "roster: wire_test.shape: cannot encode a wire_test.scale: it has no name; "+
		"give it one with wire.Register when the program starts")
	var large wire.Slice[shape]
	err = large.UnmarshalJSON(bytes.Repeat([]byte(" "), wire.MaxSize+1))
	assert.True(t, strings.Contains(fmt.Sprint(err), "the limit is 16777216"), "a slice has a limit as a whole")
	_, err = json.Marshal(wire.In[user](userV3{}))
	assert.True(t, strings.Contains(fmt.Sprint(err), "call UseForBoxes"), "boxes need a registry")
}

// The types have other names and places than when the file was written.
func TestLastYearsDataDecodes(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/last-year.json")
	assert.NoError(t, err)
	var shapes wire.Slice[shape]
	assert.NoError(t, json.Unmarshal(data, &shapes))
	assert.Equal(t, shapes, wire.Slice[shape]{circle{1.5}, &square{2, []string{"a"}}, nil})
}

func FuzzUnmarshal(f *testing.F) {
	for _, seed := range []string{
		`{"type":"circle","radius":1}`, `{"type":"group","parts":[{"type":"disc"},null],"named":{"a":{"type":"square"}}}`,
		`{"\u0074ype":"circle"}`, `{"type":"circle\ud800"}`, `{"a":{},"type":"round@1"}`, "{\"\xff\":1}", `{"type":"group","best":[]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := inBoxes.Unmarshal(data)
		if err != nil || v == nil {
			return
		}
		if !json.Valid(data) {
			t.Fatalf("%q is no JSON and became %#v", data, v)
		}
		again, err := inBoxes.Marshal(v)
		if err != nil {
			t.Fatalf("%q was decoded and cannot be encoded: %v", data, err)
		}
		if _, err := inBoxes.Unmarshal(again); err != nil {
			t.Fatalf("%q became %q, which cannot be decoded: %v", data, again, err)
		}
	})
}

func TestASuspendedTypeIsNeitherEncodedNorDecoded(t *testing.T) {
	t.Parallel()
	d := roster.NewDirectory()
	r := registered(wire.New[shape](wire.Inline("type"), roster.In(d), roster.Named("shapes")))
	data, err := r.Marshal(circle{2})
	assert.NoError(t, err)
	d.Suspend("shapes", "circle", errors.New("its decoder loops"))
	_, err = r.Unmarshal(data)
	assert.True(t, errors.Is(err, roster.ErrSuspended), "it is not decoded")
	_, err = r.Marshal(circle{2})
	assert.True(t, errors.Is(err, roster.ErrSuspended), "it is not encoded")
	assert.True(t, errors.Is(wire.TryRegister[scale](r, "scale", wire.Alias("circle")), roster.ErrDuplicate), "its name is taken")
	assert.NoError(t, wire.TryRegister[scale](r, "scale"))
	d.Resume("shapes", "circle")
	back, err := r.Unmarshal(data)
	assert.NoError(t, err)
	assert.Equal(t, back, shape(circle{2}))
}
