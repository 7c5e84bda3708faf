package gobname

import (
	"encoding/gob"
	"fmt"
	"reflect"
	"time"

	"github.com/roster-go/roster"
)

type Order struct{}

var types = roster.New[any]()

func init() {
	gob.Register(Order{})                                 // want `gob.Register names this type "gobname.Order", after its package`
	gob.Register(&Order{})                                // want `gob.Register names this type "\*gobname.Order", after its package`
	types.Register(reflect.TypeOf(Order{}).String(), nil) // want `the name in gobname.types is that of a Go type \(reflect.Type.String\)`
	types.Register(fmt.Sprintf("%T", Order{}), nil)       // want `the name in gobname.types is that of a Go type \(%T\)`

	gob.Register(time.Time{})
	gob.Register(map[string]any{})
	gob.RegisterName("order", Order{})
	types.Register(fmt.Sprintf("%d", 3), nil)
}
