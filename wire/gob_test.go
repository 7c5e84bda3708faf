package wire_test

import (
	"bytes"
	"encoding/binary"
	"encoding/gob"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/internal/assert"
	"github.com/roster-go/roster/wire"
)

// inGob is a registry of an interface of its own, since the boxes of shape speak
// JSON in other tests.
var inGob = func() *wire.Registry[figure] {
	r := wire.New[figure](wire.Inline("type"), quiet()).UseForBoxes().UseForGob()
	wire.Register[circle](r, "circle", wire.Alias("round", "disc"))
	wire.Register[*square](r, "square")
	wire.Register[*scene](r, "scene")
	wire.Register[spot](r, "spot", wire.Version(2), wire.Upgrade(1, func(old spotV1) (spot, error) {
		if old.At == "" {
			return spot{}, errors.New("it is nowhere")
		}
		return spot{Place: old.At + "!"}, nil
	}))
	return r
}()

type (
	figure interface { //nolint:iface // An interface has one registry for its boxes.
		Area() float64
	}
	scene struct {
		Parts wire.Slice[figure]
		Named wire.Map[figure]
		Best  wire.Box[figure]
		Boxes map[int]wire.Box[figure]
		Next  *scene // gob follows it without a box
	}
	spot   struct{ Place string }
	spotV1 struct{ At string }
	bare   struct{ x int }
)

func (*scene) Area() float64 { return 0 }
func (spot) Area() float64   { return 0 }
func (b bare) Area() float64 { return float64(b.x) }

func randomFigure(random *rand.Rand, depth int) figure {
	switch n := random.IntN(5); {
	case n == 0:
		return circle{random.Float64()}
	case n == 1:
		return &square{Side: random.Float64() + 1, Notes: []string{"a", ""}}
	case n == 2 || depth == 0:
		return spot{strconv.Itoa(random.IntN(9))}
	case n == 3:
		return nil
	}
	s := &scene{Named: wire.Map[figure]{}, Boxes: map[int]wire.Box[figure]{}}
	for i := range 1 + random.IntN(3) {
		s.Parts = append(s.Parts, randomFigure(random, depth-1))
		s.Named[strconv.Itoa(i)] = randomFigure(random, depth-1)
		s.Boxes[i] = wire.In(randomFigure(random, depth-1))
	}
	s.Best = wire.In(randomFigure(random, depth-1))
	return s
}

func TestGobRoundTrips(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(5, 6))
	for range 200 {
		want := randomFigure(random, 3)
		data, err := inGob.MarshalGob(want)
		assert.NoError(t, err)
		got, err := inGob.UnmarshalGob(data)
		assert.NoError(t, err)
		assert.Equal(t, fmt.Sprintf("%#v", deref(got)), fmt.Sprintf("%#v", deref(want)))

		type envelope struct{ Figure wire.Box[figure] }
		var b bytes.Buffer
		assert.NoError(t, gob.NewEncoder(&b).Encode(envelope{wire.In(want)}))
		var e envelope
		assert.NoError(t, gob.NewDecoder(&b).Decode(&e))
		assert.Equal(t, fmt.Sprintf("%#v", deref(e.Figure.Value)), fmt.Sprintf("%#v", deref(want)))
	}
}

// deref shows what is behind the pointers.
func deref(f figure) any {
	switch f := f.(type) {
	case *square:
		return *f
	case *scene:
		var parts []any
		for _, p := range f.Parts {
			parts = append(parts, deref(p))
		}
		for i := range len(f.Named) {
			parts = append(parts, deref(f.Named[strconv.Itoa(i)]), deref(f.Boxes[i].Value))
		}
		return append(parts, deref(f.Best.Value))
	}
	return f
}

// The types have other names and places than when the file was written: circle was
// disk.Disk with the name round, and spot was of version 1.
func TestLastYearsGobDecodes(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/last-year.gob")
	assert.NoError(t, err)
	var figures wire.Slice[figure]
	assert.NoError(t, gob.NewDecoder(bytes.NewReader(data)).Decode(&figures))
	assert.Equal(t, figures[:4], wire.Slice[figure]{circle{1.5}, &square{2, []string{"a"}}, nil, spot{"home!"}})
	s, ok := figures[4].(*scene)
	assert.True(t, ok && len(figures) == 5, "the last one is a scene")
	assert.Equal(t, []any{s.Parts[0], s.Named["x"], s.Best.Value}, []any{circle{2}, circle{3}, spot{"there!"}})
}

func TestRefusedGobs(t *testing.T) {
	t.Parallel()
	named := func(tag string, v any) []byte {
		var b bytes.Buffer
		b.Write(binary.AppendUvarint(nil, uint64(len(tag))))
		b.WriteString(tag)
		if v != nil {
			assert.NoError(t, gob.NewEncoder(&b).Encode(v))
		}
		return b.Bytes()
	}
	for want, data := range map[string][]byte{
		"it does not begin with the name":   {200},
		" does not begin with the name":     {255, 255, 255, 255, 255, 255, 255, 255, 255, 1},
		`did you mean "circle"?`:            named("circel", circle{1}),
		"no name with a version":            named("circle@0", circle{1}),
		"data is newer than the program":    named("circle@2", circle{1}),
		`cannot decode a "circle": EOF`:     named("circle", nil),
		`cannot decode a "circle": gob:`:    named("circle", map[string]int{"x": 1}),
		"something comes after the value":   append(named("circle", circle{1}), 0),
		"upgrade from version 1: it is now": named("spot", spotV1{}),
		"the limit is 1048576":              make([]byte, wire.MaxGobSize+1),
	} {
		v, err := inGob.UnmarshalGob(data)
		assert.True(t, v == nil && err != nil && strings.Contains(err.Error(), want), fmt.Sprintf("%.300v says %s", err, want))
	}
	_, err := inGob.UnmarshalGob(named("circel", circle{1}))
	assert.True(t, errors.Is(err, roster.ErrUnknown), "an unknown name is the core's error")
	_, err = inGob.UnmarshalGob(named("circle@2", circle{1}))
	assert.True(t, errors.Is(err, wire.ErrNewer), "a newer version says so")

	_, err = inGob.MarshalGob(bare{1})
	assert.ErrorAs[*wire.EncodeError](t, err)
	_, err = inGob.MarshalGob(spot{strings.Repeat("x", wire.MaxGobSize)})
	assert.Contains(t, err.Error(), "the limit is 1048576")
	hasBare := wire.New[figure](wire.Inline("type"), quiet()).UseForGob()
	wire.Register[bare](hasBare, "bare")
	_, err = hasBare.MarshalGob(bare{1})
	assert.Contains(t, err.Error(), `cannot encode a "bare": gob: type wire_test.bare has no exported fields`)

	_, err = inBoxes.MarshalGob(circle{1})
	assert.Contains(t, err.Error(), "call UseForGob on it")
	_, err = inBoxes.UnmarshalGob(nil)
	assert.Contains(t, err.Error(), "call UseForGob on it")
}

// Boxes within boxes are refused beyond the limit, as are boxes that do not say how
// deep they are; structs within structs are bounded by the size.
func TestDeepGobs(t *testing.T) {
	t.Parallel()
	nested := func(depth int) []byte {
		var f figure = circle{1}
		for range depth - 1 {
			f = &scene{Best: wire.In(f)}
		}
		data, err := inGob.MarshalGob(f)
		assert.NoError(t, err)
		return data
	}
	_, err := inGob.UnmarshalGob(nested(wire.MaxGobDepth))
	assert.NoError(t, err)
	for _, depth := range []int{wire.MaxGobDepth + 1, 200} {
		_, err = inGob.UnmarshalGob(nested(depth))
		assert.Contains(t, fmt.Sprint(err), "boxes are nested more than 32 deep")
	}
	// One million bytes are hundreds of thousands of structs in each other.
	const levels = 500_000
	s := &scene{}
	for range levels {
		s = &scene{Next: s}
	}
	var b bytes.Buffer
	b.WriteString("\x05scene")
	assert.NoError(t, gob.NewEncoder(&b).Encode(s))
	assert.True(t, b.Len() > wire.MaxGobSize*9/10 && b.Len() < wire.MaxGobSize, fmt.Sprint("it is close to the limit with ", b.Len()))
	_, err = inGob.UnmarshalGob(b.Bytes())
	assert.NoError(t, err)
}

func FuzzUnmarshalGob(f *testing.F) {
	random := rand.New(rand.NewPCG(7, 8))
	for range 20 {
		data, err := inGob.MarshalGob(randomFigure(random, 2))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := inGob.UnmarshalGob(data)
		if err != nil || v == nil {
			return
		}
		again, err := inGob.MarshalGob(v)
		if err != nil {
			t.Fatalf("%q was decoded and cannot be encoded: %v", data, err)
		}
		if _, err := inGob.UnmarshalGob(again); err != nil {
			t.Fatalf("%q became %q, which cannot be decoded: %v", data, again, err)
		}
	})
}
