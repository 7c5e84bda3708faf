package sdk_test

import (
	"context"
	"fmt"

	"github.com/roster-go/roster/plugin/sdk"
)

// A whole plugin: its main function.
func ExampleFunc() {
	type request struct {
		Name string `json:"name"`
	}
	type reply struct {
		Text string `json:"text"`
	}
	err := sdk.Run(context.Background(), sdk.Plugin{Name: "greeter", Version: "1.0.0"},
		sdk.Func("greet.hello", func(_ context.Context, in request) (reply, error) {
			if in.Name == "" {
				return reply{}, sdk.Invalid("name: it is empty; say who is greeted")
			}
			return reply{"Hello, " + in.Name}, nil
		}))
	fmt.Println(err) // with sdk.Serve the process would exit
	// Output: sdk: plugin "greeter": not started by a Roster host
}

func ExampleDecode() {
	var config struct {
		Theme string `json:"theme"`
	}
	err := sdk.Decode([]byte(`{"them": "dark"}`), &config)
	fmt.Println(err)
	// Output: rpc error: code = InvalidArgument desc = unknown field "them"; known fields: theme
}
