package bench_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"testing"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/wire"
)

// An occurrence is what the benchmarks of names on the wire encode.
type occurrence interface{ At() int64 }

type (
	opened struct {
		Time     int64    `json:"time"`
		Customer string   `json:"customer"`
		Items    []string `json:"items"`
	}
	paid struct {
		Time   int64   `json:"time"`
		Amount float64 `json:"amount"`
		Method string  `json:"method"`
	}
	closed struct {
		Time   int64 `json:"time"`
		Reason struct {
			Code int    `json:"code"`
			Text string `json:"text"`
		} `json:"reason"`
	}
)

func (o opened) At() int64 { return o.Time }
func (o paid) At() int64   { return o.Time }
func (o closed) At() int64 { return o.Time }

// handwritten is what a good engineer writes without a library: the name is read
// first, then the value.
type handwritten []occurrence

var errUnknownType = errors.New("unknown type")

func (h *handwritten) UnmarshalJSON(data []byte) error {
	var raw []json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return err
	}
	*h = make(handwritten, len(raw))
	for i, r := range raw {
		var name struct {
			Type string `json:"type"`
		}
		if err := json.Unmarshal(r, &name); err != nil {
			return err
		}
		var err error
		switch name.Type {
		case "opened":
			(*h)[i], err = decodedAs[opened](r)
		case "paid":
			(*h)[i], err = decodedAs[paid](r)
		case "closed":
			(*h)[i], err = decodedAs[closed](r)
		default:
			err = fmt.Errorf("%w %q", errUnknownType, name.Type)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func decodedAs[T occurrence](data []byte) (occurrence, error) {
	var v T
	err := json.Unmarshal(data, &v)
	return v, err
}

func (h handwritten) MarshalJSON() ([]byte, error) {
	named := make([]any, len(h))
	for i, o := range h {
		switch o := o.(type) {
		case opened:
			named[i] = struct {
				Type string `json:"type"`
				opened
			}{"opened", o}
		case paid:
			named[i] = struct {
				Type string `json:"type"`
				paid
			}{"paid", o}
		case closed:
			named[i] = struct {
				Type string `json:"type"`
				closed
			}{"closed", o}
		}
	}
	return json.Marshal(named)
}

func init() { //nolint:gochecknoinits // Types get their names as in any program.
	r := wire.New[occurrence](wire.Inline("type"), roster.Unlisted()).UseForBoxes()
	wire.Register[opened](r, "opened")
	wire.Register[paid](r, "paid")
	wire.Register[closed](r, "closed")
}

func hundredOccurrences() []occurrence {
	var list []occurrence
	for i := range 100 {
		switch i % 3 {
		case 0:
			list = append(list, opened{int64(i), fmt.Sprint("customer ", i), []string{"bread", "milk", "a bicycle"}})
		case 1:
			list = append(list, paid{int64(i), 12.5 * float64(i), "card"})
		case 2:
			c := closed{Time: int64(i)}
			c.Reason.Code, c.Reason.Text = i, "delivered to the neighbour"
			list = append(list, c)
		}
	}
	return list
}

func TestWireAgreesWithHandwritten(t *testing.T) {
	list := hundredOccurrences()
	ours, err := json.Marshal(wire.Slice[occurrence](list))
	if err != nil {
		t.Fatal(err)
	}
	var theirs handwritten
	if err := json.Unmarshal(ours, &theirs); err != nil || !reflect.DeepEqual([]occurrence(theirs), list) {
		t.Fatalf("got %v, %v", theirs, err)
	}
	data, err := json.Marshal(theirs)
	if err != nil {
		t.Fatal(err)
	}
	var again wire.Slice[occurrence]
	if err := json.Unmarshal(data, &again); err != nil || !reflect.DeepEqual([]occurrence(again), list) {
		t.Fatalf("got %v, %v", again, err)
	}
}

// A hundred events of three types.
func BenchmarkWireJSON(b *testing.B) {
	list := hundredOccurrences()
	data, err := json.Marshal(wire.Slice[occurrence](list))
	if err != nil {
		b.Fatal(err)
	}
	decode := func(b *testing.B, into any) {
		b.Helper()
		b.ReportAllocs()
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			if err := json.Unmarshal(data, into); err != nil {
				b.Fatal(err)
			}
		}
	}
	encode := func(b *testing.B, v any) {
		b.Helper()
		b.ReportAllocs()
		for b.Loop() {
			if _, err := json.Marshal(v); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("decode/handwritten", func(b *testing.B) { decode(b, new(handwritten)) })
	b.Run("decode/roster", func(b *testing.B) { decode(b, new(wire.Slice[occurrence])) })
	b.Run("encode/handwritten", func(b *testing.B) { encode(b, handwritten(list)) })
	b.Run("encode/roster", func(b *testing.B) { encode(b, wire.Slice[occurrence](list)) })
}
