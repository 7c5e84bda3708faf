package wire_test

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/roster-go/roster/wire"
)

type Event interface{ Subject() string }

type OrderPlaced struct {
	Order int `json:"order"`
}

type OrderShipped struct {
	Order   int    `json:"order"`
	Carrier string `json:"carrier"`
}

func (e OrderPlaced) Subject() string  { return fmt.Sprint("order ", e.Order, " placed") }
func (e OrderShipped) Subject() string { return fmt.Sprint("order ", e.Order, " with ", e.Carrier) }

var events = wire.New[Event](wire.Inline("type")).UseForBoxes()

func init() {
	wire.Register[OrderPlaced](events, "order.placed", wire.Alias("order.created"))
	wire.Register[OrderShipped](events, "order.shipped")
}

func Example() {
	var log struct {
		Events wire.Slice[Event] `json:"events"`
	}
	err := json.Unmarshal([]byte(`{"events": [
		{"type": "order.created", "order": 1},
		{"type": "order.shipped", "order": 1, "carrier": "sea"}
	]}`), &log)
	fmt.Println(err)
	for _, e := range log.Events {
		fmt.Println(e.Subject())
	}
	written, err := json.Marshal(log)
	fmt.Println(string(written), err)
	// Output:
	// <nil>
	// order 1 placed
	// order 1 with sea
	// {"events":[{"type":"order.placed","order":1},{"type":"order.shipped","order":1,"carrier":"sea"}]} <nil>
}

func ExampleRegistry_Unmarshal() {
	_, err := events.Unmarshal([]byte(`{"type": "order.shiped"}`))
	fmt.Println(err)
	// Output:
	// roster: wire_test.Event: "order.shiped" is not registered (did you mean "order.shipped" or "order.placed"?); registered: order.created, order.placed, order.shipped
}

func ExampleRegistry_UseForGob() {
	events := wire.New[Event](wire.Inline("type")).UseForGob()
	wire.Register[OrderPlaced](events, "order.placed", wire.Alias("order.created"))

	data, err := events.MarshalGob(OrderPlaced{Order: 1})
	fmt.Println(strings.Contains(string(data), "order.placed"), err)
	event, err := events.UnmarshalGob(data)
	fmt.Println(event.Subject(), err)
	// Output:
	// true <nil>
	// order 1 placed <nil>
}

type address struct {
	Street, City string
}

func (a address) Subject() string { return a.City }

type addressV1 struct{ Line string }

func ExampleUpgrade() {
	places := wire.New[Event](wire.Inline("type"))
	wire.Register[address](places, "address", wire.Version(2),
		wire.Upgrade(1, func(old addressV1) (address, error) { return address{Street: old.Line, City: "unknown"}, nil }))

	old, err := places.Unmarshal([]byte(`{"type": "address", "Line": "Main Street"}`))
	fmt.Println(old, err)
	written, _ := places.Marshal(old)
	fmt.Println(string(written))
	// Output:
	// {Main Street unknown} <nil>
	// {"type":"address@2","Street":"Main Street","City":"unknown"}
}
